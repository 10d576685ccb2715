#!/usr/bin/env bash
# Sees that tools are there: tests/need-packages.sh tool...
#
# Installs the packages of missing ones with apt-get, as root or with a sudo that asks for no
# password; where that cannot be, says what is missing and ends with 1. Rust is needed always, and
# counts as missing if it is older than Cargo.toml's rust-version.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

package_of() {
    case $1 in
    cc) echo "gcc libc6-dev" ;;
    c++) echo g++ ;;
    clang++) echo clang ;;
    go) echo golang-go ;;
    venv) echo python3-venv ;;
    python-headers) echo python3-dev ;;
    readelf) echo binutils ;;
    dh) echo debhelper ;;
    libmariadb) echo libmariadb-dev ;;
    # Debian keeps a compiler for its browsers that is newer than the release's own.
    cargo) echo "rustc-web cargo-web" ;;
    rustfmt) echo rustfmt-web ;;
    clippy) echo rust-web-clippy ;;
    *) echo "$1" ;;
    esac
}

rust_needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# at_least WANTED VERSION
at_least() {
    [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

has() {
    case $1 in
    venv) python3 -c 'import venv, ensurepip' ;;
    python-headers) [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] ;;
    libmariadb) echo '#include <mysql.h>' | cc -I/usr/include/mariadb -E - ;;
    cargo) command -v cargo && command -v rustc && at_least "$rust_needed" "$(rust_version)" ;;
    rustfmt) cargo fmt --version ;;
    clippy) cargo clippy --version ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

rust_version() {
    rustc --version 2>/dev/null | cut -d ' ' -f 2
}

missing() {
    local tool
    for tool in "$@"; do
        has "$tool" || echo "$tool"
    done
}

# What no archive of packages mends, or only half.
say_rust() {
    local found=none
    ! command -v rustc >/dev/null || found="$(rust_version) at $(command -v rustc)"
    echo "missing: Rust $rust_needed or later (found: $found). Install it from https://rustup.rs" >&2
}

# The packages of apt that there are in a version that will do.
can_be_installed() {
    local package version
    for package in "$@"; do
        version=$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: //p')
        case $package:$version in
        *: | *:'(none)') return 1 ;;
        rustc-web:*) at_least "$rust_needed" "$version" || return 1 ;;
        esac
    done
}

set -- cargo "$@"
mapfile -t tools < <(missing "$@")
[ ${#tools[@]} -gt 0 ] || exit 0

if command -v apt-get >/dev/null; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if [ ${#as_root[@]} -eq 0 ] || sudo -n true 2>/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        ${as_root[@]+"${as_root[@]}"} apt-get update -q </dev/null
        packages=()
        for tool in "${tools[@]}"; do
            read -ra names <<<"$(package_of "$tool")"
            # One that cannot be had must not keep the others away.
            ! can_be_installed "${names[@]}" || packages+=("${names[@]}")
        done
        if [ ${#packages[@]} -gt 0 ]; then
            echo "installing ${packages[*]}"
            ${as_root[@]+"${as_root[@]}"} apt-get install -qy --no-install-recommends \
                "${packages[@]}" </dev/null
            hash -r
        fi
    fi
fi

mapfile -t tools < <(missing "$@")
[ ${#tools[@]} -gt 0 ] || exit 0
packages=()
for tool in "${tools[@]}"; do
    case $tool in
    cargo) say_rust ;;
    *)
        read -ra names <<<"$(package_of "$tool")"
        packages+=("${names[@]}")
        ;;
    esac
done
[ ${#packages[@]} -eq 0 ] ||
    echo "missing: ${tools[*]}. Install the packages (by Debian's names): ${packages[*]}" >&2
exit 1
