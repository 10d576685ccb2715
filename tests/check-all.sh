#!/usr/bin/env bash
# What `make check-all` runs: checks that take longer than `make test` may, each whatever became of
# the one before, and then one line for each. BUILD names CMake's build directory, where
# `make test` or `make build` has been. Names as arguments choose some of them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

build=$PWD/${BUILD:-build/release}
# shellcheck source=tests/parts.sh
. tests/parts.sh
chosen=("$@")

c_programs() {
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMYSQLFABRIC_BUILD_TESTS=ON &&
        cmake --build "$build"
}

with_fabricd() {
    FABRICD="${CARGO_TARGET_DIR:-$PWD/target}/debug/fabricd" tests/with-fabricd.sh -- "$@"
}

# Each has the library's own name for its program in tests/c.
part build c_programs
part forks with_fabricd "$build/tests/c/fork" 10000
part forks-publish "$build/tests/c/fork_publish" 10000
part forks-valgrind valgrind -q --error-exitcode=9 --leak-check=no "$build/tests/c/fork_publish" 20
part forks-asan tests/asan.sh 10000 50
part killed with_fabricd "$build/tests/c/killed" 1000
part splits cargo test --locked --test farm -- --ignored --nocapture split::
part large-maps cargo test --locked --test mysql -- --ignored
part closed-fds with_fabricd "$build/tests/c/closed_fds" 3000
part threads with_fabricd "$build/tests/c/threads" 20000
part fuzz-mysql tests/fuzz/run.sh 300 mysql
part reports "$build/tests/c/reports" 3000

finish
