#!/usr/bin/env bash
# A single-primary Group Replication group of real MySQL servers on the loopback, for tests.
#
#   group_replication.sh fetch            MySQL from Debian sid, once: see fetch.sh
#   group_replication.sh start [N]        N servers (3), the first one primary; returns when all are ONLINE
#   group_replication.sh status           state, role, process id and memory of each
#   group_replication.sh primary          the number of the server that takes writes, or nothing
#   group_replication.sh kill I           kill -9
#   group_replication.sh shutdown I       in good order; returns when it is gone
#   group_replication.sh freeze I|thaw I  SIGSTOP, SIGCONT: a server that hangs
#   group_replication.sh up I             starts server I if it is down, and nothing else
#   group_replication.sh rejoin I         starts server I if it is down, and has it join
#   group_replication.sh leave I          STOP GROUP_REPLICATION: up, but no member
#   group_replication.sh promote I        planned change of the primary
#   group_replication.sh sql I [SQL]      as root; standard input if no SQL is given
#   group_replication.sh stop             ends them all and removes their data
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/farm.sh"

GROUP=${GROUP:-aaaaaaaa-0000-0000-0000-000000000001}
EXPEL=${EXPEL:-0} # seconds a silent member is waited for after the 5 that make it suspect; MySQL's default is 5

join() { sql "$1" "START GROUP_REPLICATION USER='farm', PASSWORD='farm'"; }

online() {
    local i=$1 try state
    for ((try = 0; try < 600; try++)); do
        state=$(sql "$i" 'SELECT member_state FROM performance_schema.replication_group_members WHERE member_id = @@server_uuid')
        [ "$state" = ONLINE ] && return
        sleep 0.1
    done
    die "server $i is $state; see $FARM/$i/error.log"
}

start() {
    local n=${1:-3} i seeds
    [ -e "$CACHE/mysql/complete" ] || die "fetch first"
    mkdir -p "$FARM"
    seeds=$(for ((i = 1; i <= n; i++)); do echo "127.0.0.1:$((PORT + 50 + i))"; done | paste -sd,)
    for ((i = 1; i <= n; i++)); do
        prepare "$i" <<CONF
plugin_load_add = group_replication.so
group_replication_group_name = $GROUP
group_replication_local_address = 127.0.0.1:$((PORT + 50 + i))
group_replication_group_seeds = $seeds
group_replication_communication_stack = XCOM
group_replication_start_on_boot = OFF
group_replication_recovery_get_public_key = ON
group_replication_member_expel_timeout = $EXPEL
group_replication_autorejoin_tries = 0
group_replication_message_cache_size = 134217728
CONF
        boot "$i"
    done
    for ((i = 1; i <= n; i++)); do answers "$i"; done
    sql 1 'SET GLOBAL group_replication_bootstrap_group = ON'
    join 1
    sql 1 'SET GLOBAL group_replication_bootstrap_group = OFF'
    for ((i = 2; i <= n; i++)); do join "$i"; done
    for ((i = 1; i <= n; i++)); do online "$i"; done
}

case ${1:-} in
start) start "${2:-3}" ;;
status) status "SELECT CONCAT_WS(' ', member_state, member_role, IF(@@super_read_only, 'read-only', 'writes'))
                FROM performance_schema.replication_group_members WHERE member_id = @@server_uuid" ;;
rejoin)
    up "$2"
    sql "$2" 'STOP GROUP_REPLICATION'
    join "$2"
    online "$2"
    ;;
leave) sql "$2" 'STOP GROUP_REPLICATION' ;;
promote) sql "$2" 'SELECT group_replication_set_as_primary(@@server_uuid)' ;;
*) common "${@:-help}" ;;
esac
