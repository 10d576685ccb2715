#!/usr/bin/env bash
# Writes the C and C++ files as .clang-format wants them; with --check it changes none, and ends with
# 1 if one is otherwise. include/mysqlfabric.h is left alone: cbindgen writes it.
#
# Versions 14 to 22 of clang-format agree on these files. Without one, nothing is checked, and a line
# says so; `make test` installs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

how=(-i)
[ "${1:-}" != --check ] || how=(--dry-run --Werror)
format=${CLANG_FORMAT:-clang-format}
command -v "$format" >/dev/null || {
    echo "the format of C files is not checked: no $format"
    exit 0
}
mapfile -t files < <(find benches bindings examples-c include tests -name target -prune -o \
    \( -name '*.[ch]' -o -name '*.[ch]pp' \) ! -path include/mysqlfabric.h -print)
"$format" --style=file "${how[@]}" "${files[@]}"
