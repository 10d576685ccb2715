#!/usr/bin/env bash
# What a warm lookup costs from each language, in one table: run.sh LIBRARY. `make bench` runs it. Needs C++,
# Go, Python and pip; what is not there is left out, with a word.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
library=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# row LANGUAGE WAY PREPARED-MIN PREPARED-MED NAME-MIN NAME-MED; 0 is a time that there is none of.
row() {
    awk -v OFS='' -F'\t' '
        function cell(least, median) { return median > 0 ? least " / " median : "" }
        { print "| ", $1, " | ", $2, " | ", cell($3, $4), " | ", cell($5, $6), " |" }' <<<"$(IFS=$'\t'; echo "$*")"
}

of_c() {
    c++ -std=c++17 -O2 -Iinclude benches/doors/lookups.cpp "$library" -Wl,-rpath,"$(dirname "$library")" \
        -o "$scratch/lookups" &&
        "$scratch/lookups" tests/data/topology.json employees.salaries >"$scratch/c" || return
    while IFS=$'\t' read -r way least median named_least named_median; do
        case $way in
        an*) row 'C, C++' "$way" "$least" "$median" "$named_least" "$named_median" ;;
        *) row "$way" 'a lookup' "$least" "$median" "$named_least" "$named_median" ;;
        esac
    done <"$scratch/c"
}

# bench NAME: the least and the median of its repeats, tab between.
bench() {
    awk -v name="Benchmark$1" '{ sub(/-[0-9]+$/, "", $1) } $1 == name { print $3 }' "$scratch/go" | sort -n |
        awk '{ times[NR] = $1 } END { printf "%.1f\t%.1f", times[1], times[int((NR + 1) / 2)] }'
}

of_go() {
    MYSQLFABRIC_LIBRARY=$library bindings/go/test.sh -run '^$' -count 15 -benchtime 100000x \
        -bench '^Benchmark(EmptyCall|TableServer|FarmServer)$' . >"$scratch/go" || return
    row Go 'an empty call' "$(bench EmptyCall)" 0 0
    row Go 'a lookup' "$(bench TableServer)" "$(bench FarmServer)"
}

of_python() {
    bindings/python/bench.sh "$library" >"$scratch/python" || return
    awk -F' *\\| *' -v OFS='' '/ \/ / && !/min \/ med/ {
        way = $2; sub(/an empty function of Python/, "an empty function", way)
        print "| Python | ", way, " | ", $3, " | ", $5, " |" }' "$scratch/python"
}

printf '## A warm lookup from each language, ns\n\n'
printf '| language | way | by a prepared table, min / med | by name, min / med |\n|---|---|---|---|\n'
for language in c go python; do
    rows=$("of_$language" 2>"$scratch/errors") || {
        cat "$scratch/errors" >&2
        rows="| $language | not measured: see what was said | | |"
    }
    printf '%s\n' "$rows"
done
printf '\nThe least and the median of 41 (C, C++), 15 (Go) and 25 (Python) repeats. A lookup gives a server with all that is\n'
printf 'known of it; "alone" fills the struct of C and reads nothing of it.\n\n'
