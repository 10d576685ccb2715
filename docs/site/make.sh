#!/usr/bin/env bash
# What `make docs` and CMake's target docs run: the reference of every door and the documents, as pages
# below one index: docs/site/make.sh BUILD
#
# BUILD is CMake's build directory, with the library in it; the pages go to BUILD/docs/html. A part
# whose tool is missing is left out with a word; a warning of doxygen or rustdoc is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$(realpath "$1")
work=$build/docs
html=$work/html
cargo=${CARGO:-cargo}

rm -rf "$html"
mkdir -p "$html"

echo "C and C++: doxygen"
{
    cat "$build/Doxyfile"
    printf '%s\n' "OUTPUT_DIRECTORY = \"$html\"" 'HTML_OUTPUT = c' 'GENERATE_XML = NO'
} | doxygen -

echo "Rust: rustdoc"
RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings -A rustdoc::private_intra_doc_links" "$cargo" doc --locked --quiet --no-deps --package mysqlfabric \
    --document-private-items
cp -r "${CARGO_TARGET_DIR:-target}/doc" "$html/rust"

if command -v go >/dev/null; then
    echo "Go: go doc"
    mkdir "$html/go"
    # What go says of a package, for each folder that is one.
    find bindings/go -name '*.go' ! -name '*_test.go' ! -path '*/testdata/*' -printf '%h\n' | sort -u |
        while read -r folder; do
            page=${folder#bindings/}
            (cd "$folder" && go doc -all .) >"$work/go.txt"
            # Programs have no interface to tell of.
            ! grep -q '^package main' "$folder"/*.go || continue
            python3 docs/site/pages.py text "$work/go.txt" "$html/go/${page//\//_}.html" "mysqlfabric for Go: $page"
        done
else
    echo "Go is left out: no go"
fi

if python3 -c 'import venv, ensurepip' 2>/dev/null; then
    echo "Python: pdoc"
    python=$work/venv/bin/python
    [ -x "$python" ] || python3 -m venv "$work/venv"
    "$python" -m pip install --quiet --disable-pip-version-check 'pdoc>=15' 'Markdown>=3.5' 'setuptools>=77'
    PYTHON=$python bindings/python/wheel.sh "$build/lib/libmysqlfabric.so" "$work/wheel" >/dev/null
    "$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall \
        "$work"/wheel/*.whl
    # Of named tuples pdoc cannot tell where the types of members are from, and warns that it shows their names.
    "$python" -W ignore::UserWarning -m pdoc --docformat markdown --output-directory "$html/python" \
        mysqlfabric mysqlfabric.compat mysqlfabric.compat.mysql
    echo "the documents"
    "$python" docs/site/pages.py site "$html"
else
    echo "Python and the documents are left out: no venv"
    python3 docs/site/pages.py site "$html"
fi
echo "$html/index.html"
