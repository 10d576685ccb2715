#!/usr/bin/env bash
# Sees that tools are there: tests/need-packages.sh tool...
#
# Installs the packages of missing ones with apt-get, as root or with a sudo that asks for no
# password; where that cannot be, says what is missing and ends with 1.
set -uo pipefail

package_of() {
    case $1 in
    cc) echo "gcc libc6-dev" ;;
    c++) echo g++ ;;
    go) echo golang-go ;;
    venv) echo python3-venv ;;
    readelf) echo binutils ;;
    *) echo "$1" ;;
    esac
}

has() {
    case $1 in
    venv) python3 -c 'import venv, ensurepip' ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

missing() {
    local tool
    for tool in "$@"; do
        has "$tool" || echo "$tool"
    done
}

if ! command -v cargo >/dev/null; then
    echo "missing: cargo. Install Rust from https://rustup.rs" >&2
    exit 1
fi

mapfile -t tools < <(missing "$@")
[ ${#tools[@]} -gt 0 ] || exit 0

packages=()
for tool in "${tools[@]}"; do
    read -ra names <<<"$(package_of "$tool")"
    packages+=("${names[@]}")
done

if command -v apt-get >/dev/null; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    if [ ${#as_root[@]} -eq 0 ] || sudo -n true 2>/dev/null; then
        echo "installing ${packages[*]}"
        export DEBIAN_FRONTEND=noninteractive
        ${as_root[@]+"${as_root[@]}"} apt-get update -q </dev/null &&
            ${as_root[@]+"${as_root[@]}"} apt-get install -qy --no-install-recommends \
                "${packages[@]}" </dev/null
    fi
fi

mapfile -t tools < <(missing "$@")
if [ ${#tools[@]} -gt 0 ]; then
    echo "missing: ${tools[*]}. Install the packages (by Debian's names): ${packages[*]}" >&2
    exit 1
fi
