#!/usr/bin/env bash
# Installs what `make package` made into empty roots, and builds and runs programs with what lies
# there alone: tests/packages/check.sh [DIRECTORY OF THE PACKAGES]. Needs a fabricd, as
# tests/with-fabricd.sh starts it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/ask.sh

packages=$(realpath "${1:-build/package}")
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# no_paths TREE: no file of a package names the machine that built it.
no_paths() {
    ! grep -raoF -e "$source" -e "${CARGO_HOME:-$HOME/.cargo}/" "$1" | sort | uniq -c | grep . ||
        fail "paths of the build in $1"
}

# licences DIRECTORY [NAME.gz]: there is a bill of materials, and a licence for each line of it.
licences() {
    python3 - "$1" <<'PYTHON'
import gzip, json, pathlib, re, sys

folder = pathlib.Path(sys.argv[1])
packed = folder / "THIRD-PARTY.txt.gz"
text = gzip.open(packed, "rt").read() if packed.exists() else (folder / "THIRD-PARTY.txt").read_text()
bom = json.loads((folder / "sbom.cdx.json").read_text())
deny = pathlib.Path("deny.toml").read_text()
allowed = set(re.findall(r'"([^"]+)"', re.search(r"\nallow = \[(.*?)\]", deny, re.DOTALL)[1]))
assert bom["bomFormat"] == "CycloneDX" and len(bom["components"]) > 50, len(bom["components"])
for one in bom["components"]:
    choices = re.sub("[()]", "", one["licenses"][0]["expression"]).split(" OR ")
    # MIT is taken where it may be; of what is joined by AND, all.
    assert any(set(choice.split(" AND ")) <= allowed for choice in choices), one
    own = one["name"].startswith("mysqlfabric")
    assert own or one["name"] == "std" or f"\n{one['name']} {one['version']}: " in text, one["name"]
print(f"ok: {len(bom['components'])} components, each with its licence")
PYTHON
}

# use_c PREFIX LIBDIR EXAMPLES: C and C++ programs, by CMake and by pkg-config, shared and static.
use_c() {
    local prefix=$1 libdir=$2 app=$3/quickstart.c
    rm -rf "$work/consumer" "$work/app"
    cmake -S tests/install/consumer -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
    grep -q "^MySQLFabric_DIR:PATH=$libdir/" "$work/consumer/CMakeCache.txt" || fail "another MySQLFabric is found"
    cmake --build "$work/consumer" >/dev/null
    for program in app_shared app_static app_cpp app_cpp17; do
        ask "$work/consumer/$program"
    done
    export PKG_CONFIG_LIBDIR=$libdir/pkgconfig
    local flags
    read -ra flags <<<"$(pkg-config --cflags --libs mysqlfabric)"
    cc -Wall -Wextra -Werror "$app" "${flags[@]}" -o "$work/app"
    LD_LIBRARY_PATH=$libdir ask "$work/app"
    read -ra flags <<<"$(pkg-config --cflags --libs mysqlfabric-static)"
    cc -Wall -Wextra -Werror "$app" "${flags[@]}" -o "$work/app"
    ask "$work/app"
}

# use_command PREFIX: it needs no library, has a manual, and answers.
use_command() {
    local said
    said=$(MYSQLFABRIC_FABRIC_USER=admin MYSQLFABRIC_FABRIC_PASSWORD=secret "$1/bin/mysqlfabric" \
        --url "fabric://$FABRICD_HOST:$FABRICD_PORT" route employees.salaries 10021 --print address)
    [ "$said of group shard2" = "$answer" ] || fail "mysqlfabric says: $said"
    compgen -G "$1/share/man/man1/mysqlfabric.1*" >/dev/null || fail "mysqlfabric has no manual"
    echo "ok: mysqlfabric"
}

# use_go MODULE LIBDIR: a program that imports the module from where it is installed.
use_go() {
    mkdir -p "$work/go"
    cp tests/packages/quickstart.go "$work/go/main.go"
    (
        cd "$work/go"
        rm -f go.mod
        go mod init service 2>/dev/null
        go mod edit -require mysqlfabric@v0.1.0 -replace "mysqlfabric=$1"
        PKG_CONFIG_LIBDIR=$2/pkgconfig CGO_LDFLAGS=-Wl,-rpath,$2 GOFLAGS=-mod=mod go build -o service .
    )
    ask "$work/go/service"
}

# use_wheel: in an environment that has nothing else.
use_wheel() {
    local python=$work/venv/bin/python
    python3 -m venv "$work/venv"
    "$python" -m pip install --quiet --disable-pip-version-check --no-index "$packages"/*.whl
    no_paths "$(echo "$work"/venv/lib/*/site-packages/mysqlfabric)"
    for folder in "$work"/venv/lib/*/site-packages/mysqlfabric-*.dist-info; do
        cp "$folder"/licenses/LICENSE-THIRD-PARTY.txt "$work/THIRD-PARTY.txt"
        cp "$folder"/sboms/sbom.cdx.json "$work"
    done
    licences "$work"
    ask "$python" tests/packages/quickstart.py
}

# use_debs: into a root with a database of its own, which knows of this system what they depend on.
use_debs() {
    local root=$work/root admin=$work/root/var/lib/dpkg package arch libdir id
    arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    libdir=$root/usr/lib/$arch
    mkdir -p "$admin"/{info,updates,triggers}
    for package in libc6 libgcc-s1 libc6-dev; do
        dpkg-query --status "$package" >>"$admin/status"
        echo >>"$admin/status"
        touch "$admin/info/$package:$(dpkg --print-architecture).list"
    done
    in_root() {
        fakeroot dpkg --root="$root" --force-bad-path --log="$work/dpkg.log" "$@"
    }
    in_root --install "$packages"/*.deb >/dev/null
    [ -z "$(in_root --verify)" ] || fail "$(in_root --verify)"
    no_paths "$root/usr"

    # Debuggers look for symbols by the number of the build.
    id=$(readelf -n "$libdir"/libmysqlfabric.so.0 | sed -n 's/.*Build ID: //p')
    readelf -SW "$root/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" | grep -q '\.debug_line' ||
        fail "no symbols of the build $id"
    for package in "$root"/usr/share/doc/*mysqlfabric*; do
        [ -L "$package" ] || licences "$package"
    done
    use_c "$root/usr" "$libdir" "$root/usr/share/doc/libmysqlfabric-dev/examples"
    use_go "$root/usr/share/mysqlfabric/go" "$libdir"
    use_command "$root/usr"

    mapfile -t installed < <(dpkg-query --admindir="$admin" -Wf '${Package}\n' '*mysqlfabric*')
    in_root --purge "${installed[@]}" >/dev/null
    ! find "$root" -path "$root/var" -prune -o ! -type d -print | grep . || fail "purged, and files are left"
    echo "ok: ${installed[*]} came and went"
}

# use_tarball: a tree that lies anywhere, and the symbols put into it.
use_tarball() {
    local tree
    mkdir "$work/tar"
    for archive in "$packages"/libmysqlfabric-*.tar.gz; do
        tar -C "$work/tar" -xzf "$archive"
    done
    tree=$(echo "$work"/tar/*)
    no_paths "$tree"
    licences "$tree/share/doc/MySQLFabric"
    [ -e "$tree/lib/.debug/$(readlink "$tree/lib/libmysqlfabric.so.0").debug" ] || fail "no symbols"
    use_c "$tree" "$tree/lib" "$tree/share/doc/MySQLFabric/examples"
    use_go "$tree/share/mysqlfabric/go" "$tree/lib"
    use_command "$tree"
}

(cd "$packages" && sha256sum --quiet --check SHA256SUMS)
use_tarball
use_wheel
if command -v dpkg >/dev/null; then
    lintian --allow-root --fail-on error,warning "$packages"/*.changes
    use_debs
fi
