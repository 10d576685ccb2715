"""Which server: all sharding types, scopes, modes and statuses on the farm of farm.json."""

import collections

import pytest

import mysqlfabric as mf
from conftest import fails
from mysqlfabric import Code, Compat, Mode, Scope, Status

# Table, key, group.
SHARDS = [
    ("employees.salaries", 1, "shard1"),
    ("employees.salaries", 10000, "shard1"),
    ("employees.salaries", 10001, "shard2"),
    ("employees.salaries", "10021", "shard2"),
    ("employees.dept_emp", 2**63 - 1, "shard3"),
    ("shop.orders", -1000, "shard1"),
    ("shop.orders", -1, "shard1"),
    ("shop.orders", "+0", "shard2"),
    ("shop.orders", 10**12, "shard3"),
    ("log.events", "2000-01-01", "shard1"),
    ("log.events", "2009-12-31 23:59:59", "shard1"),
    ("log.events", "2009-12-31T23:59:59.5", "shard2"),
    ("log.events", "20200615", "shard3"),
    ("log.events", "20200614235959", "shard2"),
    ("crm.names", "A", "shard1"),
    ("crm.names", "Zoë", "shard2"),
    ("crm.names", "lz", "shard3"),
    ("crm.names", b"m\0", "shard3"),
    ("crm.names", "日本", "shard4"),
    ("hashdb.users", "", "shard1"),
    ("hashdb.users", 5, "shard1"),
    ("hashdb.users", "5", "shard1"),
    ("hashdb.accounts", 1, "shard3"),
    ("hashdb.accounts", -1, "shard4"),
    ("disabled_db.t", 200, "shard3"),
]
# Group: primary, secondaries.
PORTS = {
    "global": (33601, [33602]),
    "shard1": (33611, [33612, 33613]),
    "shard2": (33621, [33622]),
    "shard3": (33631, []),
    "shard4": (33641, []),
}


def check(server, group, mode):
    primary, secondaries = PORTS[group]
    writes = mode in (Mode.WRITEONLY, Mode.READWRITE)
    assert (server.group, server.host) == (group, "127.0.0.1")
    assert server.port in ([primary] if writes or not secondaries else secondaries)
    as_primary = server.port == primary
    assert server.status == (Status.PRIMARY if as_primary else Status.SECONDARY)
    assert server.mode == (Mode.READWRITE if as_primary else Mode.READONLY)
    assert len(server.uuid) == 36 and server.weight > 0


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("table, key, group", SHARDS)
def test_the_shard_of_a_key(shared_fabric, table, key, group, mode):
    check(shared_fabric.shard_server([table], key, mode=mode), group, mode)


@pytest.fixture(scope="module")
def shared_fabric():
    from conftest import FabricNode

    node = FabricNode()
    with node.handle() as fabric:
        yield fabric
    node.stop()


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("table", sorted({table for table, _, _ in SHARDS}))
def test_the_global_group_needs_no_key(shared_fabric, table, mode):
    check(shared_fabric.shard_server([table], None, Scope.GLOBAL, mode), "global", mode)


def test_several_tables_in_one_group(fabric):
    tables = ["employees.salaries", "employees.dept_emp", "disabled_db.t"]
    assert fabric.shard_server(tables, 50, mode=Mode.READWRITE).group == "shard1"
    tables = ["hashdb.users", "hashdb.accounts"]
    assert fabric.shard_server(tables, "x", mode=Mode.READONLY).group in PORTS
    message = fails(Code.DIFFERENT_SHARDS, fabric.shard_server, ["hash2.t", "shop.orders"], -5)
    assert "hash2.t" in message and "shop.orders" in message


@pytest.mark.parametrize("group", sorted(PORTS))
def test_a_server_of_a_group(fabric, group):
    primary, secondaries = PORTS[group]
    for mode in Mode:
        check(fabric.group_server(group, mode), group, mode)
    assert fabric.group_server(group, status=Status.PRIMARY).port == primary
    secondary = fabric.group_server(group, status=Status.SECONDARY)
    assert secondary.port in (secondaries or [primary])
    fails(Code.NO_SERVER, fabric.group_server, group, status=Status.SPARE)
    fails(Code.NO_SERVER, fabric.group_server, group, status=Status.FAULTY)
    fails(Code.ARGUMENT, fabric.group_server, group, Mode.READONLY, Status.PRIMARY)


def test_reads_are_spread_by_weight(fabric):
    fabric.prefetch()
    ports = [fabric.group_server("shard1", Mode.READONLY).port for _ in range(500)]
    assert collections.Counter(ports) == {33612: 400, 33613: 100}
    for window in range(0, 500, 5):
        assert ports[window : window + 5].count(33613) == 1


def test_the_compat_option_answers_as_connector_python(node):
    with node.handle() as server, node.handle(compat=Compat.CONNECTOR_PYTHON) as python:
        fails(Code.KEY_OUT_OF_RANGE, server.shard_server, ["employees.salaries"], 0)
        assert python.shard_server(["employees.salaries"], 0).group == "shard3"
        # These digests are below every bound: the ring against the list.
        keys = [key for key in range(200) if server.shard_server(["hash2.t"], key).group
                != python.shard_server(["hash2.t"], key).group]
        assert len(keys) > 100
        assert {server.shard_server(["hash2.t"], key).group for key in keys} == {"shard2"}
        assert {python.shard_server(["hash2.t"], key).group for key in keys} == {"shard1"}


def test_a_failover_is_seen_after_the_time_to_live(node):
    with node.handle(ttl_ms=(50, 50)) as fabric:
        assert fabric.group_server("shard1", Mode.READWRITE).port == 33611
        before = fabric.generation
        node.control("promote", "shard1", fabric.group_servers("shard1")[2].uuid)
        fabric.reset_cache("shard1")
        assert fabric.group_server("shard1", Mode.READWRITE).port == 33613
        assert fabric.generation > before
        node.control("demote", "shard1")
        fabric.reset_cache()
        fails(Code.NO_SERVER, fabric.group_server, "shard1", Mode.READWRITE)
        assert fabric.group_server("shard1", Mode.READONLY).port in (33611, 33612, 33613)


def test_a_split_is_seen(node):
    with node.handle() as fabric:
        table = "employees.salaries"
        assert fabric.shard_server([table], 25000).group == "shard3"
        node.control("split_shard", 3, "22000", "shard4")
        fabric.reset_cache()
        assert fabric.shard_server([table], 21999).group == "shard3"
        assert fabric.shard_server([table], 25000).group == "shard4"
        assert [shard.lower_bound for shard in fabric.shards(table)] == [
            "1", "10001", "20001", "22000",
        ]


def test_a_server_s_own_mode_counts(node, fabric):
    uuid = fabric.group_server("shard3", Mode.READWRITE).uuid
    node.control("set_mode", uuid, "OFFLINE")
    fabric.reset_cache("shard3")
    fails(Code.NO_SERVER, fabric.group_server, "shard3", Mode.READWRITE)
    fails(Code.NO_SERVER, fabric.group_server, "shard3", Mode.READONLY)
    node.control("set_mode", uuid, "WRITE_ONLY")
    fabric.reset_cache("shard3")
    assert fabric.group_server("shard3", Mode.WRITEONLY).mode == Mode.WRITEONLY
    fails(Code.NO_SERVER, fabric.group_server, "shard3", Mode.READONLY)


def test_the_old_topology_serves_when_fabric_is_gone(node):
    heard = []
    with node.handle(ttl_ms=(1, 1), log=lambda *line: heard.append(line)) as fabric:
        fabric.seed()
        generation = fabric.generation
        node.stop()
        fabric.reset_cache()
        assert fabric.shard_server(["employees.salaries"], 1, mode=Mode.READWRITE).port == 33611
        assert fabric.generation == generation
        assert fabric.age_ms >= 0
    assert any(level == mf.Level.WARNING for level, _ in heard)


def test_opened_tables_answer_like_lookups(fabric):
    opened = {}
    for table, key, group in SHARDS:
        if table not in opened:
            opened[table] = fabric.table(table)
        assert opened[table].server(key, mode=Mode.READWRITE).group == group
    for table in opened.values():
        table.close()
        table.close()
    fails(Code.UNKNOWN_TABLE, fabric.table, "employees.nothing")
    both = fabric.table("employees.salaries", "employees.dept_emp")
    assert both.server(10021, mode=Mode.READWRITE).group == "shard2"
    assert both.server(scope=Scope.GLOBAL, mode=Mode.READWRITE).group == "global"
    fails(Code.KEY_OUT_OF_RANGE, both.server, 0)
    both.close()
