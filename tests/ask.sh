# What the checks of what is installed have in common; they source it. Needs a fabricd, as tests/with-fabricd.sh
# starts it; $work is left out of what is shown.

answer='127.0.0.1:33621 of group shard2'

fail() {
    echo "check.sh: $*" >&2
    exit 1
}

# ask COMMAND...: runs a program that asks for one server, and compares its answer.
ask() {
    local said
    said=$("$@" "fabric://$FABRICD_HOST:$FABRICD_PORT") || fail "$* failed"
    [ "$said" = "$answer" ] || fail "$* says: $said; it was to say: $answer"
    echo "ok: ${*//$work\//}"
}
