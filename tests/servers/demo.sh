#!/usr/bin/env bash
# What `make demo-mysql` shows: PROGRAM writes to two groups of real MySQL servers and reads while one primary is killed
# and the other one leaves its group.
#
#   demo.sh PROGRAM     PROGRAM is examples-c/service.c; ends as it does
#
# Takes a minute or two on two processors; PORT and memory are as two_groups.sh says. Nothing is left behind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/two_groups.sh"
program=$1

"$here/fetch.sh" mysql
service=
end() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    stop_groups
}
trap end EXIT

echo '-- two groups of three servers each'
start_groups
echo "-- the service begins, with the shard map of $url"
"$program" "$url" "$user" "$password" &
service=$!
sleep 5
echo "-- kill -9 of the primary of group a, port $(port_of a)"
in_group a kill "$(in_group a primary)"
sleep 15
echo "-- the primary of group b leaves its group, port $(port_of b)"
in_group b leave "$(in_group b primary)"
sleep 5
echo '-- the service ends'
kill -TERM "$service"
status=0
wait "$service" || status=$?
service=
exit "$status"
