#!/usr/bin/env bash
# The cases of the installation test; CMakeLists.txt gives the environment.
set -euo pipefail

prefix=$TREE$PREFIX
libdir=$prefix/$LIBDIR
work=$TREE-$1
app=$SOURCE_DIR/examples-c/quickstart.c
answer='127.0.0.1:33621 of group shard2'
strict=(-Wall -Wextra -Wpedantic -Werror)

fail() {
    echo "check.sh: $*" >&2
    exit 1
}

# Runs a program that asks for one server, and compares its answer.
ask() {
    local said
    said=$("$@" "$FABRICD_HOST" "$FABRICD_PORT") || fail "$* failed"
    echo "$*: $said"
    [ "$said" = "$answer" ] || fail "$* was to say: $answer"
}

needs_shared() {
    readelf -d "$1" | grep -q "NEEDED.*\[$SONAME\]"
}

# Where the package lies is not where it was configured for: the tree can be moved.
build_consumer() {
    rm -rf "$work"
    "$CMAKE" -S "$SOURCE_DIR/tests/install/consumer" -B "$work" -G "$GENERATOR" "$@"
    "$CMAKE" --build "$work"
    ask "$work/app_shared"
    ask "$work/app_static"
    ask "$work/app_cpp"
    needs_shared "$work/app_shared" || fail "app_shared does not need $SONAME"
    ! needs_shared "$work/app_static" || fail "app_static needs $SONAME"
}

case $1 in
tree)
    rm -rf "$TREE"
    DESTDIR=$TREE "$CMAKE" --install "$BINARY_DIR"
    for file in "$LIBDIR/$SHARED_NAME" "$LIBDIR/$SONAME" "$LIBDIR/libmysqlfabric.so" \
        "$LIBDIR/libmysqlfabric.a" include/mysqlfabric.h "$LIBDIR/pkgconfig/mysqlfabric.pc" \
        "$LIBDIR/cmake/MySQLFabric/MySQLFabricConfig.cmake" \
        "$LIBDIR/cmake/MySQLFabric/MySQLFabricConfigVersion.cmake"; do
        [ -e "$prefix/$file" ] || fail "$file is not installed"
    done
    for licence in "$SOURCE_DIR"/LICENSE*; do
        [ ! -e "$licence" ] || [ -e "$prefix/$DOCDIR/${licence##*/}" ] ||
            fail "${licence##*/} is not installed"
    done
    [ "$(readlink "$libdir/libmysqlfabric.so")" = "$SONAME" ] || fail "libmysqlfabric.so: link"
    [ "$(readlink "$libdir/$SONAME")" = "$SHARED_NAME" ] || fail "$SONAME: link"
    # No path of the machine that built it.
    ! grep -rnF "$SOURCE_DIR" "$libdir/pkgconfig" "$libdir/cmake" || fail "paths of the build"
    ;;
find_package)
    build_consumer -DCMAKE_PREFIX_PATH="$prefix"
    ;;
add_subdirectory)
    build_consumer -DIN_TREE="$SOURCE_DIR"
    ;;
pkg_config)
    export PKG_CONFIG_PATH=$libdir/pkgconfig
    mkdir -p "$work"
    # shellcheck disable=SC2046 # the flags are words
    "$C_COMPILER" -std=c99 "${strict[@]}" "$app" -o "$work/app" \
        $(pkg-config --cflags --libs mysqlfabric)
    needs_shared "$work/app" || fail "the program does not need $SONAME"
    LD_LIBRARY_PATH=$libdir ask "$work/app"
    version=$(pkg-config --modversion mysqlfabric)
    grep -q "^version = \"$version\"" "$SOURCE_DIR/Cargo.toml" || fail "version $version"
    ;;
pkg_config_static)
    # A tree without the shared library: the linker prefers it where there is one.
    rm -rf "$work"
    mkdir -p "$work"
    cp -R "$prefix" "$work/prefix"
    find "$work/prefix" -name 'libmysqlfabric.so*' -exec rm {} +
    export PKG_CONFIG_PATH=$work/prefix/$LIBDIR/pkgconfig
    # shellcheck disable=SC2046 # the flags are words
    "$C_COMPILER" -std=c99 "${strict[@]}" "$app" -o "$work/app" \
        $(pkg-config --static --cflags --libs mysqlfabric)
    ! needs_shared "$work/app" || fail "the program needs $SONAME"
    ask "$work/app"
    ;;
soname)
    readelf -d "$libdir/$SHARED_NAME" | grep SONAME
    readelf -d "$libdir/$SHARED_NAME" | grep -q "SONAME.*\[$SONAME\]" || fail "not $SONAME"
    readelf -d "$libdir/$SHARED_NAME" | grep -q 'FLAGS_1.*NODELETE' || fail "not nodelete"
    ;;
exports)
    # What the header declares, without its comments and the types of callbacks, and what the
    # library exports, are the same.
    mkdir -p "$work"
    sed -e '/^ *\/\*/,/\*\//d' "$prefix/include/mysqlfabric.h" |
        grep -oE '\bfabric_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$work/declared"
    nm -D --defined-only "$libdir/$SHARED_NAME" | awk '{ print $NF }' | sort >"$work/exported"
    echo "$(wc -l <"$work/exported") symbols"
    grep -q fabric_get_shard_server "$work/declared" || fail "the header was not understood"
    diff "$work/declared" "$work/exported" || fail "< declared only, > exported only"
    ;;
header)
    mkdir -p "$work"
    printf '#include <mysqlfabric.h>\n#include <mysqlfabric.h>\n' >"$work/twice.c"
    cp "$work/twice.c" "$work/twice.cpp"
    for standard in c99 c11 c17; do
        echo "$standard"
        "$C_COMPILER" -std=$standard "${strict[@]}" -Wstrict-prototypes -I"$prefix/include" \
            -fsyntax-only "$work/twice.c"
    done
    for standard in c++11 c++17; do
        echo "$standard"
        "$CXX_COMPILER" -std=$standard "${strict[@]}" -I"$prefix/include" -fsyntax-only "$work/twice.cpp"
    done
    ;;
native_libraries)
    shift
    said=$("$CARGO" rustc "$@" --package mysqlfabric --lib --crate-type staticlib -- \
        --print native-static-libs 2>&1) || fail "$said"
    said=$(sed -n 's/.*native-static-libs: //p' <<<"$said")
    echo "rustc:   $said"
    echo "project: $NATIVE_LIBRARIES"
    [ "$said" = "$NATIVE_LIBRARIES" ] || fail "cmake/NativeLibraries.cmake is out of date"
    ;;
*)
    fail "no case $1"
    ;;
esac
