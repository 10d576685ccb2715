#!/bin/sh
# strace-warm.sh path/to/warm: a million warm lookups make no system call.
#
# The program writes "begin" and "end" to no file around them. Counting the calls of a whole
# run, with a thousand lookups and with a million, would not do: how often a socket is waited
# for depends on the machine's load.
set -eu

command -v strace >/dev/null || {
    echo "strace-warm.sh: strace is missing; install the package strace" >&2
    exit 1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
strace -f -o "$log" "$1" 1000000

awk '
    # Only of the thread that looks up: the handle has another, which refreshes.
    /write\(-1, "begin"/ { begun = NR; thread = $1 }
    /write\(-1, "end"/ { ended = NR; exit }
    # A line is in two parts where another thread came between.
    begun && NR > begun && $1 == thread && !/<\.\.\. write resumed>/ { print "a system call on the warm path: " $0; calls++ }
    END {
        if (!begun || !ended) {
            print "strace-warm.sh: strace saw no begin or no end"
            exit 1
        }
        print calls + 0 " system calls for 1000000 lookups, " begun - 1 " before them"
        exit calls > 0
    }' "$log"
