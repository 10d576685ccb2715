#!/usr/bin/env bash
# Checks what the library depends on with cargo-deny, by deny.toml: licences, sources and unwanted
# crates; and known advisories, if their database can be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo deny --version >/dev/null 2>&1 || {
    echo "missing: cargo-deny. Install it: cargo install --locked cargo-deny" >&2
    exit 1
}
cargo deny --locked check licenses bans sources
if cargo deny --locked fetch db >/dev/null 2>&1; then
    cargo deny --locked check advisories
else
    echo "the advisories are not checked: their database cannot be had"
fi
