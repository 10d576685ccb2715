#!/usr/bin/env bash
# Runs a command with a Fabric to talk to, and answers with the command's status.
#
#   tests/with-fabricd.sh [--with-tls | --with-client-tls] [fabricd options] -- command [args...]
#
# Starts fabricd, the stand-in Fabric node, on free ports of 127.0.0.1, and tells the command:
#   FABRICD_HOST, FABRICD_PORT   where it listens
#   FABRICD_MYSQL_PORT           its port for MySQL-RPC
#   FABRICD_CONTROL_PORT         its control port: no authentication, takes fabricd.* commands
#   FABRICD_PID                  its process
#   FABRICD_CERTS                with --with-tls: a directory with ca.pem, server-cert.pem,
#                                server-key.pem, client-cert.pem and client-key.pem;
#                                --with-client-tls wants a certificate of the client, too
# fabricd stops when the command ends or this script does, however it ends.
#
# FABRICD names the program. Without it the one that cargo built is taken, release before debug.
# The status is 125 if fabricd could not be started.
set -uo pipefail

fail() {
    echo "with-fabricd.sh: $*" >&2
    exit 125
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 125
if [ -z "${FABRICD:-}" ]; then
    target=${CARGO_TARGET_DIR:-$root/target}
    FABRICD=$target/debug/fabricd
    [ ! -x "$target/release/fabricd" ] || FABRICD=$target/release/fabricd
fi
[ -x "$FABRICD" ] || fail "no program $FABRICD: run 'cargo build -p fabricd', or set FABRICD"

dir=$(mktemp -d "${TMPDIR:-/tmp}/fabricd.XXXXXX") || fail "no directory for temporary files"
pid=
cleanup() {
    # The end of its standard input is fabricd's sign to stop.
    exec 9>&-
    [ -z "$pid" ] || wait "$pid"
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

options=(--listen 127.0.0.1:0 --mysql 127.0.0.1:0 --control 127.0.0.1:0 --exit-with-parent)
certs=$dir/certs
make_certs() {
    [ ! -d "$certs" ] || return 0
    "$FABRICD" --make-certs "$certs" || fail "no certificates"
    options+=(--tls-cert "$certs/server-cert.pem" --tls-key "$certs/server-key.pem")
    export FABRICD_CERTS=$certs
}
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
    --with-tls)
        make_certs
        ;;
    --with-client-tls)
        make_certs
        options+=(--tls-client-ca "$certs/ca.pem")
        ;;
    *)
        options+=("$1")
        ;;
    esac
    shift
done
[ $# -gt 1 ] || fail "no command: [fabricd options] -- command [args...]"
shift

# Only this shell holds descriptor 9, so that fabricd notices when this shell is killed.
mkfifo "$dir/stdin" "$dir/stdout" || fail "no pipes"
exec 9<>"$dir/stdin"
"$FABRICD" "${options[@]}" <"$dir/stdin" >"$dir/stdout" 9>&- &
pid=$!
read -r ready port control mysql <"$dir/stdout" || fail "fabricd did not start"
[ "$ready" = ready ] || fail "fabricd said: $ready $port $control $mysql"

export FABRICD_HOST=127.0.0.1 FABRICD_PORT=${port#port=}
export FABRICD_CONTROL_PORT=${control#control=} FABRICD_MYSQL_PORT=${mysql#mysql=} FABRICD_PID=$pid
"$@" 9>&-
