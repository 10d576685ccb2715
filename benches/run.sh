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

# The rows with a goal: all cells but the verdict, which is the last one.
goals() {
    local all unmet
    all=$(grep -cE '\| (yes|\*\*no\*\*) \|$' "$1" || true)
    unmet=$(grep -E '\| \*\*no\*\* \|$' "$1" || true)
    printf '%d rows have a goal' "$all"
    if [ -z "$unmet" ]; then
        printf '; all are met.\n\n'
    else
        printf '; %d miss it, see "no" below.\n\n' "$(wc -l <<<"$unmet")"
    fi
}

# rust_bench NAME HEADING: what prints no Markdown is shown as it is.
rust_bench() {
    local printed
    grep -qx "name = \"$1\"" Cargo.toml || return 0
    printed=$(cargo bench --quiet --locked --bench "$1")
    printf '## %s\n\n' "$2"
    if grep -q '^|' <<<"$printed"; then
        printf '%s\n\n' "$printed"
    else
        printf '```\n%s\n```\n\n' "$printed"
    fi
}

measured=$scratch/measured.md
{
    # It leaves the made-up farms where it is started.
    (cd "$scratch" && "$build/benches/c/bench")
    reference
    benches/doors/run.sh "$build/lib/libmysqlfabric.so"
    rust_bench search 'Searches for a shard, ns'
    rust_bench md5 'Hashing a key'
    rust_bench cold 'Loading a farm'
    rust_bench many 'Large farms from a Fabric node'
} | tee "$measured"

{
    printf 'Measured on %s, %s, %d cores, %s, %s.\n' "$(date -u +%Y-%m-%d)" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
        "$(getconf _NPROCESSORS_ONLN)" "$(rustc --version)" "$(cc --version | head -1)"
    goals "$measured"
    cat "$measured"
} >"$tables"
echo "The tables are in $tables." >&2

if [ "${UPDATE_PERFORMANCE:-}" = 1 ]; then
    awk -v tables="$tables" '
        /^<!-- tables end -->/ { inside = 0 }
        !inside
        /^<!-- tables begin -->/ {
            inside = 1
            while ((getline line < tables) > 0) print line
        }' docs/PERFORMANCE.md >"$scratch/performance.md"
    cp "$scratch/performance.md" docs/PERFORMANCE.md
    rows=$(grep -cE '\| (yes|\*\*no\*\*) \|$' "$tables" || true)
    missed=$(grep -cE '\| \*\*no\*\* \|$' "$tables" || true)
    sed -i "s/[0-9]* rows have a goal, [0-9]* miss it/$rows rows have a goal, $missed miss it/" README.md
fi
