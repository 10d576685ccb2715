#!/usr/bin/env bash
# count.sh path/to/calls...: compares the instructions of warm calls, as cachegrind counts them, with
# those recorded in instructions.txt. UPDATE_INSTRUCTIONS=1 records them anew.
#
# Times say little on a busy machine; these counts are the same in every run. They depend on the
# compilers, and on libc, which chooses its memcpy() and strlen() by the processor: valgrind shows
# programs the machine's own, without AVX-512. So where those are not the recorded ones the counts
# may be 15 % higher instead of 5 %, and on another architecture nothing is compared (status 77).
set -euo pipefail

recorded=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/instructions.txt
more=40000
command -v valgrind >/dev/null || {
    echo "count.sh: valgrind is missing; install the package valgrind" >&2
    exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

count() {
    valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$program" "$1" \
        2>&1 >/dev/null | sed -n 's/,//g; s/.*I *refs: *\([0-9]*\).*/\1/p'
}

avx2=without
! grep -qw avx2 /proc/cpuinfo || avx2=with
here="$(uname -m) $avx2 AVX2, $(rustc --version), cc $(cc -dumpfullversion), libc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2), $(valgrind --version)"

for program in "$@"; do
    base=$(count none)
    for name in $("$program"); do
        printf '%s %s\n' "$name" \
            "$(awk "BEGIN { printf \"%.1f\", ($(count "$name") - $base) / $more }")"
    done
done >counted

if [ "${UPDATE_INSTRUCTIONS:-}" = 1 ]; then
    {
        echo "# Instructions of a warm call: type, shards, mode. Recorded by UPDATE_INSTRUCTIONS=1;"
        echo "# see count.sh."
        echo "# $here"
        cat counted
    } >"$recorded"
    cat "$recorded"
    exit
fi

there=$(sed -n '3s/^# //p' "$recorded")
limit=5
if [ "$here" != "$there" ]; then
    echo "Recorded with: $there"
    echo "Counted with:  $here"
    limit=15
fi
[ "${here%% *}" = "${there%% *}" ] || {
    cat counted
    exit 77
}
awk -v limit="$limit" '
    FNR == 1 { file++ }
    /^#/ { next }
    file == 1 { was[$1] = $2; next }
    {
        seen[$1] = 1
        verdict = ""
        if (!($1 in was)) verdict = "NOT RECORDED"
        else if ($2 > was[$1] * (1 + limit / 100)) verdict = "GREW"
        if (verdict != "") failed = 1
        else if ($2 < was[$1] * 0.95) verdict = "less: record it"
        printf "%-28s %8.1f  recorded %8.1f  %+6.1f %%  %s\n", $1, $2, was[$1],
            was[$1] ? ($2 / was[$1] - 1) * 100 : 0, verdict
    }
    END {
        for (name in was) if (!(name in seen)) { print name " is recorded, but not counted"; failed = 1 }
        if (failed) print "More than " limit " % above the record, or not in it. If that is meant to" \
            " be, record anew: UPDATE_INSTRUCTIONS=1 ctest -R cachegrind"
        exit failed
    }' "$recorded" counted
