#!/usr/bin/env bash
# ThreadSanitizer on the unit tests of what threads share and on all tests against fabricd.
#
# The standard library must be compiled with it, too: its locks are futexes, and ThreadSanitizer,
# which does not see them otherwise, calls everything under a lock a race. So this needs the
# source of the compiler's own standard library (rustup component add rust-src), builds for some
# minutes, and is no part of `make test`. CARGO and RUSTC choose another toolchain: Debian's
# rust-web-src is the source of its rustc-web, which has no librustc-stable_rt.tsan.a in its
# lib/rustlib/*/lib; that of another release does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo=${CARGO:-cargo}
rustc=${RUSTC:-rustc}
source=$("$rustc" --print sysroot)/lib/rustlib/src/rust/library
[ -e "$source/std/Cargo.toml" ] || {
    echo "tsan.sh: no source of the standard library in $source" >&2
    exit 1
}
host=$("$rustc" -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/target/tsan
# -Z options are not for stable compilers; nothing that is shipped is built so.
export RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=thread'
# What a thread did last is forgotten soon, as the library is compiled without optimisation and
# calls much, and a race whose other side is forgotten is not told.
# A test asks for memory that nobody has, and is to get none; a child that was forked may start threads.
export TSAN_OPTIONS="history_size=7 allocator_may_return_null=1 die_after_fork=0 ${TSAN_OPTIONS:-}"
run=("$cargo" test -Zbuild-std --target "$host")

# A race that must be found, or the rest says nothing.
canary=$CARGO_TARGET_DIR/canary
mkdir -p "$canary"
cat >"$canary/Cargo.toml" <<'END'
[package]
name = "canary"
version = "0.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[workspace]
END
cat >"$canary/lib.rs" <<'END'
#[test]
fn race() {
    static mut VALUE: u64 = 0;
    let start = std::sync::Barrier::new(2);
    let add = || {
        start.wait();
        (0..100).for_each(|_| unsafe { VALUE += 1 });
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(&add))));
}

#[test]
fn no_race() {
    static VALUE: std::sync::Mutex<u64> = std::sync::Mutex::new(0);
    let add = || (0..10_000).for_each(|_| *VALUE.lock().unwrap() += 1);
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(add))));
}
END
"${run[@]}" --quiet --manifest-path "$canary/Cargo.toml" --lib -- --exact no_race
if "${run[@]}" --quiet --manifest-path "$canary/Cargo.toml" --lib -- --exact race \
    >"$canary/log" 2>&1 || ! grep -q 'WARNING: ThreadSanitizer: data race' "$canary/log"; then
    cat "$canary/log"
    echo "tsan.sh: a race was not found" >&2
    exit 1
fi
echo "a race on purpose was found"

# All that fail are listed, and then run once more, each alone: under ThreadSanitizer a test that
# has its handle wait for so many seconds may be too slow beside another one. A report fails at once.
log=$CARGO_TARGET_DIR/log
tests() {
    if "${run[@]}" --locked "$@" 2>&1 | tee "$log"; then
        return
    fi
    if grep -q 'WARNING: ThreadSanitizer' "$log"; then
        echo "tsan.sh: $(grep -c 'WARNING: ThreadSanitizer' "$log") reports" >&2
        exit 1
    fi
    local name names
    names=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log")
    [ -n "$names" ] || exit 1
    for name in $names; do
        "${run[@]}" --locked "$1" -- --exact "$name"
    done
}

tests --lib -- base:: refresh:: events:: fabric:: thread_cache:: metrics::
tests --test=farm
echo "no report"
