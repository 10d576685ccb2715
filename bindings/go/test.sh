#!/usr/bin/env bash
# Checks and tests the Go module, under the race detector too, with the library that CMake or cargo built:
#
#   bindings/go/test.sh [go test's options]
#
# MYSQLFABRIC_LIBRARY and FABRICD name other builds, GO another Go.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)

# The first that is there of those given.
first() {
    local name=$1 built
    shift
    for built in "$@"; do
        if [ -f "$built" ]; then
            realpath "$built"
            return
        fi
    done
    echo "no $name: run 'make build' and 'cargo build -p fabricd'" >&2
    return 1
}
target=${CARGO_TARGET_DIR:-$root/target}
library=$(first libmysqlfabric.so "${MYSQLFABRIC_LIBRARY:-}" "$root/build/release/lib/libmysqlfabric.so" \
    "$target/release/libmysqlfabric.so" "$target/debug/libmysqlfabric.so")
FABRICD=$(first fabricd "${FABRICD:-}" "$target/release/fabricd" "$target/debug/fabricd")
export FABRICD

# What pkg-config finds. Cargo makes the library without the name that the loader looks for.
place=$root/build/go
mkdir -p "$place"
ln -sfn "$library" "$place/libmysqlfabric.so"
ln -sf libmysqlfabric.so "$place/libmysqlfabric.so.0"
cat >"$place/mysqlfabric.pc" <<PC
Name: mysqlfabric
Description: the library of this build
Version: $(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
Libs: -L"$place" -lmysqlfabric
Cflags: -I"$root/include"
PC
archive=${library%/*}/libmysqlfabric.a
sed -e 's/^Name: .*/&-static/' -e "s|^Libs: .*|Libs: $archive -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc|" \
    "$place/mysqlfabric.pc" >"$place/mysqlfabric-static.pc"
export PKG_CONFIG_PATH=$place${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export LD_LIBRARY_PATH=$place${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CGO_ENABLED=1
# Go keeps what it built although a header or a .pc file elsewhere changed, unless a flag does.
export CGO_CFLAGS="${CGO_CFLAGS:--O2 -g} -DTESTED_WITH=$(cat "$root/include/mysqlfabric.h" "$place/mysqlfabric.pc" | cksum | cut -d ' ' -f 1)"

go=${GO:-go}
wanted=$(sed -n 's/^go //p' go.mod)
has=$(cd "$place" && "$go" env GOVERSION | sed s/^go//)
if [ "$(printf '%s\n' "$wanted" "${has:-0}" | sort -V | head -n 1)" != "$wanted" ] && [ "$(printf '%s\n' 1.21 "${has:-0}" | sort -V | head -n 1)" != 1.21 ]; then
    # Before 1.21 Go does not fetch what a module wants by itself; it is a module, too.
    toolchain=golang.org/toolchain@v0.0.1-go$wanted.$(cd "$place" && "$go" env GOOS GOARCH | paste -sd-)
    (cd "$place" && "$go" mod download "$toolchain") # not where a go.mod is that it cannot read
    tools=$(cd "$place" && "$go" env GOMODCACHE)/$toolchain
    chmod -R u+x "$tools/bin" "$tools/pkg/tool"
    go=$tools/bin/go
    export GOTOOLCHAIN=local GOROOT=$tools
fi

unformatted=$("$("$go" env GOROOT)/bin/gofmt" -l .)
if [ -n "$unformatted" ]; then
    echo "gofmt would change: $unformatted" >&2
    exit 1
fi
"$go" vet ./...
if [ $# -gt 0 ]; then
    exec "$go" test -count=1 "$@" ./...
fi
# What counts memory and threads, without the race detector's own, and what reads much and shares nothing.
"$go" test -count=1 -run 'Allocations|Waiting|MessagesSpeakOfGo' .
"$go" test -count=1 -race -skip MessagesSpeakOfGo ./...
# The library inside the program.
[ ! -e "$archive" ] || exec "$go" test -count=1 -tags mysqlfabric_static -run Example .
