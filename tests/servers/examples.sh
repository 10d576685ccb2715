#!/usr/bin/env bash
# The examples that want real MySQL servers, on one farm of two groups: rows are loaded, and then the services in C and
# in C++ write at the same time while one primary is killed and the other one leaves its group. Before that the pool of
# service.c is asked by itself (pool.c), and rows are loaded that somebody has locked.
#
#   examples.sh DIRECTORY     DIRECTORY has the programs of examples-c, built
#
# Takes a minute; PORT and memory are as two_groups.sh says. Where servers cannot be fetched it says so and ends with 0,
# but fails with CI=true.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/two_groups.sh"
programs=$1

"$here/fetch.sh" mysql || {
    echo "NOT TESTED: the examples that want real MySQL servers, which cannot be fetched" >&2
    rm -rf "$farms"
    [ "${CI:-}" != true ]
    exit
}
services=()
end() {
    for pid in ${services[@]+"${services[@]}"}; do kill "$pid" 2>/dev/null || true; done
    stop_groups
}
trap end EXIT

fail() {
    echo "examples.sh: $*" >&2
    exit 1
}

# count NAME: the rows of a group from 5,000,000 on
count() { in_group "$1" sql "$(in_group "$1" primary)" 'SELECT COUNT(*) FROM demo.entries WHERE id >= 5000000'; }

start_groups

echo '-- bulk_load'
for ((id = 5000000; id < 5002500; id++)); do echo "$id it's \"$id\""; done >"$farms/rows"
"$programs/bulk_load" "$url" "$user" "$password" <"$farms/rows" | tee "$farms/said"
grep -qx 'loaded 2500 rows' "$farms/said" || fail "bulk_load did not load 2500 rows"
a=$(count a) b=$(count b)
echo "$a rows are in group a, $b in group b"
[ "$a" -gt 900 ] && [ "$b" -gt 900 ] && [ $((a + b)) -eq 2500 ] || fail "these are not 2500 rows in two halves"
body=$(for g in a b; do in_group "$g" sql 1 'SELECT body FROM demo.entries WHERE id = 5001234'; done)
[ "$body" = "it's \"5001234\"" ] || fail "row 5001234 is: $body"
! "$programs/bulk_load" "$url" "$user" "$password" <<<'no number' 2>"$farms/said" || fail "bulk_load takes anything"
grep -q 'line 1 is no' "$farms/said" || fail "bulk_load said: $(cat "$farms/said")"
forty=$(printf '%040d' 0)
! "$programs/bulk_load" "$url" "$user" "$password" <<<"6000000 ${forty}6000001 more" 2>"$farms/said" ||
    fail "bulk_load takes a body of more than 40 bytes"
[ "$(count a)$(count b)" = "$a$b" ] || fail "bulk_load has written a line that is too long"

echo '-- service and service_cpp'
for program in service service_cpp; do
    "$programs/$program" "$url" "$user" "$password" >"$farms/$program" 2>&1 &
    services+=($!)
done
# Meanwhile, at healthy servers: the pool by itself, and a row that somebody has locked for some seconds.
for name in a b; do
    in_group "$name" sql "$(in_group "$name" primary)" \
        'BEGIN; SELECT id FROM demo.entries WHERE id = 5001234 FOR UPDATE; DO SLEEP(6)' >"$farms/locked" 2>&1 &
done
"$programs/pool_test" "$(port_of a)" "$user" "$password" || fail "pool_test ended with $?"
! "$programs/bulk_load" "$url" "$user" "$password" <<<'5001234 again' 2>"$farms/said" || fail "the row is not locked"
grep -q 'error 1205' "$farms/said" || fail "bulk_load said of a locked row: $(cat "$farms/said")"
echo "-- kill -9 of the primary of group a, port $(port_of a); that of b, port $(port_of b), leaves"
in_group a kill "$(in_group a primary)"
in_group b leave "$(in_group b primary)"
# Until both know of both new primaries, a minute at most.
for ((try = 0; try < 600; try++)); do
    ! { grep -q 'group a has another' "$farms/service" && grep -q 'group b has another' "$farms/service" &&
        grep -q 'group a has another' "$farms/service_cpp" && grep -q 'group b has another' "$farms/service_cpp"; } || break
    sleep 0.1
done
sleep 2
kill -TERM "${services[@]}"
for i in 0 1; do
    program=service
    [ "$i" = 0 ] || program=service_cpp
    status=0
    wait "${services[i]}" || status=$?
    cat "$farms/$program"
    [ "$status" = 0 ] || fail "$program ended with $status"
    for text in 'group a has another primary' 'group b has another primary' 'rows lost          0'; do
        grep -q "$text" "$farms/$program" || fail "$program did not say: $text"
    done
done
services=()
