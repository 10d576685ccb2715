#!/usr/bin/env bash
# complete.sh: mysqlfabric.hpp has every function of mysqlfabric.h, and no macro but its guard.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../include"

mapfile -t functions < <(sed -e '/^ *\/\*/,/\*\//d' mysqlfabric.h | grep -oE '\bfabric_[a-z0-9_]+\(' | tr -d '(' | sort -u)
echo "${#functions[@]} functions"
[ "${#functions[@]}" -gt 80 ]
status=0
for function in "${functions[@]}"; do
    grep -qw "$function" mysqlfabric.hpp || {
        echo "mysqlfabric.hpp has no $function: add it to the class of its object" >&2
        status=1
    }
done
[ "$(grep -E '^ *# *define' mysqlfabric.hpp)" = '#define MYSQLFABRIC_HPP' ] || {
    echo "mysqlfabric.hpp defines macros" >&2
    status=1
}
exit "$status"
