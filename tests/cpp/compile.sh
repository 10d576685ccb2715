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
