"""Every status that a function answers is in its part of the header.

The whole of the tests is held against it (see conftest.py). What they do not bring about is tried
here: everything that can be wrong with Fabric, with each function that may ask it.
"""

import ctypes

import pytest

import mysqlfabric as mf
from documented import documented

TABLE = "employees.salaries"


def test_the_header_can_be_read():
    known = documented()
    assert len(known) >= 50
    assert known["fabric_get_metrics"] == {mf.Code.OK, mf.Code.NULL_POINTER}
    lookup = known["fabric_get_shard_server"]
    assert {mf.Code.KEY_TYPE, mf.Code.SYSTEM, mf.Code.WOULD_BLOCK} < lookup
    assert lookup <= known["fabric_table_get_server_wait"]
    assert mf.Code.NO_EVENT not in lookup


def ask_everything(fabric):
    """Each call that may ask Fabric, whatever it answers; the codes."""
    codes = set()

    def ask(call, *arguments, **keywords):
        try:
            call(*arguments, **keywords)
            codes.add(mf.Code.OK)
        except mf.FabricError as error:
            codes.add(mf.Code(error.code))

    write = mf.Mode.READWRITE
    for key in (1, 10001, None, "x"):
        for tables in ([TABLE], [TABLE, "shop.orders"], [], ["no.such"], ["x"]):
            ask(fabric.shard_server, tables, key, mode=write)
    ask(fabric.shard_server, [TABLE], 10001)
    ask(fabric.shard_servers, [TABLE], [1, 10001, 0])
    ask(fabric.split_keys, [TABLE], [1, 10001, 0])
    for group in ("shard1", "shard2", "nosuch", ""):
        ask(fabric.group_server, group, write)
        ask(fabric.group_servers, group)
        ask(fabric.group_servers, group, use_cache=False)
    ask(fabric.shards, TABLE)
    ask(fabric.shards_in_range, TABLE, 1, 20000)
    ask(fabric.prefetch, TABLE)
    ask(fabric.prefetch)
    ask(fabric.fabric_nodes)
    ask(fabric.seed)
    ask(fabric.execute, "dump", "fabric_nodes")
    lib, handle, error = mf.lib, fabric._handle, mf.fabric_error_t()
    key, keep = mf._key(10001)
    names, count = mf._texts([TABLE])
    server = mf.fabric_server_t()
    for deadline in (0, 100):
        for mode in (mf.Mode.READONLY, write):
            codes.add(
                lib.fabric_get_shard_server_wait(
                    handle, names, count, key, mf.Scope.LOCAL, mode, deadline, server, error
                )
            )
            codes.add(
                lib.fabric_get_group_server_wait(
                    handle, b"shard2", mode, mf.Status.NONE, deadline, server, error
                )
            )
    ask(lambda: fabric.table(TABLE).server(10001))
    assert keep is None or keep is not names
    return codes


FAULTS = ["close", "hang", "garbage", "oversized", "error", "status", "unterminated_400"]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_before_anything_is_known(node, fault):
    node.control("fault", fault, "", -1)
    with node.handle(
        request_timeout_ms=150, lookup_timeout_ms=100, max_reply_bytes=1 << 20
    ) as fabric:
        assert ask_everything(fabric) - {mf.Code.OK}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_what_was_known(node, fault):
    with node.handle(
        request_timeout_ms=150,
        lookup_timeout_ms=100,
        max_reply_bytes=1 << 20,
        ttl_ms=(1, 1),
        max_stale_ms=100,
    ) as fabric:
        fabric.prefetch()
        uuid = fabric.shard_server([TABLE], 1, mode=mf.Mode.READWRITE).uuid
        fabric.report_result(uuid, 1290)
        ask_everything(fabric)
        node.control("fault", fault, "", -1)
        ask_everything(fabric)
        fabric.reset_cache()
        ask_everything(fabric)


def test_a_handle_that_may_not_wait(node):
    with node.handle(lookup_timeout_ms=0) as fabric:
        assert mf.Code.WOULD_BLOCK in ask_everything(fabric)


def test_shards_that_vanish(node):
    with node.handle(ttl_ms=(1, 1), background_refresh=False) as fabric:
        fabric.prefetch()
        node.control("disable_shard", 2)
        node.control("demote", "shard1")
        fabric.prefetch()
        assert mf.Code.SHARD_UNAVAILABLE in ask_everything(fabric)


def test_a_table_that_cannot_be_used(node):
    with node.handle() as fabric:
        node.control("add_shard", 1, "10001", "shard3", "ENABLED")
        assert ask_everything(fabric)


def test_who_may_not_ask(node, dead, tmp_path):
    with node.handle(password="wrong") as fabric:
        assert mf.Code.AUTH in ask_everything(fabric)
    with node.handle(user="conn", password="connpw") as fabric:
        ask_everything(fabric)
    with node.handle(tls_ca=tmp_path / "none.pem") as fabric:
        assert mf.Code.TLS in ask_everything(fabric)
    with node.handle(nodes=[dead]) as fabric:
        assert mf.Code.UNREACHABLE in ask_everything(fabric)
    with node.handle(nodes=[]) as fabric:
        assert mf.Code.NOT_SEEDED in ask_everything(fabric)


def test_a_topology_file_that_is_none(tmp_path):
    path = tmp_path / "topology.json"
    path.write_text("{}")
    lib, options, handle = mf.lib, ctypes.c_void_p(mf.lib.fabric_options_new()), ctypes.c_void_p()
    assert lib.fabric_options_set_topology_file(options, str(path).encode()) == mf.Code.OK
    error = mf.fabric_error_t()
    assert lib.fabric_new(options, ctypes.byref(handle), error) == mf.Code.OK
    lib.fabric_options_free(options)
    fabric = mf.Fabric.__new__(mf.Fabric)
    fabric._handle, fabric._log = handle, None
    with fabric:
        codes = ask_everything(fabric)
        assert {mf.Code.FILE, mf.Code.NOT_SEEDED} <= codes
