# Real MySQL servers that replicate, on the loopback: what group_replication.sh and
# async_replication.sh share. To be sourced.
# shellcheck shell=bash
#
# Server I: 127.0.0.1:$((PORT + I)), server_uuid its port in twelve digits behind 00000000-0000-0000-0000-.
# Two farms beside each other need a PORT (100 apart) and a FARM of their own, two groups a GROUP, and if one
# replicates from the other SERVER_IDS.
# User farm/farm has all rights over TCP; root has no password over the socket of its server.
source "$(dirname "${BASH_SOURCE[0]}")/programs.sh"

FARM=${FARM:-${TMPDIR:-/tmp}/mysqlfarm} # data, sockets, logs, process ids
PORT=${PORT:-23300}                     # below 32768: never an ephemeral port
SERVER_IDS=${SERVER_IDS:-0}             # server I has the server_id SERVER_IDS + I

die() { echo "${0##*/}: $*" >&2; exit 1; }

fetch() { "$(dirname "${BASH_SOURCE[0]}")/fetch.sh" mysql; }

# sql I [STATEMENTS]: as root, rows without header; from standard input if no statements are given
sql() { mysql bin/mysql --no-defaults -uroot -NB -S "$FARM/$1/sock" ${2:+-e "$2"}; }

# prepare I: the data and the configuration of server I; more lines of it on standard input
prepare() {
    local i=$1 dir=$FARM/$1
    [ ! -e "$dir" ] || die "$dir is there already; stop first"
    mkdir "$dir"
    cp -r --sparse=always "$CACHE/mysql/start/data" "$dir/data"
    printf '[auto]\nserver-uuid=00000000-0000-0000-0000-%012d\n' "$((PORT + i))" >"$dir/data/auto.cnf"
    {
        conf mysql "$dir" "$((PORT + i))"
        cat - <<CONF
report_host = 127.0.0.1
server_id = $((SERVER_IDS + i))
gtid_mode = ON
enforce_gtid_consistency = ON
super_read_only = ON
CONF
        cat -
    } >"$dir/my.cnf"
}

boot() {
    # Of one that was killed; as long as nobody has taken note of its end its number counts as in use.
    rm -f "$FARM/$1/sock.lock"
    "${mysql[@]}" "$MYSQL/usr/sbin/mysqld" --defaults-file="$FARM/$1/my.cnf" >>"$FARM/$1/out" 2>&1 </dev/null &
    echo $! >"$FARM/$1/pid"
}

# Waits until server I answers, a minute at most.
answers() {
    local i=$1 try
    for ((try = 0; try < 600; try++)); do
        sql "$i" 'DO 1' 2>/dev/null && return
        kill -0 "$(pid "$i")" 2>/dev/null || die "server $i ended: $(tail -n 5 "$FARM/$i/error.log" "$FARM/$i/out")"
        sleep 0.1
    done
    die "server $i does not answer; see $FARM/$i/error.log"
}

# Server I is up and answers; one that is about to end is waited for, two minutes at most, and started again.
up() {
    local try
    for ((try = 0; try < 1200; try++)); do
        if ! alive "$1"; then
            boot "$1"
            answers "$1"
            return
        fi
        sql "$1" 'DO 1' 2>/dev/null && return
        sleep 0.1
    done
    die "server $1 neither answers nor ends"
}

# Waits until server I is gone, two minutes at most: a write in its way holds a shutdown up for a minute.
gone() {
    local try
    for ((try = 0; try < 2400; try++)); do
        alive "$1" || return 0
        sleep 0.05
    done
    die "server $1 does not end"
}

servers() { (cd "$FARM" 2>/dev/null && ls -d [0-9]* 2>/dev/null | sort -n) || true; }

pid() { cat "$FARM/$1/pid" 2>/dev/null || true; }

# By its command line too: a number may have become another process's. One that is ending has none any more,
# and still its port and its files.
alive() {
    local pid line state
    pid=$(pid "$1")
    line=$(tr '\0' ' ' 2>/dev/null <"/proc/${pid:-none}/cmdline") || return 1
    [ -n "$line" ] || {
        state=$(awk '/^State/ {print $2}' "/proc/$pid/status" 2>/dev/null) || return 1
        [ "${state:-Z}" != Z ]
        return
    }
    [[ $line == *"$FARM/$1/my.cnf"* ]]
}

# The number of the server that takes writes, or nothing.
primary() {
    local i
    for i in $(servers); do
        alive "$i" && [ "$(sql "$i" 'SELECT @@super_read_only' 2>/dev/null)" = 0 ] && echo "$i" && return
    done
    true
}

# status QUERY: a line for each server, with what the query says there
status() {
    local i
    for i in $(servers); do
        if alive "$i"; then
            printf '%s port %s %s, pid %s, %s MiB\n' "$i" $((PORT + i)) "$(sql "$i" "$1" 2>&1)" "$(pid "$i")" \
                $(($(awk '/^VmRSS/ {print $2}' "/proc/$(pid "$i")/status") / 1024))
        else
            echo "$i port $((PORT + i)) down"
        fi
    done
}

signal() { ! alive "$2" || kill "-$1" "$(pid "$2")"; }

# Ends all servers, by their process ids, and removes their data.
stop() {
    local i
    for i in $(servers); do signal KILL "$i"; done
    for i in $(servers); do
        gone "$i"
        rm -rf "${FARM:?}/$i"
    done
}

# common COMMAND ARGUMENT...: what does not depend on how the servers replicate
common() {
    case $1 in
    fetch | primary | stop) "$1" ;;
    sql) sql "${@:2}" ;;
    kill) signal KILL "$2" ;;
    up) up "$2" ;;
    shutdown)
        sql "$2" SHUTDOWN
        gone "$2"
        ;;
    freeze) signal STOP "$2" ;;
    thaw) signal CONT "$2" ;;
    *) sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
    esac
}
