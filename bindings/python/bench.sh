#!/usr/bin/env bash
# Measures the package beside other ways to call the library: bench.sh LIBRARY. `make bench` runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
environment=$PWD/build/python-bench
python=$environment/bin/python
{
    "$python" -c 'import cffi, setuptools.command.bdist_wheel' 2>/dev/null || {
        python3 -m venv --clear "$environment"
        "$python" -m pip install --quiet --disable-pip-version-check 'setuptools>=77' cffi
    }
    reference=build/connector-python-2.2.9
    [ -d $reference ] || "$python" -m pip install --quiet --disable-pip-version-check --target $reference \
        mysql-connector==2.2.9 || rm -rf $reference
    wheel=$(PYTHON=$python bindings/python/wheel.sh "$1" build/wheel)
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheel"
} >&2
exec "$python" bindings/python/bench.py
