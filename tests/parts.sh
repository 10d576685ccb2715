# What run-all.sh and check-all.sh have in common, to be sourced: parts that run whatever became of
# the one before, and then one line for each.

summary=()
failed=0
# The parts to run; all if none is named.
chosen=()

# part NAME COMMAND...: runs a part and notes how it ended.
part() {
    local name=$1 begin=$SECONDS outcome=passed
    shift
    if [ ${#chosen[@]} -gt 0 ] && ! [[ " ${chosen[*]} " == *" $name "* ]]; then
        return
    fi
    printf '\n==== %s\n' "$name"
    if ! "$@" </dev/null; then
        outcome=FAILED
        failed=1
    fi
    summary+=("$(printf '%-16s %-6s %5d s' "$name" "$outcome" $((SECONDS - begin)))")
}

# Tells how the parts ended, and ends the script so.
finish() {
    printf '\n==== summary\n'
    printf '%s\n' "${summary[@]}"
    exit "$failed"
}
