#!/usr/bin/env bash
# What `make bench` runs: every bench, and their tables in one file. BUILD names CMake's build
# directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=$PWD/${BUILD:-build/release}
tables=$build/bench.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

{
    echo "Measured on $(date -u +%Y-%m-%d), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
        "$(getconf _NPROCESSORS_ONLN) cores, $(rustc --version), $(cc --version | head -1)."
    echo
    # It leaves the made-up farms where it is started.
    (cd "$scratch" && "$build/benches/c/bench")
} | tee "$tables"
echo "The tables are in $tables." >&2
