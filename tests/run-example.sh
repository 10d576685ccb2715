#!/usr/bin/env bash
# Runs an example against the fabricd of with-fabricd.sh and looks at what it prints.
#
#   tests/run-example.sh [--valgrind] [--url] [--status N] [--expect TEXT]... program [args...]
#
# The program gets the host and the port of fabricd as its first arguments, or with --url one
# that has both; @certs@ in the
# others means FABRICD_CERTS, and @control@ FABRICD_CONTROL_PORT. It must end with the status,
# 0 unless given, and print each of the texts.
set -uo pipefail

under=()
url=
status=0
texts=()
while [ $# -gt 0 ]; do
    case $1 in
    --valgrind)
        # An error or a leak ends with 9, which no example does.
        under=(valgrind --quiet --error-exitcode=9 --leak-check=full
            --errors-for-leak-kinds=definite,indirect,possible
            --suppressions="$(dirname "${BASH_SOURCE[0]}")/valgrind.supp")
        shift
        ;;
    --url)
        url=1
        shift
        ;;
    --status)
        status=$2
        shift 2
        ;;
    --expect)
        texts+=("$2")
        shift 2
        ;;
    *) break ;;
    esac
done

command=("$1" "$FABRICD_HOST" "$FABRICD_PORT")
[ -z "$url" ] || command=("$1" "fabric://$FABRICD_HOST:$FABRICD_PORT")
shift
for argument in "$@"; do
    argument=${argument//@certs@/${FABRICD_CERTS:-}}
    command+=("${argument//@control@/$FABRICD_CONTROL_PORT}")
done

output=$(${under[@]+"${under[@]}"} "${command[@]}" 2>&1)
got=$?
printf '%s\n' "$output"
if [ "$got" -ne "$status" ]; then
    echo "run-example.sh: ${command[0]} ended with $got, not $status" >&2
    exit 1
fi
for text in ${texts[@]+"${texts[@]}"}; do
    if ! grep -qF -- "$text" <<<"$output"; then
        echo "run-example.sh: ${command[0]} did not print '$text'" >&2
        exit 1
    fi
done
