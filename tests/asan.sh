#!/usr/bin/env bash
# AddressSanitizer on forked children, and on the parents that fork them while other threads are in
# the middle of something: the library is compiled with it, and so are the programs of tests/c that
# fork.  usage: asan.sh [forks of a handle in use] [forks after a publication]
#
# Compiles the library and what it depends on anew, so it is no part of `make test`. The compiler
# must have the sanitizer's runtime, librustc-*_rt.asan.a in its lib/rustlib/*/lib, as rustup's has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

forks=${1:-10000} publications=${2:-50}
cargo=${CARGO:-cargo}
rustc=${RUSTC:-rustc}
host=$("$rustc" -vV | sed -n 's/^host: //p')
runtime=$(echo "$("$rustc" --print sysroot)/lib/rustlib/$host/lib"/librustc-*_rt.asan.a)
[ -e "$runtime" ] || {
    echo "asan.sh: this compiler has no runtime for AddressSanitizer, no $runtime" >&2
    exit 1
}
dir=$PWD/target/asan
# -Z options are not for stable compilers; nothing that is shipped is built so. With a target named,
# what runs while compiling is compiled as ever.
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$dir \
    "$cargo" rustc --locked --lib --crate-type staticlib --features quiet-panics --target "$host"
library=$dir/$host/debug/libmysqlfabric.a
"$cargo" build --locked --package fabricd
export FABRICD="${CARGO_TARGET_DIR:-$PWD/target}/debug/fabricd"

# program NAME SOURCE...: the program's own accesses are checked, too, by the same runtime. So the C
# compiler is not asked to link one of its own.
program() {
    local name=$1 source objects=()
    shift
    for source in "$@"; do
        objects+=("$dir/$name.$(basename "$source").o")
        "${CC:-cc}" -fsanitize=address -g -O1 -std=c99 -D_GNU_SOURCE -Iinclude -Itests/c \
            -c -o "${objects[-1]}" "$source"
    done
    "${CC:-cc}" -o "$dir/$name" "${objects[@]}" "$library" -rdynamic \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -lpthread -ldl -lm -lrt -lgcc_s
}
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=0:exitcode=99 ${ASAN_OPTIONS:-}"

# A mistake on purpose, which must be found in a child, or the rest says nothing.
cat >"$dir/canary.c" <<'END_OF_C'
#include <mysqlfabric.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int how;
    if (fork() == 0) {
        fabric_options_t *o = fabric_options_new();
        fabric_options_free(o);
        /* In the library's own code. */
        _exit(fabric_options_set_ttl_ms(o, 1, 1));
    }
    wait(&how);
    return WIFEXITED(how) && WEXITSTATUS(how) == 99 ? 0 : 1;
}
END_OF_C
program canary "$dir/canary.c"
if ! "$dir/canary" 2>"$dir/log" || ! grep -q 'heap-use-after-free' "$dir/log"; then
    cat "$dir/log"
    echo "asan.sh: a mistake was not found" >&2
    exit 1
fi
echo "a mistake on purpose was found"

program fork tests/c/fork.c tests/c/support.c
program fork_publish tests/c/fork_publish.c tests/c/support.c
tests/with-fabricd.sh -- "$dir/fork" "$forks"
"$dir/fork_publish" "$publications"
echo "$forks and $publications forks, no report"
