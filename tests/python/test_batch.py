"""Many keys in one call, and the shards that an interval touches."""

from ctypes import byref, c_int32, c_size_t, c_uint32

import mysqlfabric as mf
import pytest
from mysqlfabric import Code, FabricError, Mode, Scope

TABLES = {
    "employees.salaries": range(1, 40000, 111),
    "shop.orders": range(-1000, 2 * 10**12, 10**10 + 7),
    "employees.dept_emp": range(1, 2**64, 2**58 + 11),
    "hashdb.accounts": range(-300, 300),
    "disabled_db.t": range(300, 2**64, 2**57 + 1),
    "hash2.t": range(2**63 - 200, 2**63 + 200),
    "hashdb.users": ["user %d" % at for at in range(300)],
    "crm.names": ["A", "Lz", "M", "m", "anna", "Zoë", "日本"],
    "log.events": ["2000-01-01", "2009-12-31 23:59:59", "2010-01-01", "20200615"],
}


def alone(fabric, table, key):
    return fabric.shard_server([table], key, mode=Mode.READWRITE)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_key_has_the_server_it_has_alone(fabric, table):
    keys = list(TABLES[table])
    found = fabric.shard_servers([table], keys, mode=Mode.READWRITE)
    assert set(found.status) == {Code.OK}
    for key, place in zip(keys, found.index):
        assert found.servers[place] == alone(fabric, table, key)
    assert len({server.uuid for server in found.servers}) == len(found.servers)

    split = fabric.split_keys([table], keys, mode=Mode.READWRITE)
    assert split.failed == []
    assert [server for server, _ in split.parts] == found.servers
    for at, (_, positions) in enumerate(split.parts):
        assert positions == [key for key in range(len(keys)) if found.index[key] == at]


def test_bad_keys_fail_alone(fabric):
    keys = ["A", b"\xff", "", "m", "x\0y"]
    found = fabric.shard_servers(["crm.names"], keys, mode=Mode.READWRITE)
    assert found.status == [
        Code.OK, Code.INVALID_UTF8, Code.KEY_OUT_OF_RANGE, Code.OK, Code.OK,
    ]
    assert found.index == [0, None, None, 1, 1]
    split = fabric.split_keys(["crm.names"], keys, mode=Mode.READWRITE)
    assert [positions for _, positions in split.parts] == [[0], [3, 4]]
    assert split.failed == [(1, Code.INVALID_UTF8), (2, Code.KEY_OUT_OF_RANGE)]

    wide = fabric.shard_servers(["employees.salaries"], [1, 2**63, -(2**63) - 1, 0, 2**200])
    low = Code.KEY_OUT_OF_RANGE
    assert wide.status == [Code.OK, Code.OK, low, low, Code.OK]
    assert [wide.servers[at].group for at in wide.index if at is not None] == [
        "shard1", "shard3", "shard3",
    ]


def test_the_status_of_the_whole_call_tells_of_bad_keys(fabric):
    values = (mf.c_int64 * 2)(1, 0)
    keys, index = mf.lib.fabric_keys_int(values, 2), (c_uint32 * 2)()
    servers, count, error = (mf.fabric_server_t * 2)(), c_size_t(), mf.fabric_error_t()
    names, n = mf._texts(["employees.salaries"])
    code = mf.lib.fabric_get_shard_servers(
        fabric._handle, names, n, byref(keys), Scope.LOCAL, Mode.NONE, index, None, servers, 2,
        byref(count), byref(error),
    )
    assert (code, error.code, count.value) == (Code.SOME_KEYS, Code.SOME_KEYS, 1)
    assert list(index) == [0, mf.NO_INDEX]
    assert b"1 of 2 keys" in error.message and b"keys[1]" in error.message


def test_no_keys_and_the_global_group(fabric):
    assert fabric.shard_servers(["shop.orders"], []) == ([], [], [])
    assert fabric.split_keys(["shop.orders"], []) == ([], [])
    found = fabric.shard_servers(["shop.orders"], [1, 2, 3], Scope.GLOBAL, Mode.READWRITE)
    assert ([server.group for server in found.servers], found.index) == (["global"], [0, 0, 0])


def test_a_wrong_call_raises(fabric):
    with pytest.raises(FabricError) as raised:
        fabric.shard_servers(["no.such"], [1])
    assert raised.value.code == Code.UNKNOWN_TABLE
    with pytest.raises(FabricError) as raised:
        fabric.split_keys([], [1])
    assert raised.value.code == Code.ARGUMENT


def test_a_group_without_a_server_fails_its_keys(node):
    with node.handle() as fabric:
        node.control("demote", "shard2")
        found = fabric.shard_servers(["employees.salaries"], [1, 10001, 20001], mode=Mode.READWRITE)
        assert found.status == [Code.OK, Code.NO_SERVER, Code.OK]
        assert [server.group for server in found.servers] == ["shard1", "shard3"]


def test_intervals(fabric):
    def groups(table, low=None, high=None):
        return [shard.group for shard in fabric.shards_in_range(table, low, high)]

    every = ["shard1", "shard2", "shard3"]
    assert groups("employees.salaries") == every
    assert groups("employees.salaries", 10000, 10001) == ["shard1", "shard2"]
    assert groups("employees.salaries", 20001) == ["shard3"]
    assert groups("employees.salaries", None, 0) == []
    assert groups("employees.salaries", 2, 1) == []
    assert groups("log.events", "2009-12-31", "2010-01-01") == ["shard1", "shard2"]
    assert groups("crm.names", "A", "Mabel") == ["shard1", "shard2"]
    whole = fabric.shards("hashdb.users")
    assert fabric.shards_in_range("hashdb.users", 1, 2) == whole
    with pytest.raises(FabricError) as raised:
        fabric.shards_in_range("employees.salaries", "abc")
    assert raised.value.code == Code.KEY_TYPE


def test_null_is_refused(fabric):
    lib, handle = mf.lib, fabric._handle
    values, count = (mf.c_int64 * 1)(1), c_size_t()
    keys, none = lib.fabric_keys_int(values, 1), lib.fabric_keys_int(None, 1)
    names, n = mf._texts(["employees.salaries"])
    index, server, shard = (c_uint32 * 1)(), mf.fabric_server_t(), mf.fabric_shard_t()
    order, starts, status = (c_size_t * 1)(), (c_size_t * 2)(), (c_int32 * 1)()
    good = [
        handle, names, n, byref(keys), Scope.LOCAL, 1, index, status, byref(server), 1, byref(count),
    ]
    split = good[:6] + [order, starts] + good[7:]
    ranged = [handle, b"employees.salaries", None, None, byref(shard), 1, byref(count)]
    for function, arguments, pointers in (
        (lib.fabric_get_shard_servers, good, (0, 1, 3, 6, 8, 10)),
        (lib.fabric_split_keys, split, (0, 1, 3, 6, 7, 9, 11)),
        (lib.fabric_get_shards_in_range, ranged, (0, 1, 4, 6)),
    ):
        for at in pointers:
            wrong = arguments[:at] + [None] + arguments[at + 1 :]
            assert function(*wrong, None) == Code.NULL_POINTER, (function.__name__, at)
    assert lib.fabric_get_shard_servers(*good[:3], byref(none), *good[4:], None) == (
        Code.NULL_POINTER
    )
    assert lib.fabric_get_shard_servers(*good, None) == Code.OK
    assert lib.fabric_split_keys(*split, None) == Code.OK
