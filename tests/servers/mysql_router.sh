#!/usr/bin/env bash
# MySQL Router in front of a farm of group_replication.sh that has metadata.sql in it, to compare with.
# FARM and PORT are the farm's.
#
#   mysql_router.sh start PORT    its port for writes; returns when it takes connections
#   mysql_router.sh stop
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/farm.sh"

dir=$FARM/router
keys() { mysql bin/mysqlrouter_keyring "$1" "$dir/keyring" --master-key-file="$dir/master.key" "${@:2}"; }

start() {
    local port=$1 i nodes try
    [ ! -e "$dir" ] || die "$dir is there already; stop first"
    mkdir "$dir"
    keys init
    printf farm | keys set farm password >/dev/null
    nodes=$(for i in $(servers); do echo "\"mysql://127.0.0.1:$((PORT + i))\""; done | paste -sd,)
    group=$(sql "$(primary)" 'SELECT @@group_replication_group_name')
    cat >"$dir/state.json" <<JSON
{"metadata-cache": {"group-replication-id": "$group", "cluster-metadata-servers": [$nodes]}, "version": "1.0.0"}
JSON
    cat >"$dir/router.conf" <<CONF
[DEFAULT]
user = $(id -un)
logging_folder = $dir
runtime_folder = $dir
data_folder = $dir
plugin_folder = $MYSQL/usr/lib/mysqlrouter/plugin
keyring_path = $dir/keyring
master_key_path = $dir/master.key
dynamic_state = $dir/state.json
[logger]
level = INFO
[metadata_cache:farm]
cluster_type = gr
router_id = 1
user = farm
metadata_cluster = farm
ttl = 0.5
ssl_mode = PREFERRED
[routing:writes]
bind_address = 127.0.0.1
bind_port = $port
destinations = metadata-cache://farm/?role=PRIMARY
routing_strategy = first-available
protocol = classic
CONF
    "${mysql[@]}" "$MYSQL/usr/bin/mysqlrouter" -c "$dir/router.conf" >"$dir/out" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    for ((try = 0; try < 100; try++)); do
        mysql bin/mysql --no-defaults -ufarm --password=farm -h127.0.0.1 -P"$port" -e 'DO 1' 2>/dev/null && return
        sleep 0.1
    done
    die "it takes no connections; see $dir/out"
}

stop_router() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    if grep -qsF "$dir/router.conf" "/proc/$pid/cmdline"; then
        kill "$pid"
        for ((try = 0; try < 100; try++)); do
            [ -e "/proc/$pid" ] || break
            sleep 0.1
        done
    fi
    rm -rf "${dir:?}"
}

case ${1:-} in
start) start "$2" ;;
stop) stop_router ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
esac
