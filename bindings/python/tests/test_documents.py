"""Every program in docs/PYTHON.md and the package's README runs, against fabricd and real servers."""

import re

import pytest

from conftest import ROOT
from mysqlfabric.compat import connection

DOCUMENTS = ["docs/PYTHON.md", "bindings/python/README.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_programs(document, real_farm):
    programs = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert programs
    names = {"__name__": document}
    for program in programs:
        program = program.replace("fabric://fabric1.example.com", real_farm.url)
        program = program.replace('"host": "fabric1.example.com"', f'"host": "127.0.0.1", "port": {real_farm.port}')
        program = program.replace("cluster://db1,db2,db3", real_farm.url)
        program = program.replace('user="router", password="secret"', 'user="admin", password="secret"')
        program = program.replace('group_server("default"', 'group_server("shard1"')
        exec(compile(program, document, "exec"), names)
    if document == "docs/PYTHON.md":
        assert names["salaries"] == [5]
        names["farm"].close()
    connection.FABRICS.clear()
