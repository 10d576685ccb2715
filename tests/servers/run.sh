#!/usr/bin/env bash
# Runs a real server of its own for a test: run.sh KIND DIRECTORY PORT [OPTION...]
#
# KIND is mysql, mysql56 or mariadb, fetched before by fetch.sh; DIRECTORY is made, and removed at the
# end; the options are the server's, such as --require_secure_transport=ON. It listens on 127.0.0.1 and on DIRECTORY/sock.
# "ready PID" on standard output says that it takes connections. The end of standard input, or of
# this script by a signal, is the end of the server.
#
# The status is 75 if the port is taken: try another one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/programs.sh"

kind=$1 dir=$2 port=$3
shift 3
[ -e "$CACHE/$kind/start/complete" ] || { echo "run.sh: no $kind here; run tests/servers/fetch.sh" >&2; exit 1; }
mkdir "$dir"
pid= reader=
cleanup() {
    [ -z "$reader" ] || kill "$reader" 2>/dev/null || true
    [ -z "$pid" ] || { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cp -r --sparse=always "$CACHE/$kind/start/data" "$dir/data"
conf "$kind" "$dir" "$port" >"$dir/my.cnf"
case $kind in
mysql) program=("${mysql[@]}" "$MYSQL/usr/sbin/mysqld") ;;
mysql56) program=(env "LD_LIBRARY_PATH=$MYSQL56" "$MYSQL56/mysqld") ;;
mariadb) program=("${mariadb[@]}" "$MARIADB/usr/sbin/mariadbd") ;;
esac
# env and the loader become the server: its number is the child's.
"${program[@]}" --defaults-file="$dir/my.cnf" "$@" </dev/null >"$dir/out" 2>&1 &
pid=$!

logged() { grep -qsiE "$1" "$dir/error.log" "$dir/out"; }
# A minute at most.
for ((try = 0; try < 1200; try++)); do
    logged 'mysqld: ready for connections|mariadbd: ready for connections' && break
    if ! kill -0 "$pid" 2>/dev/null; then
        logged 'address already in use|Do you already have another' && exit 75
        cat "$dir/out" "$dir/error.log" >&2 || true
        echo "run.sh: $kind ended before it was ready" >&2
        exit 1
    fi
    sleep 0.05
done
echo "ready $pid"
# In the background, so that a signal does not wait for the end of the input.
exec 3<&0
cat <&3 >/dev/null &
reader=$!
wait "$reader"
