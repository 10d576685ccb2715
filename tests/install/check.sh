#!/usr/bin/env bash
# The cases of the installation test; CMakeLists.txt gives the environment.
set -euo pipefail
. "$SOURCE_DIR/tests/ask.sh"

prefix=$TREE$PREFIX
libdir=$prefix/$LIBDIR
work=$TREE-$1
app=$SOURCE_DIR/examples-c/quickstart.c
strict=(-Wall -Wextra -Wpedantic -Werror)

# install_into TREE [OPTIONS]: installs there; the manifests go to TREE.manifests. Those of the
# build directory stay what they were: they belong to whoever installed from it.
install_into() {
    local tree=$1 kept=$1.kept
    shift
    mkdir -p "$kept" "$tree.manifests"
    find "$BINARY_DIR" -maxdepth 1 -name 'install_manifest*.txt' -exec mv {} "$kept" \;
    DESTDIR=$tree "$CMAKE" --install "$BINARY_DIR" "$@"
    mv "$BINARY_DIR"/install_manifest*.txt "$tree.manifests"
    find "$kept" -type f -exec mv {} "$BINARY_DIR" \;
    rmdir "$kept"
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
    ask "$work/app_cpp17"
    needs_shared "$work/app_shared" || fail "app_shared does not need $SONAME"
    ! needs_shared "$work/app_static" || fail "app_static needs $SONAME"
}

case $1 in
tree)
    rm -rf "$TREE"
    install_into "$TREE"
    for file in "$LIBDIR/$SHARED_NAME" "$LIBDIR/$SONAME" "$LIBDIR/libmysqlfabric.so" \
        "$LIBDIR/libmysqlfabric.a" include/mysqlfabric.h include/mysqlfabric.hpp "$LIBDIR/pkgconfig/mysqlfabric.pc" \
        "$LIBDIR/pkgconfig/mysqlfabric-static.pc" share/mysqlfabric/valgrind.supp \
        share/mysqlfabric/sql/mysqlfabric.sql share/mysqlfabric/sql/from_fabric_store.sql \
        share/mysqlfabric/sql/move_shard.sh "$DOCDIR/SOURCES.md" "$DOCDIR/RESHARDING.md" \
        "$DOCDIR/ERRORS.md" "$DOCDIR/PATTERNS.md" "$DOCDIR/THREADS.md" \
        "$DOCDIR/PYTHON.md" "$DOCDIR/FABRIC.md" "$DOCDIR/FAILOVER.md" "$DOCDIR/MOVING_OFF_FABRIC.md" \
        "$DOCDIR/README.md" "$DOCDIR/CHANGELOG.md" "$DOCDIR/ABI.md" "$DOCDIR/TOPOLOGY_FILE.md" \
        bin/mysqlfabric share/man/man1/mysqlfabric.1 share/man/man1/mysqlfabric-route.1 \
        share/bash-completion/completions/mysqlfabric share/zsh/site-functions/_mysqlfabric \
        share/fish/vendor_completions.d/mysqlfabric.fish "$DOCDIR/COMMAND.md" \
        "$DOCDIR/examples/quickstart.c" "$DOCDIR/examples/example.h" "$DOCDIR/examples/service.cpp" \
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
    [ ! -e "$libdir/.debug" ] || fail "debug symbols are installed with the rest"
    # No path of the machine that built it, in texts and binaries.
    searched=$prefix
    [ "$PROFILE" != dev ] || searched="$libdir/pkgconfig $libdir/cmake"
    # shellcheck disable=SC2086 # the folders are words
    ! grep -raoF -e "$SOURCE_DIR" -e "${CARGO_HOME:-$HOME/.cargo}/" $searched | sort | uniq -c |
        grep . || fail "paths of the build"
    ;;
find_package)
    build_consumer -DCMAKE_PREFIX_PATH="$prefix"
    ;;
add_subdirectory)
    # With the command, as this build: without it the features of some crates are others, and the
    # library would be compiled once more.
    build_consumer -DIN_TREE="$SOURCE_DIR" -DMYSQLFABRIC_BUILD_TOOLS=ON
    ;;
pkg_config)
    export PKG_CONFIG_PATH=$libdir/pkgconfig
    mkdir -p "$work"
    # shellcheck disable=SC2046 # the flags are words
    "$C_COMPILER" -std=c99 "${strict[@]}" "$app" -o "$work/app" \
        $(pkg-config --cflags --libs mysqlfabric)
    needs_shared "$work/app" || fail "the program does not need $SONAME"
    LD_LIBRARY_PATH=$libdir ask "$work/app"
    # shellcheck disable=SC2046 # the flags are words
    "$CXX_COMPILER" -std=c++17 "${strict[@]}" "$SOURCE_DIR/tests/install/consumer/app17.cpp" -o "$work/app17" \
        $(pkg-config --cflags --libs mysqlfabric)
    LD_LIBRARY_PATH=$libdir ask "$work/app17"
    version=$(pkg-config --modversion mysqlfabric)
    grep -q "^version = \"$version\"" "$SOURCE_DIR/Cargo.toml" || fail "version $version"
    ;;
readme)
    # The lines of the README that compile service.c, each in a directory of its own, where the
    # program must start as it is. Named libraries lie in the tree and nowhere else.
    export PKG_CONFIG_PATH=$libdir/pkgconfig
    rm -rf "$work"
    mkdir -p "$work"
    grep -E '^cc service\.c ' "$SOURCE_DIR/README.md" | sed 's/ *#.*//' >"$work/lines"
    [ "$(wc -l <"$work/lines")" -ge 3 ] || fail "README.md has no three lines: cc service.c"
    while read -r line; do
        echo "$line"
        mkdir -p "$work/line"
        cp "$app" "$work/line/service.c"
        (cd "$work/line" && eval "$line") || fail "$line"
        ask "$work/line/a.out" </dev/null
        case $line in
        *mysqlfabric-static* | *' -static '*)
            ! needs_shared "$work/line/a.out" || fail "the program needs $SONAME: $line" ;;
        *) needs_shared "$work/line/a.out" || fail "the program does not need $SONAME: $line" ;;
        esac
        case $line in
        *' -static '*)
            ! readelf -l "$work/line/a.out" | grep -q INTERP || fail "not all static: $line" ;;
        esac
        rm -r "$work/line"
    done <"$work/lines"
    ;;
command)
    tool=$prefix/bin/mysqlfabric
    export MYSQLFABRIC_URL=fabric://$FABRICD_HOST:$FABRICD_PORT
    export MYSQLFABRIC_FABRIC_USER=admin MYSQLFABRIC_FABRIC_PASSWORD=secret
    said=$("$tool" route employees.salaries 10021 --print address) || fail "mysqlfabric route failed"
    echo "$said"
    [ "$said of group shard2" = "$answer" ] || fail "mysqlfabric route was to say: $answer"
    "$tool" --version | grep -q "^mysqlfabric $(sed -n 's/^version = "\(.*\)"/\1/p' "$SOURCE_DIR/cli/Cargo.toml")$" ||
        fail "$("$tool" --version)"
    [ "$STRIPPED" != 1 ] || ! readelf -SW "$tool" | grep -q '\.debug_info' || fail "$tool has debug symbols"
    bash -n "$prefix/share/bash-completion/completions/mysqlfabric" || fail "completions of bash"
    ;;
stripped)
    [ "$STRIPPED" = 1 ] || { echo "libraries of this build are not stripped"; exit 0; }
    for file in "$libdir/$SHARED_NAME" "$libdir/libmysqlfabric.a"; do
        ls -l "$file"
        ! readelf -SW "$file" 2>/dev/null | grep -q '\.debug_info' || fail "$file has debug symbols"
    done
    # A debugger finds the symbols by the name that the library gives, and the check of the file.
    rm -rf "$work"
    install_into "$work" --component debug
    cp "$libdir/$SHARED_NAME" "$work$PREFIX/$LIBDIR/"
    symbols=$work$PREFIX/$LIBDIR/.debug/$SHARED_NAME.debug
    readelf -SW "$symbols" | grep -q '\.debug_info' || fail "$symbols has no symbols"
    readelf -p .gnu_debuglink "$libdir/$SHARED_NAME" | grep -q "$SHARED_NAME.debug" ||
        fail "$SHARED_NAME names no file of symbols"
    [ "$(readelf -n "$symbols" | grep 'Build ID')" = \
        "$(readelf -n "$libdir/$SHARED_NAME" | grep 'Build ID')" ] || fail "another build's symbols"
    ;;
components)
    mkdir -p "$work"
    for components in shared static 'shared static' 'COMPONENTS shared' nosuch 'shared nosuch' \
        'COMPONENTS static nosuch' 'OPTIONAL_COMPONENTS nosuch'; do
        rm -rf "$work"
        mkdir -p "$work"
        printf '%s\n' 'cmake_minimum_required(VERSION 3.16)' 'project(components C)' \
            "find_package(MySQLFabric 0.1 REQUIRED $components)" >"$work/CMakeLists.txt"
        outcome=found
        "$CMAKE" -S "$work" -B "$work/build" -G "$GENERATOR" -DCMAKE_PREFIX_PATH="$prefix" \
            >"$work/said" 2>&1 || outcome=refused
        echo "$components: $outcome"
        case $components in
        OPTIONAL*) [ $outcome = found ] || fail "an optional component was asked for" ;;
        *nosuch*)
            [ $outcome = refused ] || fail "find_package takes $components"
            grep -q "no component 'nosuch'" "$work/said" || fail "$(cat "$work/said")"
            ;;
        *) [ $outcome = found ] || fail "$(cat "$work/said")" ;;
        esac
    done
    ;;
uninstall)
    # Into a tree with files of others, and out again: what is left is what was there before.
    rm -rf "$work"
    mkdir -p "$work/tree$PREFIX/$LIBDIR/pkgconfig" "$work/tree$PREFIX/share/doc/other"
    echo theirs >"$work/tree$PREFIX/$LIBDIR/pkgconfig/other.pc"
    echo theirs >"$work/tree$PREFIX/share/doc/other/README.md"
    (cd "$work/tree" && find . ! -type d | sort) >"$work/before"
    install_into "$work/tree" >/dev/null
    install_into "$work/tree" --component debug >/dev/null
    [ -e "$work/tree$PREFIX/$LIBDIR/libmysqlfabric.a" ] || fail "nothing was installed"
    DESTDIR=$work/tree "$CMAKE" "-DBINARY_DIR=$work/tree.manifests" \
        -P "$SOURCE_DIR/cmake/RunUninstall.cmake"
    (cd "$work/tree" && find . ! -type d | sort) >"$work/after"
    diff "$work/before" "$work/after" || fail "< before, > after"
    ! find "$work/tree" -type d -name '*[mM][yY][sS][qQ][lL][fF]*' | grep . || fail "directories are left"
    ! DESTDIR=$work/tree "$CMAKE" "-DBINARY_DIR=$work/tree.manifests" \
        -P "$SOURCE_DIR/cmake/RunUninstall.cmake" 2>/dev/null || fail "there was nothing to remove"
    ;;
compiles_once)
    # The README's way to build, with a cargo that only notes what it is asked for and hands out
    # what this build has made.
    rm -rf "$work"
    mkdir -p "$work/target/release"
    cp "$LIBRARY_DIR/$SHARED_NAME" "$work/target/release/libmysqlfabric.so"
    cp "$LIBRARY_DIR/libmysqlfabric.a" "$BINARY_DIR/bin/mysqlfabric" "$work/target/release/"
    printf '#!/bin/sh\necho "$*" >>"%s/asked"\n' "$work" >"$work/cargo"
    chmod +x "$work/cargo"
    "$CMAKE" -S "$SOURCE_DIR" -B "$work/build" -G "$GENERATOR" \
        -DMYSQLFABRIC_CARGO="$work/cargo" -DMYSQLFABRIC_CARGO_TARGET_DIR="$work/target"
    "$CMAKE" --build "$work/build"
    "$CMAKE" --install "$work/build" --prefix "$work/prefix" >/dev/null
    cat "$work/asked"
    [ "$(wc -l <"$work/asked")" -eq 1 ] || fail "cargo was asked more than once"
    grep -q -- '--package mysqlfabric --lib' "$work/asked" || fail "the library was not built"
    ;;
doxygen)
    rm -rf "$work"
    mkdir -p "$work"
    sed -e "s|^OUTPUT_DIRECTORY.*|OUTPUT_DIRECTORY = $work|" "$BINARY_DIR/Doxyfile" >"$work/Doxyfile"
    doxygen "$work/Doxyfile" || fail "doxygen warns"
    sed -n 's/.*<member refid="mysqlfabric_8h[^"]*" kind="function"><name>\([^<]*\)<.*/\1/p' \
        "$work/xml/index.xml" | sort -u >"$work/shown"
    sed -e '/^ *\/\*/,/\*\//d' "$SOURCE_DIR/include/mysqlfabric.h" |
        grep -oE '\bfabric_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$work/declared"
    echo "$(wc -l <"$work/shown") functions"
    diff "$work/declared" "$work/shown" || fail "< declared only, > shown only"
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
    for standard in c90 c99 c11 c17; do
        echo "$standard"
        "$C_COMPILER" -std=$standard "${strict[@]}" -Wstrict-prototypes -I"$prefix/include" \
            -fsyntax-only "$work/twice.c"
    done
    for standard in c++11 c++14 c++17 c++20; do
        echo "$standard"
        "$CXX_COMPILER" -std=$standard "${strict[@]}" -I"$prefix/include" -fsyntax-only "$work/twice.cpp"
    done
    ;;
native_libraries)
    shift
    said=$("$CARGO" rustc "$@" --crate-type staticlib -- \
        --print native-static-libs 2>&1) || fail "$said"
    said=$(sed -n 's/.*native-static-libs: //p' <<<"$said")
    echo "rustc:   $said"
    # Which the compiler adds itself.
    said=${said/-lgcc_s /}
    echo "project: $NATIVE_LIBRARIES"
    [ "$said" = "$NATIVE_LIBRARIES" ] || fail "cmake/NativeLibraries.cmake is out of date"
    ;;
*)
    fail "no case $1"
    ;;
esac
