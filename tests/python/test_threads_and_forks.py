"""One handle in many threads, and in forked children."""

import json
import multiprocessing
import os
import signal
import threading
import time
import traceback

import pytest

import mysqlfabric as mf
from conftest import eventually
from mysqlfabric import Mode, Scope

TABLE = ["employees.salaries"]


def together(count, work):
    """Runs work(number) in `count` threads at once; the first failure is raised."""
    failures, start = [], threading.Barrier(count)

    def run(number):
        try:
            start.wait()
            work(number)
        except BaseException as error:  # noqa: B902
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("background", [True, False], ids=["background", "callers"])
def test_eight_threads_on_one_handle(node, background):
    with node.handle(ttl_ms=(20, 20), background_refresh=background) as fabric:
        def work(number):
            deadline, rounds = time.monotonic() + 1.5, 0
            while time.monotonic() < deadline:
                key = number * 4000 + rounds % 4000 + 1
                server = fabric.shard_server(TABLE, key, mode=Mode.READWRITE)
                group = "shard1" if key < 10001 else "shard2" if key < 20001 else "shard3"
                assert server.group == group
                if rounds % 50 == number:
                    fabric.reset_cache(group if number % 2 else None)
                    assert len(fabric.shards("crm.names")) == 4
                    assert len(fabric.group_servers("shard1", use_cache=False)) == 3
                    assert fabric.fabric_nodes()
                rounds += 1
            assert rounds > 10

        together(8, work)


def test_the_first_lookups_share_one_fetch(node, fabric):
    node.control("fault", "delay", "100")
    together(8, lambda _: fabric.shard_server(TABLE, 1))
    assert node.methods().count("dump.fabric_nodes") == 1


def test_a_call_that_waits_lets_other_threads_run(node, fabric):
    """The GIL is released: while one thread waits for Fabric, this one counts."""
    fabric.seed()
    node.control("fault", "delay", "500")
    waiting = threading.Thread(target=lambda: fabric.execute("manage", "ping"))
    waiting.start()
    rounds = 0
    while waiting.is_alive():
        fabric.group_server("shard1", Mode.READONLY)
        rounds += 1
    assert rounds > 100


class Child:
    """A forked child that sends what `work` returns, or how it failed."""

    def __init__(self, work):
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(reader)
                try:
                    answer = {"answer": work()}
                except BaseException:  # noqa: B902
                    answer = {"failure": traceback.format_exc()}
                os.write(writer, json.dumps(answer).encode())
            finally:
                os._exit(0)
        os.close(writer)
        self.reader = reader

    def answer(self, seconds=20):
        def ended():
            return os.waitpid(self.pid, os.WNOHANG) != (0, 0)

        hung = not eventually(ended, seconds)
        if hung:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        with os.fdopen(self.reader, "rb") as file:
            told = json.loads(file.read() or b'{"failure": "the child died"}')
        assert not hung, "the child hangs"
        assert "failure" not in told, told["failure"]
        return told["answer"]


@pytest.fixture(params=[True, False], ids=["background", "callers"])
def handle(node, request):
    """A handle that was used before the fork, with and without a thread of its own."""
    with node.handle(ttl_ms=(200, 200), background_refresh=request.param) as fabric:
        fabric.seed()
        yield fabric


def primary(fabric):
    return fabric.group_server("shard1", Mode.READWRITE).port


def test_a_child_answers_at_once_from_what_it_inherited(node, handle):
    node.control("fault", "hang")

    def work():
        begun = time.monotonic()
        generation = handle.generation
        port = handle.shard_server(TABLE, 1, mode=Mode.READWRITE).port
        return port, generation, time.monotonic() - begun

    handle.shard_server(TABLE, 1)
    port, generation, took = Child(work).answer()
    assert (port, generation) == (33611, handle.generation)
    assert took < 0.15
    node.control("fault", "none")


def test_a_child_fetches_anew(node, handle):
    def work():
        assert primary(handle) == 33611
        return eventually(lambda: primary(handle) == 33613, 10)

    child = Child(work)
    node.control("promote", "shard1", "aacdbf69-e706-11f1-b000-02fc00000001")
    assert child.answer()
    assert eventually(lambda: primary(handle) == 33613)


def test_a_child_may_use_the_whole_api(node, handle):
    def work():
        handle.reset_cache()
        assert handle.shard_server(TABLE, scope=Scope.GLOBAL).group == "global"
        assert len(handle.execute("group", "lookup_groups")[0].rows) == 7
        handle.seed()
        assert len(handle.shards("crm.names")) == 4
        assert handle.fabric_nodes()[0].port == node.port
        with node.handle() as another:
            another.seed()
        handle.close()
        return True

    assert Child(work).answer()
    assert primary(handle) == 33611


@pytest.mark.parametrize("use_first", [True, False], ids=["used", "unused"])
def test_a_child_may_free_its_handle(node, handle, use_first):
    def work():
        if use_first:
            time.sleep(0.3)
            primary(handle)
        handle.close()
        return True

    children = [Child(work) for _ in range(4)]
    assert all(child.answer() for child in children)
    before = len(node.methods())
    handle.reset_cache()
    assert primary(handle) == 33611
    assert len(node.methods()) > before


def test_a_child_forked_in_the_middle_of_a_fetch(node, handle):
    """Locks that a thread of the parent holds are held for ever in the child's copy."""
    node.control("fault", "delay", "50")
    stop = threading.Event()

    def fetch():
        while not stop.is_set():
            handle.seed()

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            time.sleep(0.017)

            def work():
                handle.seed()
                return primary(handle)

            assert Child(work).answer() == 33611
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert primary(handle) == 33611


def test_a_child_reports(node):
    """The thread that sends reports is not there in the child."""
    uuid = "aa9b1821-e706-11f1-b000-02fc00000001"
    options = {"report_errors": mf.Report.ERROR, "report_window_ms": 0}
    with node.handle(**options) as fabric:
        fabric.report_failure(uuid, 2003)
        assert eventually(lambda: len(node.control("reports")) == 1)

        def work():
            fabric.report_failure(uuid, 2006)
            return eventually(lambda: len(node.control("reports")) == 2, 10)

        assert Child(work).answer()
        fabric.report_failure(uuid, 2013)
        assert eventually(lambda: len(node.control("reports")) == 3)


def test_a_grandchild(node, handle):
    def work():
        handle.seed()
        return Child(lambda: (handle.seed(), primary(handle))[1]).answer()

    assert Child(work).answer() == 33611


def test_a_child_keeps_the_node_given_to_seed(node):
    """The node is known to the handle alone: no option names it."""
    with mf.Fabric(user="admin", password="secret", connect_attempts=1) as fabric:
        fabric.seed(*node.address)

        def work():
            fabric.seed()
            return [fabric.ttl_ms, fabric.fabric_uuid]

        assert Child(work).answer() == [fabric.ttl_ms, fabric.fabric_uuid]


pooled = None


def in_the_pool(key):
    server = pooled.shard_server(TABLE, key, mode=Mode.READWRITE)
    return server.group, len(pooled.group_servers("shard1", use_cache=False))


def test_a_multiprocessing_pool(handle):
    global pooled
    pooled = handle
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as pool:
        answers = pool.map_async(in_the_pool, [1, 10001, 20001] * 20, chunksize=5).get(30)
    assert answers == [("shard1", 3), ("shard2", 3), ("shard3", 3)] * 20
    assert primary(handle) == 33611
