"""Messages to the service, and reports of the service to Fabric."""

import ctypes
import os
import socket
import threading
import time

import pytest

import mysqlfabric as mf
from conftest import eventually, fails
from mysqlfabric import Code, Level, Mode, Report

PRIMARY = "aa9b1821-e706-11f1-b000-02fc00000001"


def test_messages_come_on_threads_of_the_library(dead):
    heard = []

    def log(level, message):
        heard.append((level, message, threading.get_ident()))

    with mf.Fabric(
        [dead], user="admin", password="very secret", connect_attempts=2, connect_delay_ms=0,
        log=log, log_level=Level.DEBUG,
    ) as fabric:
        fails(Code.UNREACHABLE, fabric.seed)
    assert len(heard) >= 2
    assert {level for level, _, _ in heard} <= set(Level)
    assert any(str(dead[1]) in message for _, message, _ in heard)
    assert not any("very secret" in message for _, message, _ in heard)
    # The attempts are the fetching thread's to tell of.
    assert {thread for _, _, thread in heard} - {threading.get_ident()}


def test_the_level_is_kept(dead):
    heard = []
    with mf.Fabric(
        [dead], connect_attempts=1, log=lambda *line: heard.append(line), log_level=Level.WARNING
    ) as fabric:
        fails(Code.UNREACHABLE, fabric.seed)
    assert all(level <= Level.WARNING for level, _ in heard)


def test_a_callback_may_call_the_library(node):
    generations = []
    mapping = node.control("add_mapping", "RANGE_FUTURE", "global")[0]["mapping_id"]
    node.control("add_table", mapping, "odd.t", "id")
    node.control("add_shard", mapping, "1", "shard1")
    handles = []

    def log(_level, _message):
        generations.append(handles[0].generation)
        handles[0].group_server("shard1", Mode.READONLY)

    with node.handle(log=log, log_level=Level.DEBUG, ttl_ms=(600000, 0)) as fabric:
        handles.append(fabric)
        fabric.group_server("shard1", Mode.READONLY)
        fails(Code.UNSUPPORTED_SHARDING, fabric.shard_server, ["odd.t"], 1)
    assert generations, "a mapping that cannot be understood is logged"


def test_userdata_is_freed_once_and_last():
    """The options and each handle hold it; a refused call gives it back at once."""
    freed = []
    free = mf.fabric_free_t(freed.append)
    callback = mf.fabric_log_t(lambda *_: None)
    lib = mf.lib
    options, handles = lib.fabric_options_new(), []
    lib.fabric_options_set_log(options, Level.INFO, callback, 1, free)
    for _ in range(2):
        handle = ctypes.c_void_p()
        assert lib.fabric_new(options, mf.byref(handle), None) == Code.OK
        handles.append(handle)
    lib.fabric_options_set_log(options, Level.INFO, callback, 2, free)
    assert freed == []
    lib.fabric_free(handles[0])
    assert freed == []
    lib.fabric_free(handles[1])
    assert freed == [1]
    lib.fabric_options_set_log(options, Level.INFO, mf.fabric_log_t(0), 3, free)
    assert sorted(freed) == [1, 2, 3]
    assert lib.fabric_options_set_log(options, 9, callback, 4, free) == Code.ARGUMENT
    assert lib.fabric_options_set_log(None, 1, callback, 5, free) == Code.NULL_POINTER
    lib.fabric_options_free(options)
    assert sorted(freed) == [1, 2, 3, 4, 5]


def reports(node, count):
    """The reports that arrived, once there are `count`: a thread of the library sends them."""
    eventually(lambda: len(node.control("reports")) >= count)
    return node.control("reports")


@pytest.mark.parametrize("background", [True, False], ids=["background", "callers"])
@pytest.mark.parametrize("how", list(Report))
def test_reports(node, how, background):
    """FAILURE makes Fabric fail over at once; ERROR only counts."""
    with node.handle(
        report_errors=how, ttl_ms=(600000, 0), background_refresh=background
    ) as fabric:
        assert fabric.group_server("shard1", Mode.READWRITE).uuid == PRIMARY
        fabric.report_failure(PRIMARY, 1062)
        fabric.report_failure(PRIMARY, 0)
        fabric.report_failure(PRIMARY, 2003)
        if how == Report.OFF:
            time.sleep(0.2)
            assert node.control("reports") == []
            return
        (report,) = reports(node, 1)
        assert report["server_uuid"] == PRIMARY
        command = "report_error" if how == Report.ERROR else "report_failure"
        assert report["command"] == command
        assert "2003" in report["error"]

        def fails_over():
            return fabric.group_server("shard1", Mode.READWRITE).uuid != PRIMARY

        if how == Report.ERROR:
            assert not fails_over()
        else:
            assert eventually(fails_over)


def test_which_errnos_are_reported(node):
    told_of = [2002, 2003, 2004, 2005, 2006, 2013, 2055, 1053, 1317, 6400]
    errnos = (*told_of, 3032, 1290, 1045, 1064, -1, 2**31 - 1)
    with node.handle(
        report_errors=Report.ERROR, report_errnos=[1317, 6400], report_window_ms=0
    ) as fabric:
        for count, errno in enumerate(errnos, 1):
            fabric.report_failure(PRIMARY, errno)
            reports(node, min(count, len(told_of)))
        time.sleep(0.1)
    told = node.control("reports")
    assert [int(r["error"].split()[-1]) for r in told] == told_of
    by_itself = [errno for errno in errnos if mf.errno_action(errno) & mf.Action.REPORT]
    assert by_itself == told_of[:8]
    assert len({r["reporter"] for r in told}) == 1


def test_one_report_of_a_server_in_the_window(node):
    with node.handle(report_errors=Report.ERROR, report_window_ms=600000) as fabric:
        fabric.seed()
        other = fabric.group_server("shard2", Mode.READWRITE).uuid
        for _ in range(20):
            fabric.report_result(PRIMARY, 2003)
            fabric.report_failure(other, 2013)
        assert {r["server_uuid"] for r in reports(node, 2)} == {PRIMARY, other}
        time.sleep(0.1)
        assert len(node.control("reports")) == 2


def test_handles_report_under_names_of_their_own(node):
    for count in (1, 2, 3):
        with node.handle(report_errors=Report.ERROR) as fabric:
            fabric.report_failure(PRIMARY, 2003)
            reports(node, count)
    reporters = {r["reporter"] for r in node.control("reports")}
    assert len(reporters) == 3
    begin = "libmysqlfabric-{}".format(socket.gethostname())[:40]
    for reporter in reporters:
        assert reporter.startswith(begin) and len(reporter) <= 64
        assert "-{}-".format(os.getpid()) in reporter


def test_a_report_that_fails_hurts_nobody(node, dead):
    heard = []
    log = lambda *line: heard.append(line)  # noqa: E731

    def warnings(count):
        return lambda: sum(level == Level.WARNING for level, _ in heard) == count

    with node.handle(report_errors=Report.ERROR, log=log) as fabric:
        fabric.report_failure("no such server", 2003)
        assert eventually(warnings(1)), heard
    with mf.Fabric([dead], report_errors=Report.FAILURE, log=log) as fabric:
        fabric.report_failure(PRIMARY, 2013)
        assert eventually(warnings(2)), heard
