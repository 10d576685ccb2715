#!/usr/bin/env bash
# compile.sh COMPILER OPTION...: mysqlfabric.hpp compiles without a warning, in use, included twice, and without
# exceptions, in C++17, 20 and 23; and what types.cpp says of it holds in each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
compiler=$1
shift

"$compiler" --version | head -n 1
for standard in c++17 c++20 c++2b; do
    echo "$standard"
    compile=("$compiler" "-std=$standard" "$@" -Iinclude -fsyntax-only)
    "${compile[@]}" -include mysqlfabric.hpp tests/cpp/types.cpp
    "${compile[@]}" tests/cpp/api.cpp
    "${compile[@]}" -fno-exceptions -fno-rtti tests/cpp/no_exceptions.cpp
done

# NULL is a number; gcc has a warning for it.
[ "$compiler" = g++ ] || exit 0
said=$(LC_ALL=C "$compiler" -std=c++17 "$@" -Iinclude -fsyntax-only -x c++ - 2>&1 <<'END' || :
#include <mysqlfabric.hpp>
mysqlfabric::result<mysqlfabric::server> at(const mysqlfabric::table &t)
{
    return t.try_server(NULL, mysqlfabric::mode::any);
}
END
)
grep -q 'error: passing NULL to non-pointer' <<<"$said" || {
    echo "a key of NULL is not refused: $said" >&2
    exit 1
}
