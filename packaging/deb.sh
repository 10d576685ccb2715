#!/usr/bin/env bash
# Makes Debian packages in OUT, with debhelper: OUT=<directory> VERSION=<x.y.z> EPOCH=<time> packaging/deb.sh
#
# The library is built by CMake as ever, for the prefix /usr and Debian's directories. debhelper
# takes the debug symbols apart, and knows the rest of Debian's rules.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$OUT/deb
abi=$(sed -n 's/^const ABI: u32 = \([0-9]*\);/\1/p' build.rs)
arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
maintainer="${DEBFULLNAME:-} <${DEBEMAIL:-}>"
[ -n "${DEBEMAIL:-}" ] || maintainer=$(git log -1 --format='%an <%ae>' 2>/dev/null) ||
    { echo "deb.sh: who makes these packages? Set DEBFULLNAME and DEBEMAIL" >&2; exit 1; }
# A version that is not released yet comes before it.
version=$VERSION
! grep -qF "## $VERSION (unreleased)" CHANGELOG.md ||
    version=$VERSION~$(date -u -d "@$EPOCH" +%Y%m%d.%H%M%S)

rm -rf "$work"
mkdir -p "$work/debian"
cmake -S . -B "$work/obj" -DCMAKE_BUILD_TYPE=Release -DMYSQLFABRIC_STRIP=OFF -DMYSQLFABRIC_BUILD_EXAMPLES=OFF \
    -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="lib/$arch" \
    -DCMAKE_INSTALL_DOCDIR=share/doc/libmysqlfabric-dev >/dev/null
cmake --build "$work/obj"

sed -e "s/@ABI@/$abi/" -e "s/@MAINTAINER@/$maintainer/" packaging/debian/control.in >"$work/debian/control"
cp packaging/debian/rules "$work/debian/"
while read -r kind package licences; do
    cp "packaging/debian/$kind.install" "$work/debian/$package.install"
    cp packaging/debian/lintian-overrides "$work/debian/$package.lintian-overrides"
    cp "$OUT/licences/$licences/copyright" "$work/debian/$package.copyright"
    cp -r "$OUT/licences" "$work/"
    printf "licences/$licences/%s\n" THIRD-PARTY.txt sbom.cdx.json >"$work/debian/$package.docs"
done <<EOF
library libmysqlfabric$abi library
dev libmysqlfabric-dev library
tools mysqlfabric-tools tools
EOF
packaging/symbols.py "libmysqlfabric.so.$abi" "libmysqlfabric$abi" >"$work/debian/libmysqlfabric$abi.symbols"
cp CHANGELOG.md "$work/"
cat >"$work/debian/changelog" <<EOF
mysqlfabric ($version-1) unstable; urgency=medium

  * Version $VERSION, packaged by the project itself: changelog.gz says what is
    new in it.

 -- $maintainer  $(date -u -R -d "@$EPOCH")
EOF

cd "$work"
export INSTALL="cmake --install $work/obj" SOURCE_DATE_EPOCH=$EPOCH
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps --no-pre-clean
