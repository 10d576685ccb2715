"""Closing, threads, forks, events, logs, and the end of the interpreter."""

import gc
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref

import pytest

import mysqlfabric as mf
from conftest import TOPOLOGY
from mysqlfabric import EventKind, Mode, Scope


@pytest.fixture(autouse=True)
def ctrl_c():
    """Raises, also where the tests run in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def threads_of_the_library():
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except FileNotFoundError:
            pass
    return [name for name in names if name.startswith("fabric-")]


def test_close(node):
    farm = node.farm()
    table = farm.table("employees.salaries")
    farm.close()
    farm.close()
    assert farm.closed and "closed" in repr(farm)
    for call in (
        lambda: farm.server("employees.salaries", 1),
        lambda: table.server(1),
        lambda: farm.servers("employees.salaries", [1]),
        lambda: farm.metrics(),
        lambda: farm.generation,
        lambda: farm.tables(),
        lambda: farm.next_event(),
        lambda: farm.report("x", 0),
        lambda: farm.table("employees.salaries"),
    ):
        with pytest.raises(mf.Closed):
            call()


def test_what_nobody_refers_to_is_closed(node, eventually):
    before = len(threads_of_the_library())
    farm = node.farm()
    farm.seed()
    assert eventually(lambda: len(threads_of_the_library()) > before)
    gone = weakref.ref(farm)
    del farm
    gc.collect()
    assert gone() is None
    assert eventually(lambda: len(threads_of_the_library()) <= before)


def test_a_farm_that_keeps_its_tables_is_collected(node):
    farm = node.farm()
    farm.orders = farm.table("employees.salaries")
    gone = weakref.ref(farm)
    del farm
    gc.collect()
    assert gone() is None


def test_a_table_says_what_it_is_of(file_farm):
    assert "'employees.salaries'" in repr(file_farm.table("employees.salaries"))
    assert "('web.sessions',)" in repr(file_farm.table(name for name in ["web.sessions"]))


def test_farms_of_a_class_without_a_hash():
    class Equal(mf.Farm):
        def __eq__(self, other):
            return isinstance(other, Equal)

    farms = [Equal(topology_file=TOPOLOGY) for _ in range(2)]
    assert len(mf._farm._all_farms()) >= 2
    for farm in farms:
        farm.close()


def test_a_table_keeps_its_farm(file_farm):
    table = mf.Farm(topology_file=TOPOLOGY).table("employees.salaries")
    gc.collect()
    assert table.server(10021, Mode.READWRITE).group == "shard2"


def test_close_ends_the_waits_of_other_threads(node):
    farm = node.farm()
    node.control("demote", "shard3")
    caught = []

    def wait():
        try:
            farm.group_server("shard3", Mode.READWRITE, wait=300)
        except mf.FabricError as error:
            caught.append(type(error))

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    farm.close()
    for thread in threads:
        thread.join(30)
    assert len(caught) == 4 and set(caught) <= {mf.Interrupted, mf.Closed}


def test_interrupt(node):
    with node.farm() as farm:
        node.control("fault", "hang", "", "-1", "")
        caught = []

        def seed():
            try:
                farm.seed()
            except mf.FabricError as error:
                caught.append(type(error))

        thread = threading.Thread(target=seed)
        thread.start()
        while thread.is_alive():
            farm.interrupt()
            time.sleep(0.02)
        assert caught == [mf.Interrupted]


def test_a_call_that_waits_lets_others_run(node):
    """The GIL is not held: this thread goes on while another one waits."""
    with node.farm(lookup_timeout=30) as farm:
        node.control("fault", "delay", "200", "-1", "")
        done = threading.Event()
        thread = threading.Thread(target=lambda: (farm.server("employees.salaries", 1), done.set()))
        thread.start()
        turns = 0
        while not done.is_set():
            turns += 1
            time.sleep(0.001)
        thread.join()
        assert turns > 20


def test_many_threads(node):
    """With lookups by name and by table, batches and reports, while the farm changes."""
    with node.farm() as farm:
        table = farm.table("employees.salaries")
        farm.seed()
        end = time.monotonic() + 1.5
        failures = []

        def work():
            try:
                while time.monotonic() < end:
                    for key in (1, 10021, 20001):
                        assert table.server(key, Mode.READWRITE).group == farm.shard("employees.salaries", key).group
                        farm.report(farm.server("employees.salaries", key))
                    assert len(farm.split("hashdb.users", range(100), mode=Mode.READWRITE)) == 4
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for weight in (0.5, 2.0, 1.0):
            for server in ("aab422d7", "aacdbf69"):
                node.control("set_weight", server + "-e706-11f1-b000-02fc00000001", str(weight))
            time.sleep(0.3)
        for thread in threads:
            thread.join()
        assert failures == []


def test_ctrl_c_ends_a_wait(node):
    with node.farm() as farm:
        node.control("demote", "shard3")
        timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            farm.group_server("shard3", Mode.READWRITE, wait=300)
        timer.join()


@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
def test_ctrl_c_ends_every_call_that_asks_fabric(node, is_warm):
    """Soon, although Fabric is silent. A signal whose handler raises nothing ends none."""
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    table, key, big, group = "hashdb.users", 1, 2**70, "emptygrp"
    calls = {
        "seed": lambda farm: farm.seed(),
        "prefetch": lambda farm: farm.prefetch(table),
        "execute": lambda farm: farm.execute("dump", "servers"),
        "server": lambda farm: farm.server(table, key),
        "server of a big key": lambda farm: farm.server(table, big),
        "server of the global group": lambda farm: farm.server(table, scope=Scope.GLOBAL),
        "server, with a wait": lambda farm: farm.server(table, key, wait=300),
        "server of a big key, with a wait": lambda farm: farm.server(table, big, wait=300),
        "group_server": lambda farm: farm.group_server(group),
        "group_servers": lambda farm: farm.group_servers(group),
        "group_servers, asked": lambda farm: farm.group_servers(group, use_cache=False),
        "servers": lambda farm: farm.servers(table, [key]),
        "split": lambda farm: farm.split(table, [key]),
        "table": lambda farm: farm.table(table),
        "shard": lambda farm: farm.shard(table, key),
        "shards": lambda farm: farm.shards(table),
        "shards_between": lambda farm: farm.shards_between(table, key),
        "candidates": lambda farm: farm.candidates(table, key),
        "group_candidates": lambda farm: farm.group_candidates(group),
        "explain": lambda farm: farm.explain(table, key),
        "explain_group": lambda farm: farm.explain_group(group),
        "nodes": lambda farm: farm.nodes(),
    }
    if is_warm:
        # Of all but the first answer, those of which another lookup might seem to know.
        for name in ("nodes", "prefetch", "execute", "server, with a wait"):
            del calls[name]
    try:
        for name, call in calls.items():
            # One that takes no notice for much longer than the test waits.
            with node.farm(request_timeout=300, connect_attempts=10, lookup_timeout=300) as farm:
                if is_warm:
                    assert farm.server("employees.salaries", 1)
                node.control("fault", "hang", "", "-1", "")
                timers = [threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGUSR1))]
                timers += [threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))]
                for timer in timers:
                    timer.start()
                began = time.monotonic()
                with pytest.raises(KeyboardInterrupt):
                    call(farm)
                    pytest.fail(f"{name} did not wait")
                assert time.monotonic() - began < 60, name
                assert heard, name
                heard.clear()
                for timer in timers:
                    timer.join()
                node.control("reset")
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_a_signal_handler_raises_ends_one_wait(node):
    """And not those of other threads."""
    with node.farm(request_timeout=300, lookup_timeout=300) as farm:
        caught = []

        def wait(call):
            try:
                call()
            except mf.FabricError as error:
                caught.append(type(error))

        node.control("fault", "hang", "", "-1", "")
        threads = [
            threading.Thread(target=wait, args=(call,))
            for call in (lambda: farm.group_server("emptygrp", wait=300), lambda: farm.group_server("shard1"), farm.seed)
        ]
        for thread in threads:
            thread.start()
        for call in (lambda: farm.group_server("emptygrp", wait=300), farm.seed, lambda: farm.servers("hashdb.users", [1])):
            timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                call()
            timer.join()
        time.sleep(0.1)
        assert not caught and all(thread.is_alive() for thread in threads)
        # This is meant for them all.
        farm.interrupt()
        for thread in threads:
            thread.join(60)
        assert caught == [mf.Interrupted] * 3


def test_a_signal_handler_that_closes_the_farm(node):
    node.control("fault", "hang", "", "-1", "")
    farm = node.farm(request_timeout=300)
    before = signal.signal(signal.SIGUSR1, lambda *_: farm.close())
    try:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        with pytest.raises(mf.Interrupted):
            farm.seed()
        timer.join()
        assert farm.closed
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("key", [1, 2**70])
def test_a_wait_is_one_call(node, key):
    """In its time, its message, the log and the metrics, and in any thread."""
    node.control("fault", "hang", "", "-1", "")
    with node.farm(request_timeout=300, lookup_timeout=300) as farm:
        messages = []

        def wait():
            began = time.monotonic()
            with pytest.raises(mf.Timeout) as caught:
                farm.server("employees.salaries", key, wait=0.7)
            assert time.monotonic() - began < 60
            messages.append(caught.value.message)

        wait()
        other = threading.Thread(target=wait)
        other.start()
        other.join()
        assert len(messages) == 2 and all("within the 700 ms" in message for message in messages)
        assert farm.metrics().lookups_refused <= 6


def test_a_wait_in_vain_where_there_was_a_server(node, eventually):
    """What was answered a moment ago is tried without a thread first."""
    with node.farm(discovery_interval=0.1) as farm:
        farm.group_server("shard3", Mode.READWRITE, wait=1)
        before = farm.metrics().lookups_refused
        node.control("demote", "shard3")
        farm.group_servers("shard3", use_cache=False)
        with pytest.raises(mf.NoServer):
            farm.group_server("shard3", Mode.READWRITE, wait=0.6)
        assert farm.metrics().lookups_refused - before <= 2


def look_up(farm, answers):
    answers.put(farm.server("employees.salaries", 10021, Mode.READWRITE).port)


def make_and_look_up(options, answers):
    with mf.Farm(**options) as farm:
        look_up(farm, answers)


def test_fork(node):
    with node.farm() as farm:
        farm.seed()
        table = farm.table("employees.salaries")
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            ports = [farm.server("employees.salaries", 10021, Mode.READWRITE).port]
            ports += [table.server(1, Mode.READWRITE).port]
            farm.close()
            os.write(writer, repr(ports).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answers:
            assert answers.read() == "[33621, 33611]"
        assert os.waitpid(pid, 0)[1] == 0
        assert farm.server("employees.salaries", 10021, Mode.READWRITE).port == 33621


def test_a_fork_while_threads_wait_and_log(node):
    """The child may close the farm: it does not wait for threads that it does not have."""
    with node.farm(on_event=lambda event: None, log_level=logging.DEBUG) as farm:
        node.control("demote", "shard3")
        threading.Thread(target=lambda: pytest.raises(mf.FabricError, farm.group_server, "shard3", 3, wait=60)).start()
        time.sleep(0.3)
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            farm.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0


def test_multiprocessing(node):
    with node.farm() as farm:
        farm.seed()
        fork, spawn = multiprocessing.get_context("fork"), multiprocessing.get_context("spawn")
        for context, target, argument in (
            (fork, look_up, farm),
            (spawn, make_and_look_up, node.options()),
        ):
            answers = context.SimpleQueue()
            process = context.Process(target=target, args=(argument, answers))
            process.start()
            assert answers.get() == 33621
            process.join()
            assert process.exitcode == 0
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(farm)


def test_events(node):
    with node.farm() as farm:
        farm.fileno()
        farm.seed()
        kinds = [event.kind for event in farm.events(timeout=0.3)]
        assert kinds[:2] == [EventKind.READY, EventKind.TOPOLOGY_CHANGED]
        assert farm.next_event() is None
        node.control("promote", "shard1", "aab422d7-e706-11f1-b000-02fc00000001")
        found = next(e for e in farm.events(timeout=20) if e.kind == EventKind.PRIMARY_CHANGED)
        assert (found.name, found.group) == ("PRIMARY_CHANGED", "shard1")
        assert found.server_uuid == "aab422d7-e706-11f1-b000-02fc00000001" and found.generation >= 2


def test_events_end_with_the_farm(node):
    farm = node.farm()
    ended = threading.Event()
    events = farm.events()
    thread = threading.Thread(target=lambda: (list(events), ended.set()))
    thread.start()
    farm.seed()
    farm.close()
    assert ended.wait(20)
    thread.join()


def test_an_event_callback(node, eventually, caplog):
    seen = []

    def hear(event):
        seen.append(event.kind)
        if len(seen) == 1:
            raise RuntimeError("on purpose")

    farm = node.farm(on_event=hear)
    farm.seed()
    assert eventually(lambda: EventKind.TOPOLOGY_CHANGED in seen)
    assert "on purpose" in caplog.text
    with pytest.raises(ValueError):
        farm.events()
    # The thread of the callback does not keep the farm.
    gone = weakref.ref(farm)
    del farm
    assert eventually(lambda: gone() is None)


def test_the_log(dead, caplog, eventually):
    caplog.set_level(logging.DEBUG, "mysqlfabric")
    with mf.Farm(f"fabric://127.0.0.1:{dead[1]}", user="a", password="b", connect_attempts=1) as farm:
        with pytest.raises(mf.Unreachable):
            farm.seed()
        assert eventually(lambda: any(str(dead[1]) in r.getMessage() for r in caplog.records))
    assert {r.name for r in caplog.records} == {"mysqlfabric"}
    assert {r.levelno for r in caplog.records} <= {logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR}


def run(program, *arguments):
    """Another interpreter runs the program to its end."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


FORKED = """
pid = os.fork()
if pid == 0:
    farm.server("employees.salaries", 1)
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "raise SystemExit(3)", "del farm", FORKED])
def test_the_end_of_the_interpreter(node, ending):
    """With a farm, a table, a callback, and daemon threads in calls that wait and that do not."""
    program = f"""
import os, sys, threading, time, logging
import mysqlfabric as mf
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
farm = mf.Farm({node.url!r}, user="admin", password="secret", on_event=lambda e: None, log_level=logging.DEBUG)
farm.seed()
table = farm.table("employees.salaries")
def wait():
    try:
        farm.group_server("emptygrp", mf.Mode.READWRITE, wait=60)
    except mf.FabricError:
        pass
def work():
    try:
        while True:
            table.server(1)
    except mf.FabricError:
        pass
for target in (wait, work, work):
    threading.Thread(target=target, daemon=True).start()
time.sleep(0.2)
print("ran", flush=True)
{ending}
"""
    ended = run(program)
    assert ended.stdout == "ran\n", ended.stderr
    assert ended.returncode == (3 if "3" in ending else 0), ended.stderr
    assert "Fatal" not in ended.stderr and "Traceback" not in ended.stderr


def test_threads_that_go_on_making_farms_at_the_end(node):
    """The interpreter ends daemon threads in the middle of a call."""
    program = f"""
import threading, time
import mysqlfabric as mf
def work():
    while True:
        try:
            farm = mf.Farm({node.url!r}, user="admin", password="secret", connect_attempts=1, log_level=None)
            try:
                farm.seed()
            finally:
                farm.close()
        except mf.FabricError:
            pass
for _ in range(16):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
"""
    node.control("fault", "delay", "5", "-1")
    for _ in range(4):
        ended = run(program)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_the_log_of_a_forked_child(node):
    """It reaches the child's logging, and not its parent's."""
    program = f"""
import logging, os, sys, time
import mysqlfabric as mf
class Handler(logging.Handler):
    def emit(self, record):
        os.write(1, f"{{os.getpid() == parent}} {{'127.0.0.1:1' in record.getMessage()}}\\n".encode())
        sys.stdout.flush()
parent = os.getpid()
first = mf.Farm({node.url!r}, user="admin", password="secret")
first.seed()
logging.getLogger("mysqlfabric").addHandler(Handler())
pid = os.fork()
if pid == 0:
    with mf.Farm("fabric://127.0.0.1:1", user="a", password="b", connect_attempts=1) as farm:
        try:
            farm.seed()
        except mf.Unreachable:
            pass
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    ended = run(program)
    assert ended.returncode == 0 and set(ended.stdout.splitlines()) == {"False True"}, (ended.stdout, ended.stderr)


def test_nothing_is_printed(dead):
    program = f"""
import mysqlfabric as mf
farm = mf.Farm("fabric://127.0.0.1:{dead[1]}", user="a", password="b", connect_attempts=1)
try:
    farm.seed()
except mf.Unreachable:
    pass
"""
    ended = run(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_memory_does_not_grow(file_farm):
    """Of warm lookups, batches, failures and lists. A leak of one object a call is a thousand blocks."""
    table = file_farm.table("employees.salaries")

    def once():
        table.server(10021, Mode.READWRITE)
        table.server("10021")
        file_farm.server(["employees.salaries"], 2**70, wait=0)
        file_farm.servers("employees.salaries", [1, 2, 10021])
        file_farm.split("web.sessions", ["a", "b", "c"])
        file_farm.shards("web.sessions")
        file_farm.shards_between("employees.salaries", 1, 2**70)
        file_farm.groups()
        file_farm.metrics()
        file_farm.report("x", 0)
        file_farm.table("web.sessions").server("x")
        for call in (
            lambda: file_farm.server("no.table", 1),
            lambda: file_farm.server("employees.salaries", True),
            lambda: file_farm.servers("employees.salaries", [0, 1]),
            lambda: file_farm.server(["employees.salaries", 5], 1),
            lambda: file_farm.server("shop.customers", 2**70),
        ):
            with pytest.raises((mf.FabricError, TypeError)):
                call()

    for _ in range(20):
        once()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        once()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


def test_one_import_for_a_process():
    """Another one would take the classes of the first away from its farms."""
    program = f"""
import sys
import mysqlfabric as mf
farm = mf.Farm(topology_file={str(TOPOLOGY)!r})
for name in [n for n in sys.modules if n.startswith("mysqlfabric")]:
    del sys.modules[name]
try:
    import mysqlfabric
except ImportError as error:
    print("once" in str(error))
try:
    farm.server("no.table", 1)
except mf.UnknownTable:
    print("still", type(farm.server("employees.salaries", 1)) is mf.Server)
"""
    assert run(program).stdout == "True\nstill True\n"


def test_only_the_main_interpreter():
    pytest.importorskip("_xxsubinterpreters")
    program = f"""
import _xxsubinterpreters as interpreters
import mysqlfabric as mf
farm = mf.Farm(topology_file={str(TOPOLOGY)!r})
try:
    interpreters.run_string(interpreters.create(), "import mysqlfabric")
except interpreters.RunFailedError as error:
    # From 3.12 on Python itself says so.
    print("main interpreter" in str(error) or "subinterpreters" in str(error))
print(type(farm.server("employees.salaries", 1)) is mf.Server)
"""
    ended = run(program)
    assert ended.stdout == "True\nTrue\n", ended.stderr


def test_a_farm_is_made_once(file_farm):
    for farm in (file_farm, mf.Farm(topology_file=TOPOLOGY)):
        if farm is not file_farm:
            farm.close()
        with pytest.raises(RuntimeError):
            farm.__init__(topology_file=TOPOLOGY, on_event=print)
    assert file_farm.server("employees.salaries", 1)
    # Its events are still its own.
    list(file_farm.events(timeout=0))


def test_arguments_that_are_refused(file_farm, tmp_path):
    for bad in (
        lambda: mf.Farm(5),
        lambda: mf.Farm(nodes="fabric1"),
        lambda: mf.Farm(on_event=5),
        lambda: mf._fabric.Handle([1], True),
        lambda: mf._fabric.Handle(5, True),
        lambda: pickle.dumps(file_farm.table("employees.salaries"), 0),
    ):
        with pytest.raises(TypeError):
            bad()
    for option in ("zone", "snapshot_file", "report_errors", "connect_attempts", "refresh_share"):
        with pytest.raises(TypeError, match=option):
            mf.Farm(topology_file=TOPOLOGY, **{option: [5]})
    for option in ("compat", "connect_attempts"):
        with pytest.raises(ValueError, match=option):
            mf.Farm(topology_file=TOPOLOGY, **{option: 2**70})
    for bad in (
        lambda: file_farm.candidates("employees.salaries", 1, 2**40),
        lambda: file_farm.candidates("employees.salaries", 1, limit=2**40),
        lambda: file_farm.group_server("\ud800"),
        lambda: file_farm.server(["\ud800.a"], 1),
    ):
        with pytest.raises(ValueError, match="mode|limit|surrogate") as caught:
            bad()
        assert not isinstance(caught.value, UnicodeError)
    for level in ("LOUD", 1.5, True):
        with pytest.raises(ValueError, match="log_level"):
            mf.Farm(topology_file=TOPOLOGY, log_level=level)
    mf.Farm(topology_file=TOPOLOGY, log_level="debug").close()
    file_farm.reset_cache(group="shard1")
    file_farm.dump(os.fsencode(tmp_path / "dumped.json"))
    assert (tmp_path / "dumped.json").exists()


def test_messages_name_what_python_has(node):
    with mf.Farm(node.url) as farm:
        with pytest.raises(mf.FabricError) as caught:
            farm.seed()
        assert "user and password" in caught.value.message and "fabric_" not in caught.value.message
        assert "user and password" in farm.metrics().last_error_text
    with node.farm() as farm:
        with pytest.raises(mf.InvalidKey) as wrong:
            farm.server("crm.names", 5)
        assert "fabric_" not in wrong.value.message
        with pytest.raises(mf.SomeKeysFailed) as some:
            farm.servers("employees.salaries", [1, 0, -5], Mode.READWRITE)
        assert "position 2" in some.value.errors[2].message


def test_a_log_handler_that_fails(node):
    """The next message comes all the same."""
    program = f"""
import logging, sys, time
import mysqlfabric as mf
class Filter(logging.Filter):
    seen = 0
    def filter(self, record):
        Filter.seen += 1
        raise SyntaxError("a fault of the filter")
logging.raiseExceptions = False
logging.getLogger("mysqlfabric").addFilter(Filter())
for _ in range(2):
    seen = Filter.seen
    with mf.Farm({node.url!r}, user="admin", password="wrong", connect_attempts=1, log_level="DEBUG") as farm:
        try:
            farm.seed()
        except mf.FabricError:
            pass
    end = time.monotonic() + 20
    while Filter.seen == seen and time.monotonic() < end:
        time.sleep(0.02)
    print(Filter.seen > seen)
"""
    ended = run(program)
    assert ended.stdout == "True\nTrue\n", ended.stderr


def test_a_slow_log_handler_holds_nobody_up(node):
    program = f"""
import logging, time
import mysqlfabric as mf
mf._log._PATIENCE = 0.5
class Slow(logging.Handler):
    def createLock(self):
        # logging itself would wait for it at the end.
        self.lock = None
    def emit(self, record):
        time.sleep(600)
logging.getLogger("mysqlfabric").addHandler(Slow())
farm = mf.Farm({node.url!r}, user="admin", password="wrong", connect_attempts=1, log_level="DEBUG")
try:
    farm.seed()
except mf.FabricError:
    pass
"""
    assert run(program).returncode == 0


def test_an_event_callback_that_exits(node, eventually, caplog):
    heard = []

    def callback(event):
        heard.append(event)
        raise SystemExit

    with node.farm(on_event=callback) as farm:
        farm.seed()
        assert eventually(lambda: heard)
        count = len(heard)
        node.control("set_weight", "aab422d7-e706-11f1-b000-02fc00000001", "7")
        farm.reset_cache()
        farm.seed()
        assert eventually(lambda: len(heard) > count)
