"""Builds the extension module, and a wheel with the library inside. `make wheel` runs it.

MYSQLFABRIC_LIBRARY names the library to put in, libmysqlfabric.so; without it the extension is linked against
the one that the system's linker finds, and none is put in. MYSQLFABRIC_INCLUDE names the directory of
mysqlfabric.h.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.bdist_wheel import bdist_wheel

SONAME = "libmysqlfabric.so.0"
here = Path(__file__).resolve().parent
library = os.environ.get("MYSQLFABRIC_LIBRARY")
include = os.environ.get("MYSQLFABRIC_INCLUDE", str(here / "../../include"))


class BuildExtension(build_ext):
    """Links against a copy of the library, stripped, that lies beside the extension and is found there."""

    def build_extensions(self):
        # What an interpreter was built with says where its own libraries lie, which is no matter of ours.
        self.compiler.linker_so = [a for a in self.compiler.linker_so if not a.startswith(("-L", "-Wl,-rpath"))]
        super().build_extensions()

    def run(self):
        if library:
            package = Path(self.get_ext_fullpath("mysqlfabric._fabric")).parent
            package.mkdir(parents=True, exist_ok=True)
            inside = package / SONAME
            shutil.copyfile(library, inside)
            subprocess.run([os.environ.get("STRIP", "strip"), "--strip-unneeded", str(inside)], check=True)
            for extension in self.extensions:
                extension.extra_link_args += [str(inside), "-Wl,-rpath,$ORIGIN"]
        else:
            for extension in self.extensions:
                extension.libraries.append("mysqlfabric")
        super().run()


def glibc_needed(files):
    """The newest version of glibc whose symbols these files want."""
    versions = [(2, 17)]
    for file in files:
        listed = subprocess.run(["readelf", "-V", str(file)], check=True, capture_output=True, text=True)
        versions += [tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_(\d+\.\d+)", listed.stdout)]
    return max(versions)


class Wheel(bdist_wheel):
    """A wheel for every Python from 3.10 on, tagged with the glibc that what is inside wants (PEP 600)."""

    def get_tag(self):
        python, abi, platform = super().get_tag()
        if library and platform.startswith("linux_"):
            inside = [f for f in Path(self.bdist_dir).rglob("*.so*")]
            platform = "manylinux_{}_{}_{}".format(*glibc_needed(inside), platform[len("linux_") :])
        return python, abi, platform

    def egg2dist(self, egginfo_path, distinfo_path):
        """Adds the bill of materials, where PEP 770 has its place."""
        super().egg2dist(egginfo_path, distinfo_path)
        if (here / "sbom.cdx.json").exists():
            folder = Path(distinfo_path, "sboms")
            folder.mkdir()
            shutil.copy(here / "sbom.cdx.json", folder)


setup(
    ext_modules=[
        Extension(
            "mysqlfabric._fabric",
            sorted(str(f.relative_to(here)) for f in here.glob("native/*.c")),
            depends=["native/fabric.h", "native/docs.h"],
            include_dirs=[include],
            extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
            extra_link_args=["-Wl,-s"],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildExtension, "bdist_wheel": Wheel},
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
