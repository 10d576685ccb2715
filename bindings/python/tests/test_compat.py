"""What came from Connector/Python: names, arguments, defaults, exceptions, and where rows lie."""

import collections
import datetime
import decimal
import inspect
import json
import subprocess
import sys
import uuid

import pytest

import mysqlfabric as mf
from conftest import ROOT
from mysqlfabric.compat import Compat, Fabric, FabricMySQLServer, FabricSet, connection, errors

VECTORS = ROOT / "tests" / "data" / "vectors"
SIGNATURES = """
import inspect, json
import mysql.connector.fabric as package
from mysql.connector.fabric import connection
def of(function):
    return [[p.name, repr(p.default) if p.default is not p.empty else None, str(p.kind)]
            for p in inspect.signature(function).parameters.values()]
classes = {}
for name in ("Fabric", "FabricConnection", "FabricSet", "MySQLFabricConnection"):
    members = {}
    for member, value in inspect.getmembers(getattr(connection, name)):
        if inspect.isfunction(value) and (not member.startswith("_") or member == "__init__"):
            members[member] = of(value)
        elif isinstance(value, property):
            members[member] = None
    classes[name] = members
constants = {n: v for n, v in vars(connection).items() if n.isupper() and not n.startswith("_")}
print(json.dumps(default=str, obj={
    "classes": classes, "names": package.__all__, "connect": of(package.connect),
    "extra_failure_report": of(connection.extra_failure_report),
    "constants": {n: v for n, v in constants.items() if isinstance(v, (int, str, tuple, dict)) and n != "FABRICS"},
    "server": package.FabricMySQLServer._fields, "shard": package.FabricShard._fields,
    "properties": {n: repr(a[2]) for n, a in connection._CNX_PROPERTIES.items()},
}))
"""


@pytest.fixture(scope="session")
def reference():
    """Connector/Python 2.2.9 as it describes itself, in an interpreter of its own: pip fetches it once."""
    directory = ROOT / "build" / "connector-python-2.2.9"
    if not directory.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
        fetched = subprocess.run([*command, str(directory), "mysql-connector==2.2.9"])
        if fetched.returncode != 0:
            print("\nSKIPPED, NOT TESTED: the names of Connector/Python, which pip cannot fetch", file=sys.stderr)
            pytest.skip("no mysql-connector==2.2.9")
    program = f"import sys; sys.path.insert(0, {str(directory)!r})\n{SIGNATURES}"
    shown = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)


def test_every_name_argument_and_default(reference):
    import mysqlfabric.compat as compat

    def of(function):
        return [
            [p.name, repr(p.default) if p.default is not p.empty else None, str(p.kind)]
            for p in inspect.signature(function).parameters.values()
            # What is ours alone is given by name, and may be left out.
            if p.kind not in (p.KEYWORD_ONLY,) and p.name != "options"
        ]

    assert set(reference["names"]) <= set(compat.__all__)
    for name, value in reference["constants"].items():
        if name in ("HAVE_SSL", "PY2", "UNICODE_TYPES"):
            continue
        ours = getattr(connection, name)
        assert (list(ours) if isinstance(ours, tuple) else ours) == value, name
    for name, members in reference["classes"].items():
        ours = getattr(connection, name)
        for member, arguments in members.items():
            if name == "FabricSet" and member == "__init__":
                continue
            found = inspect.getattr_static(ours, member)
            if arguments is None:
                assert isinstance(found, property), (name, member)
            else:
                assert of(getattr(ours, member)) == arguments, (name, member)
    assert of(compat.connect) == reference["connect"]
    assert of(connection.extra_failure_report) == reference["extra_failure_report"]
    assert list(FabricMySQLServer._fields) == reference["server"]
    assert list(compat.FabricShard._fields) == reference["shard"]
    from mysqlfabric.compat._connection import _PROPERTIES

    assert {name: repr(default) for name, (_, default) in _PROPERTIES.items()} == reference["properties"]


@pytest.fixture
def fabric(node):
    fabric = Fabric(node.host, username="admin", password="secret", port=node.port, connect_attempts=1)
    fabric.seed()
    yield fabric
    fabric.farm.close()


def test_the_constructor(node):
    fabric = Fabric(node.host, "admin", "secret", node.port)
    assert (fabric.username, fabric.password, fabric.ssl_config) == ("admin", "secret", None)
    assert Fabric("h", user="u").username == "u"
    with pytest.raises(ValueError):
        Fabric("h", user="u", username="v")
    with pytest.raises(errors.InterfaceError):
        Fabric("h", protocol="smtp")
    for files in ({"ssl_key": "k"}, {"ssl_ca": "a", "ssl_key": "k"}, {"ssl_ca": "a", "ssl_cert": "c"}):
        with pytest.raises(AttributeError):
            Fabric("h", **files)
    assert Fabric("h", ssl_ca="a").ssl_config == {"ca": "a", "key": None, "cert": None}
    for call in (
        lambda: fabric.get_group_servers("shard1"),
        lambda: fabric.get_group_server("shard1"),
        lambda: fabric.get_shard_server(["employees.salaries"], 1),
        lambda: fabric.get_instance(),
        lambda: fabric.get_fabric_servers(),
        lambda: fabric.execute("dump", "servers"),
        lambda: fabric.reset_cache("shard1"),
    ):
        with pytest.raises(errors.InterfaceError, match="seed"):
            call()
    fabric.reset_cache()
    fabric.seed()
    assert fabric.get_group_server("shard1", mode=3).port == 33611


def test_seed(node, dead):
    fabric = Fabric("127.0.0.1", port=dead[1], username="admin", password="secret", connect_attempts=1)
    with pytest.raises(errors.InterfaceError):
        fabric.seed()
    fabric.seed(node.host, str(node.port))
    with pytest.raises(TypeError):
        fabric.execute("dump", "servers", version=1)
    assert fabric.get_group_server("shard1", mode=3).port == 33611


def test_over_the_mysql_protocol(node):
    fabric = Fabric(node.host, "admin", "secret", node.mysql_port, protocol="mysql")
    fabric.seed()
    assert fabric.get_group_server("shard1", mode=3).port == 33611
    assert fabric.execute("dump", "servers", 0, "shard3").row(0).port == 33631


def test_groups(fabric):
    servers = fabric.get_group_servers("shard1")
    assert [type(s) for s in servers] == [FabricMySQLServer] * 3
    assert [(s.port, s.mode, s.status, s.weight) for s in servers] == [
        (33611, 3, 3, 1.0), (33612, 1, 2, 2.0), (33613, 1, 2, 0.5),
    ]  # fmt: skip
    assert fabric.get_group_servers("nobody") == []
    assert fabric.get_group_servers("shard1", use_cache=False) == servers
    for mode in (connection.MODE_READWRITE, connection.MODE_WRITEONLY):
        assert fabric.get_group_server("shard1", mode=mode).port == 33611
    assert fabric.get_group_server("shard1", status=connection.STATUS_PRIMARY).port == 33611
    for question in ({}, {"mode": connection.MODE_READONLY}, {"status": connection.STATUS_SECONDARY}):
        assert fabric.get_group_server("shard1", **question).port in (33612, 33613)
    with pytest.raises(ValueError):
        fabric.get_group_server("shard1", mode=1, status=2)
    with pytest.raises(errors.InterfaceError):
        fabric.get_group_server("nobody")
    with pytest.raises(errors.InterfaceError):
        fabric.get_group_server("emptygrp", mode=3)


def test_shards(fabric):
    for tables, key, port in (
        (["employees.salaries"], 10021, 33621),
        (("employees.salaries", "employees.dept_emp"), "10021", 33621),
        (["employees.salaries"], 10021.9, 33621),
        (["employees.salaries"], decimal.Decimal("1.5"), 33611),
        (["employees.salaries"], True, 33611),
        (["log.events"], datetime.date(2010, 1, 1), 33621),
        (["log.events"], datetime.datetime(2009, 12, 31), 33611),
        (["crm.names"], "m", 33641),
    ):
        assert fabric.get_shard_server(tables, key, mode=connection.MODE_READWRITE).port == port
    for key in (5.5, True, uuid.uuid4(), ("a", 1)):
        ours = fabric.get_shard_server(["hashdb.users"], key, mode=3)
        assert ours == fabric.get_shard_server(["hashdb.users"], str(key), mode=3)
    assert fabric.get_shard_server(["employees.salaries"], None, scope=connection.SCOPE_GLOBAL, mode=3).port == 33601
    assert fabric.get_shard_server(["employees.salaries"], 1).port in (33612, 33613)
    with pytest.raises(errors.DatabaseError) as caught:
        fabric.get_shard_server(["no.table"], 1)
    assert caught.value.errno == 1051 and isinstance(caught.value.__cause__, mf.UnknownTable)
    with pytest.raises(errors.DatabaseError):
        fabric.get_shard_server(["employees.salaries", "hashdb.users"], 1)
    for tables, key in (("employees.salaries", 1), (["salaries"], 1), ([5], 1), (["employees.salaries"], "abc")):
        with pytest.raises(ValueError):
            fabric.get_shard_server(tables, key)


def test_where_rows_lie(node):
    """A RANGE key below the lowest bound, and a HASH digest below all."""
    theirs = Fabric(node.host, "admin", "secret", node.port)
    servers = Fabric(node.host, "admin", "secret", node.port, compat=Compat.SERVER)
    theirs.seed()
    servers.seed()
    assert theirs.get_shard_server(["employees.salaries"], 0, mode=3).group == "shard3"
    with pytest.raises(ValueError):
        servers.get_shard_server(["employees.salaries"], 0, mode=3)
    groups = collections.Counter()
    for key in range(200):
        pair = [f.get_shard_server(["hashdb.users"], key, mode=3).group for f in (theirs, servers)]
        groups[pair[0] == pair[1]] += 1
        assert pair[0] == pair[1] or pair == ["shard4", "shard2"]
    assert groups[False] > 20


def test_keys_that_the_server_reads_otherwise(node):
    """Connector/Python cut fractions off where the server rounds, and took what int() takes."""
    theirs = Fabric(node.host, "admin", "secret", node.port)
    servers = Fabric(node.host, "admin", "secret", node.port, compat=Compat.SERVER)
    theirs.seed()
    servers.seed()
    late = datetime.datetime(2009, 12, 31, 23, 59, 59, 600000)
    assert theirs.get_shard_server(["log.events"], late, mode=3).group == "shard1"
    assert servers.get_shard_server(["log.events"], late, mode=3).group == "shard2"
    assert theirs.get_shard_server(["hashdb.users"], late, mode=3) == theirs.get_shard_server(["hashdb.users"], str(late), mode=3)
    for key in (" 10021", "10021\n", "+10021"):
        assert theirs.get_shard_server(["employees.salaries"], key, mode=3).group == "shard2"
    with pytest.raises(ValueError):
        servers.get_shard_server(["employees.salaries"], " 10021", mode=3)
    # As docs/PYTHON.md says: here both ways are the server's, and Connector/Python had all of these on shard4.
    for key, group in (("m", "shard4"), ("m ", "shard4"), ("m!", "shard4"), ("m\t1", "shard3"), ("m\n", "shard3"), ("m\x1f", "shard3")):
        for fabric in (theirs, servers):
            assert fabric.get_shard_server(["crm.names"], key, mode=3).group == group, key
    for tables, key in ((["employees.salaries"], "ten"), (["log.events"], "12")):
        with pytest.raises(ValueError):
            theirs.get_shard_server(tables, key, mode=3)


def test_every_recorded_answer_of_the_reference(start):
    """What Connector/Python itself said, for the types that work in it."""
    node = start("--farm", ROOT / "fabricd" / "data" / "farm-vectors.json")
    for at, group in enumerate(["global", "shard1", "shard2", "shard3", "shard4"]):
        node.control("add_server", group, f"00000000-0000-0000-0000-{at:012d}", f"db{at}", 3306, "PRIMARY", "READ_WRITE")
    fabric = Fabric(node.host, "admin", "secret", node.port, ttl_min=600)
    fabric.seed()
    asked = collections.Counter()
    for path in sorted(VECTORS.glob("*.jsonl")):
        for line in map(json.loads, path.read_text(encoding="utf-8").split("\n")[:-1]):
            if line["type"] == "HASH":
                group = line["reference_group_utf8"]
            elif line["type"] == "RANGE" and line["key_type"] == "int":
                group = line["reference_group"]
            else:
                continue
            key = int(line["key"]) if line["key_type"] == "int" else line["key"]
            assert fabric.get_shard_server([line["table"]], key, mode=3).group == group, line
            asked[line["type"]] += 1
    assert asked == {"HASH": 3049, "RANGE": 5979}


def test_sharding_information(fabric):
    fabric.get_sharding_information([("salaries", "employees"), ("users", "hashdb")])
    fabric.get_sharding_information(["salaries"], "employees")
    fabric.get_sharding_information([("no", "table")])
    for bad in (None, "salaries", ["salaries"]):
        with pytest.raises(ValueError):
            fabric.get_sharding_information(bad)


def test_nodes_and_commands(node, fabric):
    fabric_uuid, version, ttl, nodes = fabric.get_fabric_servers()
    assert isinstance(fabric_uuid, uuid.UUID) and (version, ttl) == (0, 1)
    assert nodes == [{"host": "127.0.0.1", "port": node.port}]
    instance = fabric.get_instance()
    assert (instance.handler.host, instance.handler.port) == ("127.0.0.1", node.port)
    assert instance.handler.is_connected and instance.handler.uuid.version == 3
    for call in (fabric.execute, instance.execute):
        found = call("dump", "servers", 0, "shard3")
        assert isinstance(found, FabricSet) and found.rowcount() == 1
        row = found.row(0)
        assert (row.group_id, row.port, row.mode, row.status, row.weight) == ("shard3", 33631, 3, 3, 1.0)
        assert [r.port for r in found.rows()] == [33631]
        assert found.ttl == 1 and uuid.UUID(found.fabric_uuid_str) == fabric_uuid
    with pytest.raises(errors.InterfaceError):
        fabric.execute("group", "nonsense")
    with pytest.raises(ValueError):
        connection.FabricConnection(object(), "h")


def test_failures_that_are_reported(node, eventually):
    fabric = Fabric(node.host, "admin", "secret", node.port, report_errors=True)
    fabric.seed()
    server = fabric.get_group_server("shard1")
    try:
        connection.extra_failure_report([1040])
        fabric.report_failure(server.uuid, 1040)
        assert [(r["server_uuid"], str(r["error"])) for r in node.control("reports")] == [(server.uuid, "1040")]
        connection.extra_failure_report(1129)
        assert connection.REPORT_ERRORS_EXTRA == [1040, 1129]
        for bad in ("1040", 5, 3000, [1040, None]):
            with pytest.raises(AttributeError):
                connection.extra_failure_report(bad)
    finally:
        connection.extra_failure_report(None)
    assert connection.REPORT_ERRORS_EXTRA == []
    fabric.report_failure(server.uuid, 1062)
    fabric.report_failure(server.uuid, "2003")
    assert eventually(lambda: len(node.control("reports")) == 2)


def test_no_failure_is_reported_unless_asked_for(node, fabric):
    server = fabric.get_group_server("shard1")
    fabric.report_failure(server.uuid, 2003)
    assert node.control("reports") == []
    # This process routes around it all the same.
    assert all(fabric.get_group_server("shard1") != server for _ in range(5))
    fabric.reset_cache("shard1")
    fabric.reset_cache()


def test_exceptions_without_connector_python(node):
    """Where it is not installed there are classes with the same names."""
    program = f"""
import sys
sys.modules["mysql"] = None
from mysqlfabric.compat import Fabric, errors, mysql
fabric = Fabric("127.0.0.1", "admin", "secret", {node.port})
fabric.seed()
try:
    fabric.get_shard_server(["no.table"], 1)
except errors.DatabaseError as error:
    assert isinstance(error, errors.Error) and error.errno == 1051 and "no.table" in error.msg, error
    print(error.errno, mysql.connector.DatabaseError is errors.DatabaseError)
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert shown.stdout == "1051 True\n", shown.stderr
