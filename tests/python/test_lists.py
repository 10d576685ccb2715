"""Lists, the cache, and what a handle says of itself."""

import ctypes
import time
from ctypes import byref

import mysqlfabric as mf
from conftest import eventually, fails
from mysqlfabric import Code, Mode, Sharding, Status


def test_the_servers_of_a_group(fabric):
    servers = fabric.group_servers("shard1")
    assert [(s.port, s.status, s.mode, s.weight) for s in servers] == [
        (33611, Status.PRIMARY, Mode.READWRITE, 1.0),
        (33612, Status.SECONDARY, Mode.READONLY, 2.0),
        (33613, Status.SECONDARY, Mode.READONLY, 0.5),
    ]
    assert {s.group for s in servers} == {"shard1"}
    spare = fabric.group_servers("shard2")[2]
    assert (spare.status, spare.mode) == (Status.SPARE, mf.MODE_OFFLINE)


def test_a_list_without_the_cache_asks_fabric(node):
    with node.handle(ttl_ms=(600000, 0)) as fabric:
        fabric.group_servers("shard3")
        node.control("add_server", "shard3", "new", "db9", 3306, "SECONDARY", "READ_ONLY", 3.5)
        assert len(fabric.group_servers("shard3")) == 1
        assert [s.uuid for s in fabric.group_servers("shard3", use_cache=False)][1] == "new"
        assert fabric.group_servers("shard3")[1] == mf.Server(
            "new", "shard3", "db9", 3306, Mode.READONLY, Status.SECONDARY, 3.5
        )


def test_a_long_list(node, fabric):
    for at in range(100):
        uuid = "uuid-{:03d}".format(at)
        node.control("add_server", "big", uuid, "db", 3306, "SECONDARY", "READ_ONLY")
    assert [s.uuid for s in fabric.group_servers("big")] == ["uuid-%03d" % at for at in range(100)]


def test_the_shards_of_a_table(fabric):
    first = fabric.shards("employees.salaries")
    assert first[0] == mf.Shard(1, Sharding.RANGE, "1", "shard1", "global", "emp_no", mf.ShardState.ENABLED)
    assert [(s.id, s.lower_bound, s.group) for s in first] == [
        (1, "1", "shard1"), (2, "10001", "shard2"), (3, "20001", "shard3"),
    ]
    bounds = {
        "shop.orders": (Sharding.RANGE_INTEGER, ["-1000", "0", "1000000000000"]),
        "log.events": (
            Sharding.RANGE_DATETIME,
            ["2000-01-01 00:00:00", "2010-01-01 00:00:00", "2020-06-15 00:00:00"],
        ),
        "crm.names": (Sharding.RANGE_STRING, ["A", "M", "a", "m"]),
        "hash2.t": (
            Sharding.HASH,
            ["C783BBB72B956E3F1818E9D4A59D76CB", "E6C81F2F91025F5719B5D173C6E330B7"],
        ),
        "disabled_db.t": (Sharding.RANGE, ["0", "200"]),
    }
    for table, (kind, expected) in bounds.items():
        shards = fabric.shards(table)
        assert [s.lower_bound for s in shards] == expected
        assert {s.type for s in shards} == {kind}


def test_too_small_a_buffer_tells_the_count(fabric):
    handle, lib = fabric._handle, mf.lib
    servers, count = (mf.fabric_server_t * 3)(), ctypes.c_size_t()
    error, ask = mf.fabric_error_t(), lib.fabric_get_group_servers
    for room in (0, 1, 2):
        out = servers if room else None
        code = ask(handle, b"shard1", 1, out, room, byref(count), byref(error))
        assert (code, error.code, count.value) == (Code.BUFFER_TOO_SMALL,) * 2 + (3,)
        assert servers[0].port == 0
    assert ask(handle, b"shard1", 1, servers, 3, byref(count), None) == Code.OK
    assert [s.port for s in servers] == [33611, 33612, 33613]
    few = lib.fabric_get_shards(handle, b"crm.names", None, 0, byref(count), None)
    assert (few, count.value) == (Code.BUFFER_TOO_SMALL, 4)
    few = lib.fabric_get_fabric_nodes(handle, None, 0, byref(count), None)
    assert (few, count.value) == (Code.BUFFER_TOO_SMALL, 1)


def test_what_a_handle_runs_on(node):
    with node.handle(background_refresh=False) as fabric:
        assert (fabric.generation, fabric.age_ms, fabric.ttl_ms) == (0, -1, -1)
        assert (fabric.fabric_uuid, fabric.user) == ("", "admin")
        assert (fabric.tls_ca, fabric.tls_key, fabric.tls_cert) == (None, None, None)
        fabric.seed()
        assert fabric.generation == 1
        assert 0 <= fabric.age_ms < 5000
        assert fabric.ttl_ms == 1000
        assert len(fabric.fabric_uuid) == 36
        time.sleep(0.05)
        assert fabric.age_ms >= 50


def test_the_time_to_live_is_clamped(start):
    for ttl, clamp, effective in (
        (1, (0, 0), 1000), (1, (5000, 0), 5000), (300, (0, 2000), 2000), (0, (0, 0), 60000),
        (0, (0, 7000), 7000),
    ):
        with start("--ttl", ttl).handle(ttl_ms=clamp) as fabric:
            fabric.seed()
            assert fabric.ttl_ms == effective


def test_a_prefetch_saves_the_first_lookup_its_wait(node):
    with node.handle(ttl_ms=(600000, 0)) as fabric:
        fabric.prefetch("employees.salaries", "shop.orders")
        node.control("reset")
        for table in ("employees.salaries", "shop.orders"):
            fabric.shard_server([table], 10001, mode=Mode.READWRITE)
        assert node.methods() == []
        fabric.prefetch()
        assert node.methods() != []


def test_equal_generations_mean_an_equal_farm(node):
    with node.handle() as fabric:
        fabric.seed()
        before = fabric.generation
        fabric.seed()
        assert fabric.generation == before
        for at in range(10):
            fails(Code.UNKNOWN_GROUP, fabric.group_server, f"nosuch{at}", Mode.READWRITE)
        fabric.report_result(fabric.group_servers("shard1")[2].uuid, 2003)
        assert fabric.generation == before
        node.control("set_weight", fabric.group_servers("shard1")[1].uuid, 4.5)
        fabric.seed()
        assert fabric.generation > before
        assert fabric.group_servers("shard1")[1].weight == 4.5


def test_a_change_arrives_by_itself(node):
    """With the background refresh, and without it at the first lookup after the time to live."""
    for background in (True, False):
        node.control("reset")
        with node.handle(background_refresh=background, ttl_ms=(50, 50)) as fabric:
            assert fabric.shard_server(["crm.names"], "B").group == "shard1"
            node.control("move_shard", 10, "shard4")
            assert eventually(lambda: fabric.shard_server(["crm.names"], "B").group == "shard4")


def test_a_cache_that_is_reset_asks_again(node):
    with node.handle(ttl_ms=(600000, 0)) as fabric:
        fabric.seed()
        node.control("set_status", fabric.group_servers("shard1")[2].uuid, "SPARE")
        assert fabric.group_servers("shard1")[2].status == Status.SECONDARY
        fabric.reset_cache("shard1")
        assert fabric.group_servers("shard1")[2].status == Status.SPARE
        fabric.reset_cache("never looked up")
        fabric.reset_cache()


def test_the_tables_and_groups_that_are_known(node):
    with node.handle(ttl_ms=(600000, 0)) as fabric:
        assert (fabric.tables(), fabric.groups()) == ([], [])
        fabric.prefetch()
        tables = {table.name: table for table in fabric.tables()}
        assert list(tables) == sorted(tables)
        assert tables["hashdb.users"] == mf.TableInfo(
            "hashdb.users", Sharding.HASH, "user_id", "global", 4
        )
        groups = {group.name: group for group in fabric.groups()}
        assert list(groups) == sorted(groups)
        one = groups["shard1"]
        assert (one.servers, one.servers_quarantined, one.takes_writes, one.writes_held) == (
            3, 0, True, False,
        )
        assert sum(group.shards for group in groups.values()) == sum(t.shards for t in tables.values())


def test_the_shard_of_a_key(fabric):
    assert fabric.shard("employees.salaries", 10001).id == 2
    assert fabric.shard("crm.names", "zoe").lower_bound == "m"
    fails(Code.KEY_OUT_OF_RANGE, lambda: fabric.shard("employees.salaries", 0))
