#!/usr/bin/env bash
# Runs an example against the fabricd of with-fabricd.sh, and looks at what it prints.
#
#   tests/run-example.sh [--status N] [--expect TEXT]... program [args...]
#
# The program gets FABRICD_HOST and FABRICD_PORT as its first arguments; @certs@ in the others
# means FABRICD_CERTS. With --expect, each text must be in the output.
set -uo pipefail

wanted=0
texts=()
while [ $# -gt 0 ]; do
    case $1 in
    --status) wanted=$2 ;;
    --expect) texts+=("$2") ;;
    *) break ;;
    esac
    shift 2
done

before=()
while [ $# -gt 0 ]; do
    before+=("${1//@certs@/${FABRICD_CERTS:-}}")
    shift
    # A command that runs the program, such as valgrind with its options, ends with --.
    if [ $# -gt 0 ] && [ "$1" = -- ]; then
        shift
        before+=("$1")
        shift
        break
    fi
done
