#!/bin/sh
# Runs the Go tests, under the race detector too, on what
# `cargo build --release -p mysqlfabric -p fabricd` made.
# MYSQLFABRIC_LIBRARY and FABRICD name other builds, GO another Go.
set -eu

cd "$(dirname "$0")/../.."
root=$PWD
go=${GO:-go}

# The first that is there of a file given, a release build and a debug build.
find_built() {
    for built in "$1" "$root/target/release/$2" "$root/target/debug/$2"; do
        if [ -n "$built" ] && [ -e "$built" ]; then
            echo "$built"
            return
        fi
    done
    echo "no $2: run 'cargo build --release -p mysqlfabric -p fabricd'" >&2
    return 1
}
library=$(find_built "${MYSQLFABRIC_LIBRARY:-}" libmysqlfabric.so)
FABRICD=$(realpath "$(find_built "${FABRICD:-}" fabricd)")
export FABRICD

# Cargo makes the library without the name the loader looks for.
mkdir -p build/go
ln -sf "$(realpath "$library")" build/go/libmysqlfabric.so
ln -sf libmysqlfabric.so build/go/libmysqlfabric.so.0

export CGO_ENABLED=1
export CGO_CFLAGS="-I$root/include ${CGO_CFLAGS:-}"
export CGO_LDFLAGS="-L$root/build/go ${CGO_LDFLAGS:-}"
export LD_LIBRARY_PATH="$root/build/go${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

cd tests/go
unformatted=$("$(dirname "$(command -v "$go")")/gofmt" -l .)
if [ -n "$unformatted" ]; then
    echo "gofmt would change: $unformatted" >&2
    exit 1
fi
"$go" vet ./...
"$go" test -count=1 "$@" ./...
exec "$go" test -count=1 -race "$@" ./...
