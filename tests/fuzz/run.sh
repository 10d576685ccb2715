#!/usr/bin/env bash
# Fuzzes the reading of dumps: run.sh [SECONDS]. It begins with the captured replies and keeps what
# it finds in tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-60}
mkdir -p corpus
for reply in ../data/captures/*.res; do
    # Two bytes of piece size, and the body.
    { printf '\0\1' && sed '1,/^\r$/d' "$reply"; } >"corpus/$(basename "$reply" .res)"
done

# The coverage that libFuzzer goes by is a nightly flag of a stable compiler.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 --cfg fuzzing"
target=$(rustc -vV | sed -n 's/^host: //p')
cargo build --locked --release --target "$target"
exec "target/$target/release/dump" corpus -max_total_time="$seconds" -max_len=20000 \
    -dict=xmlrpc.dict -timeout=10 -print_final_stats=1
