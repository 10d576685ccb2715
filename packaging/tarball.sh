#!/usr/bin/env bash
# Makes two archives in OUT: OUT=<directory> VERSION=<x.y.z> EPOCH=<time> packaging/tarball.sh
#
# What `make install` installs, as a tree that can lie anywhere, and the debug symbols that fit into it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=libmysqlfabric-$VERSION-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
stage=$OUT/tarball
docs=share/doc/MySQLFabric

# pack NAME: an archive of stage/NAME; without times and owners of this machine.
pack() {
    tar -C "$stage/$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$EPOCH" \
        -cf - "$name" | gzip -n9 >"$OUT/$1.tar.gz"
}

rm -rf "$stage"
# Of its own, so that the manifests of others, which `make uninstall` goes by, stay theirs.
cmake -S . -B "$stage/obj" -DCMAKE_BUILD_TYPE=Release -DMYSQLFABRIC_BUILD_EXAMPLES=OFF >/dev/null
cmake --build "$stage/obj"
cmake --install "$stage/obj" --prefix "$stage/$name/$name" >/dev/null
cmake --install "$stage/obj" --prefix "$stage/$name-debug/$name" --component debug >/dev/null
cp "$OUT"/licences/tools/{THIRD-PARTY.txt,sbom.cdx.json} "$stage/$name/$name/$docs/"
pack "$name"
pack "$name-debug"
rm -r "$stage"
