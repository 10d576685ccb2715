#!/usr/bin/env bash
# Builds the wheel and installs it in an environment of its own, checks its types, and runs the tests on it, as a
# user has it. MYSQLFABRIC_LIBRARY and FABRICD name builds of the library and the node; other arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

library=${MYSQLFABRIC_LIBRARY:-build/release/lib/libmysqlfabric.so}
environment=$PWD/build/python-package
python=$environment/bin/python
if ! "$python" -c 'import auditwheel, mypy, pymysql, pytest, sqlalchemy, mysql.connector' 2>/dev/null; then
    python3 -m venv --clear "$environment"
    "$python" -m pip install --quiet --disable-pip-version-check 'setuptools>=77' auditwheel mypy pytest \
        PyMySQL cryptography SQLAlchemy mysql-connector-python
fi

wheel=$(PYTHON=$python bindings/python/wheel.sh "$library" build/wheel)
# What the files inside want must be what the tag promises.
tag=$(basename "$wheel" .whl | sed 's/.*-//')
shown=$("$python" -m auditwheel show "$wheel" | tr -s '\n ' '  ')
grep -q "consistent with the following platform tag: \"$tag\"" <<<"$shown" || { echo "$shown" >&2; exit 1; }
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheel"
# The types of the package, of a program that uses it, and of the extension beside what it says itself.
(
    cd bindings/python
    "$python" -m mypy --cache-dir "$environment/mypy" src
    cd tests
    "$python" -m mypy --cache-dir "$environment/mypy-typed" --strict typed.py
    "$python" -m mypy.stubtest --concise --ignore-disjoint-bases mysqlfabric._fabric
)
exec "$python" -m pytest bindings/python/tests "$@"
