"""What a service reports is routed around at once, and shards that vanish are held."""

import threading
import time

import pytest

import mysqlfabric as mf
from conftest import eventually, fails
from mysqlfabric import Code, Mode, Status

TABLE = ["employees.salaries"]
PRIMARY = "aa9b1821-e706-11f1-b000-02fc00000001"
SECOND = "aab422d7-e706-11f1-b000-02fc00000001"
THIRD = "aacdbf69-e706-11f1-b000-02fc00000001"


@pytest.fixture(params=[True, False], ids=["background", "callers"])
def careful(node, request):
    """A handle whose quarantines and holds do not end by themselves."""
    with node.handle(
        background_refresh=request.param, quarantine_ms=mf.MAX_TIME_MS,
        write_hold_ms=mf.MAX_TIME_MS,
    ) as fabric:
        yield fabric


def readers(fabric):
    return {fabric.group_server("shard1", Mode.READONLY).port for _ in range(20)}


def write(fabric, **keywords):
    return fabric.group_server("shard1", Mode.READWRITE, **keywords).port


def test_reads_leave_out_what_cannot_be_reached(careful):
    assert readers(careful) == {33612, 33613}
    careful.report_result(SECOND, 1040)
    assert readers(careful) == {33612, 33613}
    careful.report_result(SECOND, 2003)
    assert readers(careful) == {33613}
    careful.report_result(THIRD, 2013)
    assert readers(careful) == {33611}
    careful.report_result(SECOND)
    assert readers(careful) == {33612}
    careful.report_result("nobody", 2003)
    assert readers(careful) == {33612}


def test_a_quarantine_ends_by_itself(node):
    with node.handle(quarantine_ms=100) as fabric:
        assert readers(fabric) == {33612, 33613}
        fabric.report_result(SECOND, 2003)
        assert eventually(lambda: readers(fabric) == {33612, 33613})


@pytest.mark.parametrize("errno", [1290, 1792, 1836])
def test_writes_are_held_after_a_refusal(careful, node, errno):
    assert write(careful) == 33611
    careful.report_result(SECOND, errno)
    assert write(careful) == 33611
    careful.report_result(PRIMARY, errno)
    fails(Code.WRITE_HELD, careful.group_server, "shard1", Mode.READWRITE)
    fails(Code.WRITE_HELD, careful.group_server, "shard1", status=Status.PRIMARY)
    fails(Code.WRITE_HELD, careful.shard_server, TABLE, 1, mode=Mode.WRITEONLY)
    assert readers(careful) == {33612, 33613}
    node.control("promote", "shard1", THIRD)
    assert write(careful, wait_ms=10000) == 33613


def test_a_hold_ends_by_itself_or_never_begins(node):
    for hold in (100, 0):
        with node.handle(write_hold_ms=hold) as fabric:
            assert write(fabric) == 33611
            fabric.report_result(PRIMARY, 1290)
            if hold:
                fails(Code.WRITE_HELD, fabric.group_server, "shard1", Mode.READWRITE)
                assert write(fabric, wait_ms=10000) == 33611
            assert write(fabric) == 33611


def test_a_wait_has_an_end(careful, node):
    careful.report_result(PRIMARY, 1290)
    write(careful)
    careful.shard_server(TABLE, 1)  # a table that nobody knows would be waited for
    careful.report_result(PRIMARY, 1290)
    for wait in (0, 300):
        begun = time.monotonic()
        fails(Code.WRITE_HELD, careful.group_server, "shard1", Mode.READWRITE, wait_ms=wait)
        message = fails(
            Code.WRITE_HELD, careful.shard_server, TABLE, 1, mode=Mode.READWRITE, wait_ms=wait
        )
        assert "shard1" in message
        assert 2 * wait / 1000 - 0.1 < time.monotonic() - begun < 5
    # What time does not heal is not waited for.
    begun = time.monotonic()
    fails(Code.UNKNOWN_TABLE, careful.shard_server, ["no.such"], 1, wait_ms=60000)
    fails(Code.KEY_TYPE, careful.shard_server, TABLE, "x", wait_ms=60000)
    fails(Code.KEY_OUT_OF_RANGE, careful.shard_server, TABLE, 0, wait_ms=60000)
    assert time.monotonic() - begun < 10


def test_threads_wait_for_the_next_primary(careful, node):
    assert write(careful) == 33611
    node.control("demote", "shard1")
    careful.reset_cache("shard1")
    fails(Code.NO_SERVER, careful.group_server, "shard1", Mode.READWRITE)
    ports = []
    threads = [
        threading.Thread(target=lambda: ports.append(write(careful, wait_ms=20000)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    assert ports == []
    node.control("promote", "shard1", SECOND)
    for thread in threads:
        thread.join()
    assert ports == [33612] * 8


def test_a_shard_that_vanishes_is_held(node):
    with node.handle(ttl_ms=(0, 40), refresh_share=100) as fabric:
        def group(key):
            try:
                return fabric.shard_server(TABLE, key).group
            except mf.FabricError as error:
                return Code(error.code)

        assert group(15000) == "shard2"
        node.control("disable_shard", 2)
        assert eventually(lambda: group(15000) == Code.SHARD_UNAVAILABLE)
        assert "15000" in fails(Code.SHARD_UNAVAILABLE, fabric.shard_server, TABLE, 15000)
        assert (group(10000), group(20001)) == ("shard1", "shard3")
        node.control("enable_shard", 2)
        assert eventually(lambda: group(15000) == "shard2")
        node.control("disable_shard", 2)
        assert eventually(lambda: group(15000) == Code.SHARD_UNAVAILABLE)
        fabric.reset_cache()
        assert group(15000) == "shard1"


def test_vanished_shards_need_not_be_held(node):
    with node.handle(ttl_ms=(0, 40), refresh_share=100, vanished_hold_ms=0) as fabric:
        assert fabric.shard_server(TABLE, 15000).group == "shard2"
        node.control("disable_shard", 2)
        assert eventually(lambda: fabric.shard_server(TABLE, 15000).group == "shard1")
