#!/usr/bin/env bash
# Fuzzes the reading of what others send: run.sh [SECONDS] [TARGET...]; all targets if none is named,
# each for that long.
#
#   dump    replies of Fabric nodes: rows read as they arrive are those of the tree
#   mysql   what a MySQL server sends: the same in pieces of any size
#
# It begins with recordings and keeps what it finds in tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-60}
shift || true
targets=("$@")
[ $# -gt 0 ] || targets=(dump mysql)

# Each input has two bytes of piece size before what is read.
begin_dump() {
    local reply
    for reply in ../data/captures/*.res; do
        { printf '\0\1' && sed '1,/^\r$/d' "$reply"; } >"corpus/dump/$(basename "$reply" .res)"
    done
}

begin_mysql() {
    local reply
    for reply in ../data/mysql_rpc/*.res; do
        { printf '\0\1' && cat "$reply"; } >"corpus/mysql/$(basename "$reply" .res)"
    done
}

# The coverage that libFuzzer goes by is a nightly flag of a stable compiler.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 --cfg fuzzing"
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --locked --release --target "$host"
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    "begin_$target"
    options=()
    [ "$target" != dump ] || options=(-dict=xmlrpc.dict)
    "target/$host/release/$target" "corpus/$target" -max_total_time="$seconds" -max_len=20000 \
        "${options[@]}" -timeout=10 -print_final_stats=1
done
