#!/usr/bin/env bash
# Builds the wheel: wheel.sh LIBRARY DIRECTORY. `make wheel` and the tests run it.
#
# LIBRARY is libmysqlfabric.so, of which a stripped copy goes into the wheel. PYTHON names a Python with
# setuptools 77 or later; without it one is made below DIRECTORY.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 LIBRARY DIRECTORY" >&2; exit 2; }
library=$(realpath "$1")
mkdir -p "$2"
directory=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")"

python=${PYTHON:-}
if [ -z "$python" ]; then
    python=$directory/venv/bin/python
    [ -x "$python" ] || python3 -m venv "$directory/venv"
    "$python" -c 'from setuptools.command import bdist_wheel' 2>/dev/null ||
        "$python" -m pip install --quiet --disable-pip-version-check 'setuptools>=77'
fi

# What setuptools leaves where it builds is not for the source tree.
source=$directory/source
rm -rf "$source"
mkdir "$source"
cp -r native src pyproject.toml setup.py README.md ../../LICENSE-MIT ../../LICENSE-APACHE "$source"
include=$(realpath ../../include)
# What is linked into the library, for who gets the wheel: setuptools takes what is called LICENSE.
../../packaging/third_party.py mysqlfabric "$directory/licences" quiet-panics
cp "$directory/licences/THIRD-PARTY.txt" "$source/LICENSE-THIRD-PARTY.txt"
cp "$directory/licences/sbom.cdx.json" "$source"
rm -f "$directory"/*.whl
cd "$source"
MYSQLFABRIC_LIBRARY=$library MYSQLFABRIC_INCLUDE=$include \
    "$python" -c 'import setuptools.build_meta as b, sys; print(sys.argv[1] + "/" + b.build_wheel(sys.argv[1]))' \
    "$directory" >"$directory/log" 2>&1 || { cat "$directory/log" >&2; exit 1; }
tail -n 1 "$directory/log"
