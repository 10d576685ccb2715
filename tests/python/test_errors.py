"""Every status that a caller can bring about, as an exception."""

import ctypes
import time
from ctypes import byref

import pytest

import mysqlfabric as mf
from conftest import eventually, fails
from mysqlfabric import Code, Fabric, Mode, Scope, Status

TABLE = ["employees.salaries"]


def test_an_exception_says_what_is_to_be_said(fabric):
    with pytest.raises(mf.FabricError) as caught:
        fabric.shard_server(["no.such"], 1)
    error = caught.value
    assert (error.code, error.errno) == (Code.UNKNOWN_TABLE, 1051)
    assert "'no.such'" in error.message
    assert str(error) == error.message + " (unknown table, errno 1051)"


@pytest.mark.parametrize("name", ["", "salaries", ".t", "db.", "."])
def test_table_names(fabric, name):
    fails(Code.TABLE_NAME, fabric.shard_server, [name], 1)
    fails(Code.TABLE_NAME, fabric.shards, name)
    fails(Code.TABLE_NAME, fabric.prefetch, name)


def test_unknown_names(fabric):
    fails(Code.UNKNOWN_TABLE, fabric.shard_server, ["employees.Salaries"], 1, errno=1051)
    fails(Code.UNKNOWN_TABLE, fabric.shards, "no.such", errno=1051)
    fails(Code.UNKNOWN_TABLE, fabric.prefetch, "no.such", "shop.orders", errno=1051)
    fails(Code.UNKNOWN_GROUP, fabric.group_server, "nosuch", Mode.READONLY)
    fails(Code.UNKNOWN_GROUP, fabric.group_servers, "nosuch")
    fails(Code.UNKNOWN_GROUP, fabric.group_servers, "emptygrp", use_cache=False)
    # Patterns of the server's LIKE are no names.
    fails(Code.UNKNOWN_GROUP, fabric.group_server, "shard_", Mode.READONLY)
    fails(Code.UNKNOWN_TABLE, fabric.shard_server, ["employees.%"], 1)


def test_keys(fabric):
    ask = fabric.shard_server
    fails(Code.KEY_MISSING, ask, TABLE)
    fails(Code.KEY_TYPE, ask, TABLE, "10001.5")
    fails(Code.KEY_TYPE, ask, ["crm.names"], 5)
    fails(Code.KEY_TYPE, ask, ["log.events"], 20200101)
    fails(Code.KEY_TYPE, ask, ["log.events"], "yesterday")
    fails(Code.KEY_OUT_OF_RANGE, ask, TABLE, 0)
    fails(Code.KEY_OUT_OF_RANGE, ask, TABLE, -(2**63) - 1)
    fails(Code.KEY_OUT_OF_RANGE, ask, ["crm.names"], "!")
    fails(Code.KEY_OUT_OF_RANGE, ask, ["log.events"], "1999-12-31")
    fails(Code.INVALID_UTF8, ask, ["crm.names"], b"\xff")


def test_arguments(fabric):
    ask = fabric.shard_server
    fails(Code.ARGUMENT, ask, [], 1)
    fails(Code.ARGUMENT, ask, TABLE, 1, mode=4)
    fails(Code.ARGUMENT, ask, TABLE, 1, mode=-1)
    fails(Code.ARGUMENT, ask, TABLE, 1, scope=0)
    fails(Code.ARGUMENT, ask, TABLE, 1, scope=3)
    for number in [*Mode, *Status]:
        fails(Code.ARGUMENT, ask, TABLE, 1, scope=number)
    for number in Scope:
        fails(Code.ARGUMENT, ask, TABLE, 1, mode=number)
        fails(Code.ARGUMENT, fabric.group_server, "shard1", number)
        fails(Code.ARGUMENT, fabric.group_server, "shard1", status=number)
    fails(Code.ARGUMENT, fabric.group_server, "shard1", 7)
    fails(Code.ARGUMENT, fabric.group_server, "shard1", status=4)
    fails(Code.ARGUMENT, fabric.group_server, "", Mode.READONLY)
    fails(Code.ARGUMENT, fabric.group_servers, "")
    fails(Code.ARGUMENT, ask, TABLE, 1, wait_ms=-1)
    fails(Code.ARGUMENT, ask, TABLE, 1, wait_ms=mf.MAX_TIME_MS + 1)
    fails(Code.ARGUMENT, fabric.group_server, "shard1", Mode.READONLY, wait_ms=-1)
    fails(Code.ARGUMENT, fabric.report_failure, "", 2003)
    fails(Code.ARGUMENT, fabric.report_result, "", 0)
    fails(Code.ARGUMENT, fabric.execute, "", "ping")
    fails(Code.ARGUMENT, fabric.execute, "manage", "")
    fails(Code.ARGUMENT, fabric.seed, "http://x/")
    fails(Code.INVALID_UTF8, ask, [b"db.\xff"], 1)
    fails(Code.INVALID_UTF8, fabric.group_servers, b"\xff")
    fails(Code.INVALID_UTF8, fabric.reset_cache, b"\xff")


@pytest.mark.parametrize(
    "options",
    [
        {"nodes": [("", 0)]},
        {"nodes": [("http://fabric/", 0)]},
        {"user": ""},
        {"tls_ca": "ca.pem", "tls_key": "key.pem"},
        {"tls_ca": "ca.pem", "tls_cert": "cert.pem"},
        {"connect_attempts": 0},
        {"connect_attempts": 101},
        {"connect_delay_ms": -1},
        {"connect_delay_ms": mf.MAX_TIME_MS + 1},
        {"connect_timeout_ms": 0},
        {"request_timeout_ms": 0},
        {"request_timeout_ms": mf.MAX_TIME_MS + 1},
        {"max_reply_bytes": 1023},
        {"max_reply_bytes": 2**40 + 1},
        {"report_errors": 3},
        {"report_errnos": [999]},
        {"report_errnos": [10000]},
        {"report_window_ms": -1},
        {"quarantine_ms": 0},
        {"write_hold_ms": mf.MAX_TIME_MS + 1},
        {"vanished_hold_ms": -1},
        {"background_refresh": 2},
        {"refresh_share": 0},
        {"refresh_share": 101},
        {"max_stale_ms": -1},
        {"max_stale_ms": 86400001},
        {"ttl_ms": (-1, 0)},
        {"ttl_ms": (2000, 1000)},
        {"ttl_ms": (0, 86400001)},
        {"compat": 2},
        {"log": print, "log_level": 0},
        {"log": print, "log_level": 5},
    ],
    ids=str,
)
def test_an_option_that_is_refused_is_said_by_new(options):
    fails(Code.ARGUMENT, Fabric, **options)


def test_options_at_their_limits():
    Fabric(
        [("::1", 0), ("h" * 255, 65535)],
        user="u",
        password="",
        connect_attempts=100,
        connect_delay_ms=0,
        connect_timeout_ms=mf.MAX_TIME_MS,
        request_timeout_ms=1,
        max_reply_bytes=2**40,
        report_errors=mf.Report.FAILURE,
        report_errnos=[1000, 6400, 9999],
        report_window_ms=0,
        quarantine_ms=mf.MAX_TIME_MS,
        write_hold_ms=0,
        vanished_hold_ms=0,
        background_refresh=False,
        refresh_share=100,
        max_stale_ms=86400000,
        ttl_ms=(86400000, 86400000),
    ).close()


def test_the_first_refusal_is_the_one_that_is_said():
    message = fails(Code.ARGUMENT, Fabric, connect_attempts=0, report_errors=9)
    assert "fabric_options_set_connect_attempts" in message


def test_no_node_is_known():
    with Fabric(connect_attempts=1) as fabric:
        fails(Code.NOT_SEEDED, fabric.seed, errno=2003)
        fails(Code.NOT_SEEDED, fabric.shard_server, TABLE, 1)
        fails(Code.NOT_SEEDED, fabric.fabric_nodes)
        fails(Code.NOT_SEEDED, fabric.execute, "manage", "ping")
        assert (fabric.generation, fabric.age_ms, fabric.ttl_ms) == (0, -1, -1)
        assert (fabric.fabric_uuid, fabric.user, fabric.tls_ca) == ("", None, None)


def test_nobody_listens(dead):
    with Fabric([dead], connect_attempts=2, connect_delay_ms=10) as fabric:
        message = fails(Code.UNREACHABLE, fabric.shard_server, TABLE, 1, errno=2003)
        assert str(dead[1]) in message


def test_a_node_that_hangs(node):
    node.control("fault", "hang")
    with node.handle(request_timeout_ms=200) as fabric:
        begun = time.monotonic()
        fails(Code.TIMEOUT, fabric.shard_server, TABLE, 1, errno=2013)
        assert 0.15 < time.monotonic() - begun < 5


def test_credentials(node):
    with node.handle(password="hunter2") as fabric:
        assert "hunter2" not in fails(Code.AUTH, fabric.seed, errno=1045)
    with node.handle(user=None) as fabric:
        fails(Code.AUTH, fabric.shard_server, TABLE, 1, errno=1045)
    with node.handle(user="conn", password="connpw") as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"
        fails(Code.FORBIDDEN, fabric.execute, "group", "lookup_groups", errno=1370)


@pytest.mark.parametrize("fault", ["garbage", "garbage_xml", "close_mid_reply", "close"])
def test_what_is_no_answer(node, fault):
    node.control("fault", fault)
    with node.handle() as fabric:
        fails(Code.PROTOCOL, fabric.shard_server, TABLE, 1, errno=2027)
        node.control("fault", "none")
        assert fabric.shard_server(TABLE, 1).group == "shard1"


@pytest.mark.parametrize("how", ["endless", "length", "gzip"])
def test_a_reply_without_end(node, how):
    node.control("fault", "oversized", how)
    with node.handle(max_reply_bytes=100000) as fabric:
        fails(Code.REPLY_TOO_LARGE, fabric.seed, errno=2027)


def test_a_topology_that_is_too_old(node):
    with node.handle(max_stale_ms=300, ttl_ms=(50, 50), connect_timeout_ms=500) as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"
        node.control("fault", "close")
        deadline = time.monotonic() + 10
        with pytest.raises(mf.FabricError) as caught:
            while time.monotonic() < deadline:
                fabric.shard_server(TABLE, 1)
                time.sleep(0.02)
        assert caught.value.code == Code.STALE
        assert fabric.age_ms >= 300
        node.control("fault", "none")
        assert eventually(lambda: answers(fabric))


def answers(fabric):
    try:
        return fabric.shard_server(TABLE, 1).group == "shard1"
    except mf.FabricError as error:
        assert error.code == Code.STALE
        return False


def test_what_fabric_itself_says(node, fabric):
    node.control("fault", "error", "the store is on fire")
    assert "the store is on fire" in fails(Code.FABRIC, fabric.seed)


def test_a_mapping_that_cannot_be_understood_disables_itself_alone(node, fabric):
    mapping = node.control("add_mapping", "RANGE_FUTURE", "global")[0]["mapping_id"]
    node.control("add_table", mapping, "odd.t", "id")
    node.control("add_shard", mapping, "1", "shard1")
    fails(Code.UNSUPPORTED_SHARDING, fabric.shard_server, ["odd.t"], 1)
    fails(Code.UNSUPPORTED_SHARDING, fabric.shards, "odd.t")
    fails(Code.UNSUPPORTED_SHARDING, fabric.prefetch, "odd.t")
    fabric.seed()
    assert fabric.shard_server(TABLE, 1).group == "shard1"


def test_a_name_beyond_fabrics_schema(node, fabric):
    node.control("add_server", "long", "u" * 60, "h", 3306, "PRIMARY", "READ_WRITE")
    assert "60 bytes" in fails(Code.PROTOCOL, fabric.group_server, "long", Mode.READONLY)
    assert fabric.group_server("shard1", Mode.READONLY).group == "shard1"


def test_null_is_refused_everywhere(fabric):
    """Each pointer in its turn; what the error holds is checked by `call`."""
    lib, handle = mf.lib, fabric._handle
    server, count, result = mf.fabric_server_t(), ctypes.c_size_t(), ctypes.c_void_p()
    shard, fabric_node = mf.fabric_shard_t(), mf.fabric_node_t()
    names = (ctypes.c_char_p * 1)(b"employees.salaries")
    none = (ctypes.c_char_p * 1)(None)
    key, uuid = byref(lib.fabric_key_int(1)), ctypes.create_string_buffer(mf.UUID_SIZE)

    def call(function, *args):
        error = mf.fabric_error_t()
        code = function(*args, byref(error))
        assert code == error.code == Code.NULL_POINTER, function.__name__
        assert b"NULL" in error.message
        assert function(*args, None) == Code.NULL_POINTER

    ask = lib.fabric_get_shard_server
    call(ask, None, names, 1, key, Scope.LOCAL, 1, byref(server))
    call(ask, handle, None, 1, key, Scope.LOCAL, 1, byref(server))
    call(ask, handle, none, 1, key, Scope.LOCAL, 1, byref(server))
    call(ask, handle, names, 1, key, Scope.LOCAL, 1, None)
    text = lib.fabric_key_text(None, 3)
    call(ask, handle, names, 1, byref(text), Scope.LOCAL, 1, byref(server))
    call(lib.fabric_get_group_server, None, b"shard1", 1, -1, byref(server))
    call(lib.fabric_get_group_server, handle, None, 1, -1, byref(server))
    call(lib.fabric_get_group_server, handle, b"shard1", 1, -1, None)
    wait = lib.fabric_get_shard_server_wait
    call(wait, None, names, 1, key, Scope.LOCAL, 1, 0, byref(server))
    call(wait, handle, None, 1, key, Scope.LOCAL, 1, 0, byref(server))
    call(wait, handle, names, 1, key, Scope.LOCAL, 1, 0, None)
    call(lib.fabric_get_group_server_wait, None, b"shard1", 1, -1, 0, byref(server))
    call(lib.fabric_get_group_server_wait, handle, None, 1, -1, 0, byref(server))
    call(lib.fabric_get_group_server_wait, handle, b"shard1", 1, -1, 0, None)
    call(lib.fabric_report_result, None, b"uuid", 0)
    call(lib.fabric_report_result, handle, None, 0)
    servers = lib.fabric_get_group_servers
    call(servers, None, b"shard1", 1, byref(server), 1, byref(count))
    call(servers, handle, None, 1, byref(server), 1, byref(count))
    call(servers, handle, b"shard1", 1, byref(server), 1, None)
    call(servers, handle, b"shard1", 1, None, 8, byref(count))
    call(lib.fabric_get_shards, None, names[0], byref(shard), 1, byref(count))
    call(lib.fabric_get_shards, handle, None, byref(shard), 1, byref(count))
    call(lib.fabric_get_shards, handle, names[0], byref(shard), 1, None)
    call(lib.fabric_get_shards, handle, names[0], None, 8, byref(count))
    call(lib.fabric_get_fabric_nodes, None, byref(fabric_node), 1, byref(count))
    call(lib.fabric_get_fabric_nodes, handle, byref(fabric_node), 1, None)
    call(lib.fabric_get_fabric_nodes, handle, None, 8, byref(count))
    call(lib.fabric_get_sharding_information, None, names, 1)
    call(lib.fabric_get_sharding_information, handle, None, 1)
    call(lib.fabric_get_sharding_information, handle, none, 1)
    call(lib.fabric_reset_cache, None, None)
    call(lib.fabric_report_failure, None, b"uuid", 2003)
    call(lib.fabric_report_failure, handle, None, 2003)
    call(lib.fabric_seed, None, None, 0)
    call(lib.fabric_execute, None, b"manage", b"ping", None, 0, byref(result))
    call(lib.fabric_execute, handle, None, b"ping", None, 0, byref(result))
    call(lib.fabric_execute, handle, b"manage", None, None, 0, byref(result))
    call(lib.fabric_execute, handle, b"manage", b"ping", None, 1, byref(result))
    call(lib.fabric_execute, handle, b"manage", b"ping", None, 0, None)
    call(lib.fabric_get_fabric_uuid, None, uuid)
    call(lib.fabric_get_fabric_uuid, handle, None)
    call(lib.fabric_new, None, byref(result))
    options = lib.fabric_options_new()
    call(lib.fabric_new, options, None)
    lib.fabric_options_free(options)

    assert lib.fabric_topology_generation(None) == 0
    assert lib.fabric_topology_age(None) == lib.fabric_get_ttl_ms(None) == -1
    for getter in ("user", "tls_ca", "tls_key", "tls_cert"):
        assert getattr(lib, "fabric_get_" + getter)(None) is None
    assert lib.fabric_result_sets(None) == lib.fabric_result_rows(None, 0) == 0
    assert lib.fabric_result_columns(None, 0) == 0
    assert lib.fabric_result_column_name(None, 0, 0) is None
    assert lib.fabric_result_value(None, 0, 0, 0, None) is None
    for free in (lib.fabric_free, lib.fabric_options_free, lib.fabric_result_free):
        free(None)


def test_null_options_are_refused():
    options = (
        ("add_node", b"h", 0),
        ("set_credentials", b"u", b"p"),
        ("set_tls", b"ca", None, None),
        ("set_connect_attempts", 1),
        ("set_connect_delay_ms", 1),
        ("set_connect_timeout_ms", 1),
        ("set_request_timeout_ms", 1),
        ("set_max_reply_bytes", 4096),
        ("set_report_errors", 0),
        ("add_report_errno", 2003),
        ("set_report_window_ms", 0),
        ("set_backoff_limit_ms", 10),
        ("set_quarantine_ms", 1),
        ("set_least_write_hold_ms", 0),
        ("set_vanished_hold_ms", 0),
        ("set_background_refresh", 1),
        ("set_refresh_share", 5),
        ("set_max_stale_ms", 0),
        ("set_ttl_ms", 0, 0),
        ("set_compat", 0),
        ("set_log", 1, mf.fabric_log_t(0), None, mf.fabric_free_t(0)),
    )
    for name, *arguments in options:
        function = getattr(mf.lib, "fabric_options_" + name)
        assert function(None, *arguments) == Code.NULL_POINTER, name
    made = mf.lib.fabric_options_new()
    assert mf.lib.fabric_options_add_node(made, None, 0) == Code.NULL_POINTER
    assert mf.lib.fabric_options_set_credentials(made, None, b"p") == Code.NULL_POINTER
    assert mf.lib.fabric_options_set_credentials(made, b"u", None) == Code.NULL_POINTER
    assert mf.lib.fabric_options_set_tls(made, None, None, None) == Code.NULL_POINTER
    mf.lib.fabric_options_free(made)


def test_outputs_are_left_alone_on_failure(fabric):
    server, error = mf.fabric_server_t(port=4711), mf.fabric_error_t(code=-7)
    names = (ctypes.c_char_p * 1)(b"no.such")
    key = byref(mf.lib.fabric_key_int(1))
    ask = mf.lib.fabric_get_shard_server
    code = ask(fabric._handle, names, 1, key, Scope.LOCAL, 0, byref(server), byref(error))
    assert code == error.code == Code.UNKNOWN_TABLE
    assert server.port == 4711
    # And the error is written only on failure.
    error.code = -7
    function = mf.lib.fabric_get_group_server
    status = Status.PRIMARY
    assert function(fabric._handle, b"shard1", 0, status, byref(server), byref(error)) == 0
    assert (server.port, error.code) == (33611, -7)


def test_a_long_message_is_cut_at_a_character(fabric):
    message = fails(Code.UNKNOWN_GROUP, fabric.group_server, "é" * 500, Mode.READONLY)
    assert 500 < len(message.encode()) < mf.MESSAGE_SIZE
