#!/usr/bin/env python3
"""Debian's symbols file of the shared library, on standard output: symbols.py SONAME PACKAGE

Each function with the version that the header's `@since` names, so that a program depends on no later
version than it needs. The tilde lets packages made before a release count as that release.
"""

import re
import sys
from pathlib import Path

header = (Path(__file__).resolve().parent.parent / "include/mysqlfabric.h").read_text(encoding="utf-8")
since = {}
for comment, declaration in re.findall(r"/\*\*(.*?)\*/\s*([^;/]*;)", header, re.DOTALL):
    function = re.search(r"\b(fabric_\w+)\(", declaration)
    version = re.search(r"@since (\d+\.\d+\.\d+)", comment)
    if function and version and "typedef" not in declaration:
        since[function[1]] = version[1]
if not since:
    raise SystemExit("symbols.py: the header was not understood")
print(f"{sys.argv[1]} {sys.argv[2]} #MINVER#")
print("* Build-Depends-Package: libmysqlfabric-dev")
for name, version in sorted(since.items()):
    print(f" {name}@Base {version}~")
