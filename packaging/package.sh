#!/usr/bin/env bash
# What `make package` runs: all packages of this version, in OUT (build/package).
# BUILD is CMake's build directory, for the wheel. Made twice of one commit, they are the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export OUT=${OUT:-$PWD/build/package}
build=$PWD/${BUILD:-build/release}
VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Not yet under its own name: crates that compile C are built anew when that changes.
EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export VERSION EPOCH

rm -rf "$OUT"
mkdir -p "$OUT"
python3 packaging/third_party.py mysqlfabric "$OUT/licences/library" quiet-panics
# The command has the library in it.
python3 packaging/third_party.py mysqlfabric-cli "$OUT/licences/tools" mysqlfabric/quiet-panics

packaging/tarball.sh
if command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null; then
    packaging/deb.sh
else
    echo "no .deb: they take dpkg and debhelper"
fi

if python3 -c 'import venv, ensurepip' 2>/dev/null; then
    make --no-print-directory build
    SOURCE_DATE_EPOCH=$EPOCH bindings/python/wheel.sh "$build/lib/libmysqlfabric.so" "$OUT/wheel"
    mv "$OUT"/wheel/*.whl "$OUT"
else
    echo "no wheel: it takes Python's venv"
fi

cd "$OUT"
rm -rf deb licences wheel
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | sort | xargs sha256sum >SHA256SUMS
echo
ls -l "$OUT"
