#!/bin/sh
# Runs the Python tests on what `cargo build --release -p mysqlfabric -p fabricd` made.
# MYSQLFABRIC_LIBRARY and FABRICD name other builds, PYTHON another interpreter.
set -eu

cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}

if ! "$python" -c 'import pytest' 2>/dev/null; then
    if ! build/python/bin/python -c 'import pytest' 2>/dev/null; then
        "$python" -m venv build/python
        build/python/bin/python -m pip install --quiet --disable-pip-version-check pytest
    fi
    python=build/python/bin/python
fi

exec "$python" -m pytest -q -p no:cacheprovider tests/python "$@"
