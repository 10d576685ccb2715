#!/usr/bin/env bash
# One primary and its replicas with ordinary asynchronous replication (GTIDs), real MySQL servers on
# the loopback, for tests. Nothing but `promote` ever changes who is primary.
#
#   async_replication.sh fetch            MySQL from Debian sid, once: see fetch.sh
#   async_replication.sh start [N]        N servers (3), the first one primary; returns when all replicate
#   async_replication.sh status           what each replicates from, process id and memory
#   async_replication.sh primary          the number of the server that takes writes, or nothing
#   async_replication.sh kill I           kill -9
#   async_replication.sh shutdown I       in good order; returns when it is gone
#   async_replication.sh freeze I|thaw I  SIGSTOP, SIGCONT: a server that hangs
#   async_replication.sh up I             starts server I if it is down, and nothing else
#   async_replication.sh rejoin I         starts server I if it is down, as a replica of the primary
#   async_replication.sh promote I        I becomes primary, after the old one, if it is alive, became
#                                         read-only and I has its writes; the others follow
#   async_replication.sh sql I [SQL]      as root; standard input if no SQL is given
#   async_replication.sh stop             ends them all and removes their data
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/farm.sh"

# follow I P: server I replicates from server P
follow() {
    sql "$1" "STOP REPLICA; SET GLOBAL super_read_only = ON;
        CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $((PORT + $2)), SOURCE_USER = 'farm',
            SOURCE_PASSWORD = 'farm', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1;
        START REPLICA"
}

writes() { sql "$1" 'STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF'; }

start() {
    local n=${1:-3} i
    [ -e "$CACHE/mysql/complete" ] || die "fetch first"
    mkdir -p "$FARM"
    for ((i = 1; i <= n; i++)); do
        prepare "$i" </dev/null
        boot "$i"
    done
    for ((i = 1; i <= n; i++)); do answers "$i"; done
    for ((i = 2; i <= n; i++)); do follow "$i" 1; done
    writes 1
}

promote() {
    local new=$1 old i gtids
    old=$(primary)
    if [ -n "$old" ]; then
        sql "$old" 'SET GLOBAL super_read_only = ON'
        gtids=$(sql "$old" 'SELECT @@gtid_executed' | tr -d '\n ')
        sql "$new" "SELECT WAIT_FOR_EXECUTED_GTID_SET('$gtids', 10)" | grep -qx 0 || die "server $new lags behind"
    fi
    writes "$new"
    for i in $(servers); do [ "$i" = "$new" ] || ! alive "$i" || follow "$i" "$new"; done
}

case ${1:-} in
start) start "${2:-3}" ;;
status) status "SELECT IF(@@super_read_only, CONCAT('read-only, replicates from ', IFNULL(MAX(port), 'nowhere')), 'writes')
                FROM performance_schema.replication_connection_configuration" ;;
rejoin)
    up "$2"
    follow "$2" "$(primary)"
    ;;
promote) promote "$2" ;;
*) common "${@:-help}" ;;
esac
