#!/usr/bin/env python3
"""What is linked into a binary of this project: its licences and its bill of materials.

third_party.py PACKAGE OUTPUT [FEATURES]: for PACKAGE of the workspace, writes into the directory OUTPUT
  THIRD-PARTY.txt  every crate that is linked in, and the text of its licence
  sbom.cdx.json    the same crates as CycloneDX 1.5, with package URLs and checksums
  copyright        the same as Debian's copyright file (DEP-5)
The crates are those of Cargo.lock for the host, without build scripts, procedural macros and tests.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LICENCE_FILES = ("LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
# The names that Debian gives to licences, where they are not SPDX's own.
DEBIAN_NAMES = {"MIT": "Expat", "BSD-3-Clause": "BSD-3-clause"}


def cargo(*arguments):
    command = [os.environ.get("CARGO", "cargo"), *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def host():
    """The triple of the machine that is built for."""
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    told = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return os.environ.get("CARGO_BUILD_TARGET") or told["host"], told["release"]


def linked(package, features, target):
    """The packages of cargo's metadata that are linked into `package`, itself the first."""
    tree = cargo("tree", "--locked", "--package", package, "--features", features, "--target", target,
                 "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}")
    # `name v1.2.3`, and then where a path or a mark says more.
    wanted = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    every = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    found = [one for one in every["packages"] if (one["name"], "v" + one["version"]) in wanted]
    if len(found) != len(wanted):
        raise SystemExit(f"third_party.py: cargo tree names {len(wanted)} crates, cargo metadata has {len(found)}")
    own = set(every["workspace_members"])
    return [one for one in found if one["id"] in own], [one for one in found if one["id"] not in own]


def expression(crate):
    """The SPDX expression of a crate's licence; the slash is what cargo took before there was one."""
    if not crate["license"]:
        raise SystemExit(f"third_party.py: {crate['name']} names no licence")
    return re.sub(r"\s*/\s*", " OR ", crate["license"])


def chosen(crate):
    """The licence that is taken: MIT where it may be chosen, else all that is asked for."""
    return "MIT" if "MIT" in expression(crate).split(" OR ") else expression(crate)


def licence_texts(crate):
    """The texts of the chosen licence."""
    folder = Path(crate["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir()
                   if file.is_file() and file.name.upper().startswith(LICENCE_FILES))
    if chosen(crate) == "MIT":
        files = [file for file in files if "MIT" in file.name.upper()] or files
    if not files:
        raise SystemExit(f"third_party.py: {crate['name']} {crate['version']} comes without a licence text")
    texts = [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]
    return [re.sub("(?m)^// ?", "", text) for text in texts]


def third_party(crates, rust):
    """Each text once, below the crates that it is for."""
    texts = {}
    for crate in crates:
        for text in licence_texts(crate):
            key = " ".join(text.split())
            texts.setdefault(key, (text, []))[1].append(f"{crate['name']} {crate['version']}: {expression(crate)}")
    out = [
        "What is linked into this binary, beside the project's own code (MIT OR Apache-2.0), and under",
        f"which licences: {len(crates)} crates of crates.io, and the standard library of Rust {rust}",
        "(MIT OR Apache-2.0, Copyright The Rust Project Contributors, https://rust-lang.org), which the",
        "text of MIT below covers, too.",
    ]
    for text, names in texts.values():
        out += ["", "=" * 100, *names, "-" * 100, "", text]
    return "\n".join(out) + "\n"


def component(crate, checksums):
    """A crate as a component of CycloneDX."""
    name, version = crate["name"], crate["version"]
    purl = f"pkg:cargo/{name}@{version}"
    one = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
           "licenses": [{"expression": expression(crate)}]}
    if (name, version) in checksums:
        one["hashes"] = [{"alg": "SHA-256", "content": checksums[name, version]}]
    if crate.get("repository"):
        one["externalReferences"] = [{"type": "vcs", "url": crate["repository"]}]
    return one


def bill_of_materials(own, crates, rust):
    """CycloneDX 1.5, the same for the same input: no time and no random serial number."""
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    pattern = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    checksums = {(name, version): sha for name, version, sha in re.findall(pattern, lock)}
    std = {"name": "std", "version": rust, "license": "MIT OR Apache-2.0",
           "repository": "https://github.com/rust-lang/rust"}
    components = [component(crate, checksums) for crate in crates]
    components.append(dict(component(std, {}), purl=f"pkg:generic/rust-std@{rust}",
                           **{"bom-ref": f"pkg:generic/rust-std@{rust}"}))
    subject = component(own[0], {})
    inside = [component(one, {}) for one in own[1:]]
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
           "metadata": {"component": subject},
           "components": inside + components,
           "dependencies": [{"ref": subject["bom-ref"],
                             "dependsOn": [one["bom-ref"] for one in inside + components]}]}
    digest = hashlib.sha256(json.dumps(bom, sort_keys=True).encode()).hexdigest()
    bom["serialNumber"] = "urn:uuid:" + "-".join(
        [digest[:8], digest[8:12], "5" + digest[13:16], "8" + digest[17:20], digest[20:32]])
    return json.dumps(bom, indent=1, sort_keys=True) + "\n"


def licence_names(crate):
    """The licences that are taken, by Debian's names."""
    return [DEBIAN_NAMES.get(name, name) for name in re.split(r" OR | AND ", chosen(crate))]


# A line that says who holds the rights, unlike those that tell what to do with it.
RIGHTS = re.compile(r"(?i)\s*copyright (\(c\)|©|\d{4}|the )")


def holders(crate):
    """Who holds the rights by its licence texts, else its authors."""
    lines = [line.strip() for text in licence_texts(crate) for line in text.splitlines() if RIGHTS.match(line)]
    said = [re.sub(r"(?i)^copyright ", "", line).rstrip(".") for line in lines]
    return list(dict.fromkeys(said)) or crate["authors"] or [f"the authors of {crate['name']}"]


def paragraph(text):
    """A text as a field of many lines: indented, and a dot for a line that is empty."""
    return "\n".join(" " + (line.rstrip() or ".") for line in text.strip().splitlines())


def standard_text(name, crates):
    """The words of a licence: where Debian keeps them, or from a crate that has this one alone."""
    if name == "Apache-2.0":
        return " On Debian systems the text is in /usr/share/common-licenses/Apache-2.0."
    texts = [licence_texts(crate) for crate in crates if licence_names(crate) == [name]]
    if shortest := min((one[0] for one in texts if len(one) == 1), key=len, default=""):
        # Who holds the rights stands with each crate.
        kept = "\n".join(line for line in shortest.splitlines() if not RIGHTS.match(line))
        return paragraph(re.sub(r"\n{3,}", "\n\n", kept))
    raise SystemExit(f"third_party.py: no crate comes with the text of {name} alone")


def debian_copyright(own, crates, rust):
    out = ["Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
           "Upstream-Name: libmysqlfabric",
           "Comment: The binary packages have the crates linked in that are listed below as vendor/NAME-VERSION,",
           " which cargo fetches from https://crates.io by Cargo.lock. Of several licences MIT's is taken.",
           "", "Files: *", "Copyright: 2026 the libmysqlfabric authors", "License: Expat or Apache-2.0",
           "", "Files: vendor/rust-std/*", "Comment: the standard library of Rust " + rust,
           "Copyright: The Rust Project Contributors", "License: Expat"]
    for crate in crates:
        out += ["", f"Files: vendor/{crate['name']}-{crate['version']}/*",
                "Copyright: " + "\n ".join(holders(crate)), "License: " + " and ".join(licence_names(crate))]
    names = {"Expat", "Apache-2.0"}.union(*(licence_names(crate) for crate in crates))
    for name in sorted(names):
        out += ["", "License: " + name, standard_text(name, crates)]
    return "\n".join(out) + "\n"


def main():
    package, output = sys.argv[1], Path(sys.argv[2])
    target, rust = host()
    own, crates = linked(package, sys.argv[3] if len(sys.argv) > 3 else "", target)
    own.sort(key=lambda one: one["name"] != package)
    crates.sort(key=lambda one: (one["name"], one["version"]))
    output.mkdir(parents=True, exist_ok=True)
    for name, text in [("THIRD-PARTY.txt", third_party(crates, rust)),
                       ("sbom.cdx.json", bill_of_materials(own, crates, rust)),
                       ("copyright", debian_copyright(own, crates, rust))]:
        (output / name).write_text(text, encoding="utf-8")


main()
