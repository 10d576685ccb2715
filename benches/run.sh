#!/usr/bin/env bash
# What `make bench` runs: every bench, and their tables in one file. BUILD names CMake's build
# directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=$PWD/${BUILD:-build/release}
tables=$build/bench.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Connector/Python is downloaded, so there may be none.
reference() (
    venv=$PWD/build/reference-venv
    if ! "$venv/bin/python" -c 'import mysql.connector.fabric' 2>/dev/null; then
        if ! { python3 -m venv --clear "$venv" \
            && "$venv/bin/pip" install --quiet mysql-connector==2.2.9; } >&2; then
            printf '## Beside the reference\n\nNot measured: pip could not install %s.\n' \
                mysql-connector==2.2.9
            return
        fi
    fi
    program=$PWD/benches/reference.py
    cd "$scratch" && "$venv/bin/python" "$program" "$build/benches/c/bench"
)

{
    echo "Measured on $(date -u +%Y-%m-%d), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
        "$(getconf _NPROCESSORS_ONLN) cores, $(rustc --version), $(cc --version | head -1)."
    echo
    # It leaves the made-up farms where it is started.
    (cd "$scratch" && "$build/benches/c/bench")
    reference
    echo '## Searches for a shard'
    echo
    cargo bench --quiet --locked --bench search
} | tee "$tables"
echo "The tables are in $tables." >&2
