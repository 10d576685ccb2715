"""Lists, commands, reports, options and errors of a farm."""

import hashlib
import inspect
import logging
import math
import pickle
import re

import pytest

import mysqlfabric as mf
from conftest import ROOT
from mysqlfabric import Action, Mode


def test_lists(farm):
    farm.seed()
    tables = {t.name: t for t in farm.tables()}
    assert tables["employees.salaries"] == mf.TableInfo("employees.salaries", mf.Sharding.RANGE, "emp_no", "global", 3)
    groups = {g.name: g for g in farm.groups()}
    assert groups["shard1"].servers == 3 and groups["shard1"].takes_writes and not groups["shard1"].writes_held
    assert groups["shard1"].age >= 0
    assert [s.port for s in farm.group_servers("shard1")] == [33611, 33612, 33613]
    assert [s.port for s in farm.group_servers("shard1", use_cache=False)] == [33611, 33612, 33613]
    assert [n.host for n in farm.nodes()] == ["127.0.0.1"]


def test_shards(farm):
    shards = farm.shards("employees.salaries")
    assert [(s.shard_id, s.lower_bound, s.group) for s in shards] == [
        (1, "1", "shard1"),
        (2, "10001", "shard2"),
        (3, "20001", "shard3"),
    ]
    assert shards[0].sharding_type is mf.Sharding.RANGE and shards[0].state is mf.ShardState.ENABLED
    assert (shards[0].global_group, shards[0].column) == ("global", "emp_no")
    assert farm.shard("employees.salaries", 10021) == shards[1]
    assert farm.shards_between("employees.salaries", 10021, 30000) == shards[1:]
    assert farm.shards_between("employees.salaries", high=5) == shards[:1]
    assert farm.shards_between("employees.salaries") == shards
    assert len(farm.shards_between("hashdb.users", 1, 2)) == 4


def test_explain(node, farm):
    why = farm.explain("employees.salaries", "010021", Mode.READWRITE)
    assert why.server == farm.server("employees.salaries", 10021, Mode.READWRITE)
    assert (why.why, why.status, why.message) == (mf.Why.PRIMARY, 0, "")
    assert (why.table, why.column, why.key, why.digest) == ("employees.salaries", "emp_no", "10021", "")
    assert (why.sharding_type, why.shard_id, why.shard_state) == (mf.Sharding.RANGE, 2, mf.ShardState.ENABLED)
    assert (why.lower_bound, why.upper_bound, why.group) == ("10001", "20001", "shard2")
    assert why.table_origin == why.group_origin == mf.Origin.FRESH and 0 <= why.table_age < 60 and why.group_age >= 0
    assert (why.write_hold, why.shard_hold) == (None, None)
    assert why.node == mf.Node("127.0.0.1", node.port) and str(node.port) in why.source and "secret" not in why.source

    why = farm.explain(["hashdb.users"], 5)
    assert why.digest == hashlib.md5(b"5").hexdigest().upper() and why.why == mf.Why.BY_WEIGHT
    assert farm.explain("employees.salaries", scope=mf.Scope.GLOBAL).group == "global"
    refused = farm.explain("employees.salaries", 0)
    assert (refused.server, refused.status) == (None, 44) and "0" in refused.message
    for key in (2**70, 5):
        assert farm.explain("crm.names", key).status == 6
    assert farm.explain("employees.salaries", 2**70).group == "shard3"
    assert farm.explain("no.table", 1).status == 40

    farm.report(farm.group_server("shard1", Mode.READWRITE), 1290)
    held = farm.explain_group("shard1", Mode.READWRITE)
    assert (held.why, held.status, held.server) == (mf.Why.WRITES_HELD, 48, None) and 0 < held.write_hold < 60
    assert (held.table, held.shard_state, held.servers_listed) == ("", None, 3)
    with pytest.raises(mf.InvalidArgument):
        farm.explain_group("shard1", 99)


def test_health(farm):
    assert farm.health() == []
    servers = farm.group_servers("shard1")
    farm.group_servers("shard3")
    healths = farm.health("shard1")
    assert [h.server for h in healths] == servers and {h.state for h in healths} == {mf.Health.IN_USE}
    assert healths[0][3:] == (0, 0, None, None, None, None) and healths[0].zone == ""
    farm.report(servers[1], 2003)
    left_out = farm.health("shard1")[1]
    assert (left_out.state, left_out.reported_errno, left_out.reports) == (mf.Health.LEFT_OUT, 2003, 1)
    assert 0 <= left_out.since < 60 and 0 <= left_out.failed < 60 and 0 < left_out.next_trial < 60
    assert [h.server.group for h in farm.health()] == ["shard1"] * 3 + ["shard3"]
    with pytest.raises(mf.UnknownGroup):
        farm.health("nobody")


def test_a_list_longer_than_the_first_room(node, farm):
    for n in range(40):
        node.control("add_server", "shard4", f"00000000-0000-0000-0000-{n:012d}", "127.0.0.1", str(40000 + n),
                     "SECONDARY", "READ_ONLY", "1.0")  # fmt: skip
    assert len(farm.group_servers("shard4", use_cache=False)) == 41


def test_prefetch_seed_and_reset(node, farm):
    farm.prefetch("employees.salaries", "hashdb.users")
    assert {"employees.salaries", "hashdb.users"} <= {t.name for t in farm.tables()}
    with pytest.raises(mf.UnknownTable):
        farm.prefetch("no.table")
    farm.prefetch()
    assert len(farm.tables()) >= 8
    farm.seed("127.0.0.1", node.port)
    farm.reset_cache()
    farm.reset_cache("shard1")
    assert farm.group_server("shard1", Mode.READWRITE).port == 33611


def test_state(farm):
    assert (farm.generation, farm.topology_age, farm.ttl, farm.fabric_uuid) == (0, None, None, "")
    farm.seed()
    assert farm.generation == 1 and 0 <= farm.topology_age < 60 and farm.ttl == 1.0
    assert len(farm.fabric_uuid) == 36
    assert farm.user == "admin" and farm.tls_ca is None
    metrics = farm.metrics()
    assert metrics.lookups == 0 and metrics.requests >= 3 and metrics.nodes_up == 1
    assert metrics.last_error == 0 and metrics.last_error_age is None and metrics.topology_age >= 0
    farm.server("employees.salaries", 1)
    assert farm.metrics().lookups == 1
    assert "generation 1" in repr(farm)


def test_dump_makes_a_farm(farm, tmp_path):
    with pytest.raises(mf.NotSeeded):
        farm.dump(tmp_path / "early.json")
    farm.seed()
    farm.dump(tmp_path / "farm.json")
    with mf.Farm(topology_file=tmp_path / "farm.json") as copy, mf.Farm(f"file:{tmp_path}/farm.json") as by_url:
        for farm_of_file in (copy, by_url):
            assert farm_of_file.server("employees.salaries", 10021, Mode.READWRITE).port == 33621


def test_execute(farm):
    (result,) = farm.execute("dump", "servers", "0", "shard3")
    assert result.columns[:3] == ("server_uuid", "group_id", "host")
    assert [(row[1], row[3]) for row in result.rows] == [("shard3", "33631")]
    (everything,) = farm.execute("dump", "servers", None, None)
    assert len(everything.rows) > 5
    with pytest.raises(mf.CommandFailed) as caught:
        farm.execute("group", "nonsense")
    assert caught.value.code == 27
    with pytest.raises(TypeError):
        farm.execute(1, "servers")


class Error(Exception):
    """As DB-API 2.0 names the base of a driver's exceptions."""


class DriverError(Error):
    pass


class Wrapped(Error):
    """As SQLAlchemy wraps them."""

    def __init__(self, orig, statement):
        super().__init__(f"{orig} [SQL: {statement}]")
        self.orig = orig


class ConnectorError(Error):
    errno = 1290


def test_report(farm, eventually):
    primary = farm.group_server("shard1", Mode.READWRITE)
    assert farm.report(primary) == Action.NONE
    assert farm.report(primary, None) == Action.NONE
    assert farm.report(primary, 1062) == Action.NONE
    assert farm.report(primary, DriverError(0, "")) == Action.NONE
    assert farm.report(primary, ConnectorError("read-only")) & Action.HOLD_WRITES
    with pytest.raises(mf.WriteHeld) as caught:
        farm.group_server("shard1", Mode.READWRITE)
    assert caught.value.retryable and caught.value.errno == 1290 or caught.value.errno >= 0
    secondary = farm.group_server("shard1")
    assert farm.report(secondary.uuid, DriverError(2003, "refused")) & Action.QUARANTINE
    assert all(farm.group_server("shard1") != secondary for _ in range(10))
    assert farm.metrics().servers_quarantined == 1


def test_reporting(farm):
    server = farm.group_server("shard1")
    with pytest.raises(DriverError):
        with farm.reporting(server):
            raise DriverError(2013, "lost")
    assert farm.metrics().servers_quarantined == 1
    with farm.reporting(server):
        pass
    assert farm.metrics().servers_quarantined == 0
    with pytest.raises(DriverError):
        with farm.reporting(server):
            raise DriverError("no number")


def test_exceptions_that_raise_when_they_are_looked_at(farm):
    """What a block raised is what is raised."""

    class Error(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    class NoOriginal(Exception):
        orig = property(lambda self: 1 / 0)

    class NoTruth(Exception):
        @property
        def orig(self):
            return type("Array", (), {"__bool__": lambda self: 1 / 0})()

    server = farm.group_server("shard1", Mode.READWRITE)
    for error in (Error(1290), NoOriginal("mine"), NoTruth("mine")):
        with pytest.raises(type(error)) as caught, farm.reporting(server):
            raise error
        assert caught.value is error
        assert farm.report(server, error) == mf.Action.NONE
    assert farm.group_server("shard1", Mode.READWRITE) == server


def test_only_exceptions_of_a_driver_are_reported(farm, dead):
    """What the program itself or this library raised, in a block with a server, is no fault of that server."""
    server = farm.group_server("shard1", Mode.READWRITE)

    class MyErr(Exception):
        pass

    with mf.Farm(f"fabric://127.0.0.1:{dead[1]}", user="a", password="b", connect_attempts=1) as other:

        def look_up_elsewhere():
            other.server("employees.salaries", 1)

        def fail(error):
            raise error

        for block in (
            lambda: {}[1290],
            lambda: {}[2013],
            lambda: fail(MyErr(2013, "of the program")),
            lambda: fail(MyErr(123456789012)),
            lambda: fail(DriverError(123456789012)),
            lambda: fail(DriverError(True)),
            lambda: fail(ConnectionRefusedError(2003, "a file's")),
            look_up_elsewhere,
        ):
            with pytest.raises((KeyError, MyErr, DriverError, OSError, mf.Unreachable)):
                with farm.reporting(server):
                    block()
    assert farm.metrics().servers_quarantined == 0
    assert farm.group_server("shard1", Mode.READWRITE) == server


def test_a_statement_refused_by_something_else_than_a_read_only_server(farm):
    primary = farm.group_server("shard1", Mode.READWRITE)
    running = "The MySQL server is running with the {} option so it cannot execute this statement"
    for error in (
        DriverError(1290, running.format("--secure-file-priv")),
        DriverError(1792, "Cannot execute statement in a READ ONLY transaction."),
        # SQLAlchemy's own text has the statement in it, which says nothing of the option.
        Wrapped(DriverError(1290, running.format("--secure-file-priv")), "SELECT * FROM read_only INTO OUTFILE 'a'"),
    ):
        with pytest.raises(Error):
            with farm.reporting(primary):
                raise error
        assert farm.report(primary, error) == Action.NONE
        assert farm.group_server("shard1", Mode.READWRITE) == primary
    for option in ("--read-only", "--super-read-only", "super_read_only"):
        assert farm.report(primary, DriverError(1290, running.format(option))) & Action.HOLD_WRITES
    with pytest.raises(mf.WriteHeld):
        farm.group_server("shard1", Mode.READWRITE)
    # The caller who gives the number knows what it is of.
    assert farm.report(primary, 1792) & Action.HOLD_WRITES


def test_a_closed_farm_hides_nothing_of_a_block(node):
    farm = node.farm()
    server = farm.group_server("shard1")
    with farm.reporting(server):
        farm.close()
    with pytest.raises(DriverError, match="dup"):
        with farm.reporting(server):
            raise DriverError(1062, "dup")
    for wrong in (None, 5, b"uuid"):
        with pytest.raises(TypeError, match="a server is"):
            farm.report(wrong, 5)


def test_failures_are_told_to_fabric(node, eventually):
    with node.farm(report_errors=mf.Report.FAILURE, report_errnos=[1040]) as farm:
        server = farm.group_server("shard1")
        farm.report_failure(server, 1040)
        assert eventually(lambda: [r["server_uuid"] for r in node.control("reports")] == [server.uuid])


def test_errno_of():
    assert mf.errno_of(DriverError(2003, "x")) == 2003
    assert mf.errno_of(ConnectorError()) == 1290
    assert mf.errno_of(DriverError("x")) is None
    assert mf.errno_of(DriverError()) is None
    outer = DriverError("statement failed")
    outer.orig = DriverError(2013, "lost")
    assert mf.errno_of(outer) == 2013


def test_kinds_of_errors(node, dead):
    with mf.Farm(f"fabric://127.0.0.1:{dead[1]}", user="a", password="b", connect_attempts=1) as farm:
        with pytest.raises(mf.Unreachable) as caught:
            farm.server("a.b", 1)
        assert isinstance(caught.value, mf.SourceError) and caught.value.retryable and caught.value.code == 20
    with node.farm(password="wrong") as farm, pytest.raises(mf.AccessDenied):
        farm.seed()
    with mf.Farm() as farm, pytest.raises(mf.NotSeeded):
        farm.seed()
    with node.farm() as farm:
        with pytest.raises(mf.UnknownTable) as caught:
            farm.server("no.table", 1)
        error = caught.value
        assert isinstance(error, LookupError) and not error.retryable and error.errno == 1051
        assert "no.table" in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.code, again.errno, str(again)) == (mf.UnknownTable, 40, 1051, str(error))


def test_every_status_has_a_class():
    """Of the header: a new one wants a class here."""
    header = (ROOT / "include" / "mysqlfabric.h").read_text()
    statuses = {int(n) for n in re.findall(r"#define FABRIC_ERR_\w+ (\d+)", header)}
    from mysqlfabric import _errors

    assert statuses - set(_errors._CLASSES) == {47}, "47 is NO_EVENT, which is None here"
    assert _errors.make_error(47, 0, "x").retryable


def test_the_failure_of_a_key_has_the_errno_of_its_status():
    from mysqlfabric import _errors

    with pytest.raises(mf.SomeKeysFailed) as caught:
        _errors.all_or_raise([], {3: 20, 5: 21, 6: 42}, "the first")
    assert {at: error.errno for at, error in caught.value.errors.items()} == {3: 2003, 5: 2013, 6: 0}


def test_constants_are_those_of_the_header():
    header = (ROOT / "include" / "mysqlfabric.h").read_text()

    def numbers(prefix):
        return {m: int(n) for m, n in re.findall(rf"#define FABRIC_{prefix}_(\w+) (-?\d+)", header)}

    for kind, prefix, others in (
        (mf.Mode, "MODE", set()),
        (mf.Status, "STATUS", set()),
        (mf.Scope, "SCOPE", set()),
        (mf.Sharding, "SHARDING", set()),
        (mf.ShardState, "SHARD", set()),
        (mf.Report, "REPORT", set()),
        (mf.Compat, "COMPAT", set()),
        (mf.Tls, "TLS", set()),
        (mf.Action, "ACTION", set()),
        (mf.EventKind, "EVENT", set()),
        (mf.Why, "WHY", set()),
        (mf.Prefer, "PREFER", set()),
        (mf.Health, "HEALTH", set()),
        (mf.Origin, "ORIGIN", set()),
    ):
        ours = {name: int(value) for name, value in kind.__members__.items()}
        assert ours == {n: v for n, v in numbers(prefix).items() if n not in others}, kind
    for event in mf.EventKind:
        assert mf.Event(event, 0, 0, 0, 0.0, 0, "", "", "").name == event.name


def test_every_option_of_the_header_is_there():
    header = (ROOT / "include" / "mysqlfabric.h").read_text()
    setters = set(re.findall(r"fabric_options_(?:set|add)_(\w+)\(struct", header))
    ours = set(inspect.signature(mf.Farm).parameters)
    names = {
        "source": "url", "node": "nodes", "credentials": "user", "tls": "tls_ca", "log": "log_level",
        "event_callback": "on_event", "report_errno": "report_errnos", "ttl_ms": "ttl_min",
        "mysql_credentials": "mysql_user",
    }  # fmt: skip
    for setter in setters:
        name = names.get(setter, re.sub("_ms$", "", setter))
        assert name in ours, setter


def test_options(node, tmp_path):
    with node.farm(
        snapshot_file=tmp_path / "snapshot", mysql_user="router", mysql_password="x", connect_delay=0.1,
        connect_timeout=1, request_timeout=2.5, lookup_timeout=1, max_reply_bytes=2**20, report_window=1,
        background_refresh=True, refresh_share=10, backoff_limit=1, idle_after=0, max_stale=3600, quarantine=1,
        least_write_hold=0, vanished_hold=math.inf, ttl_min=0.5, ttl_max=2, compat=mf.Compat.SERVER,
        discovery_interval=0.1, max_replica_lag=math.inf, multi_primary=False, reads_without_majority=False,
        zone="a", mysql_tls=mf.Tls.PREFERRED, mysql_password_unverified=False, report_errnos=[1040, 1129],
        log_level=logging.DEBUG,
    ) as farm:  # fmt: skip
        assert farm.server("employees.salaries", 1, Mode.READWRITE).port == 33611


def test_options_that_are_refused():
    for options, error in (
        ({"url": "http://x"}, mf.InvalidArgument),
        ({"connect_attempts": 0}, mf.InvalidArgument),
        ({"lookup_timeout": -1}, mf.InvalidArgument),
        ({"lookup_timeout": math.inf}, mf.InvalidArgument),
        ({"zone": "x" * 100}, mf.InvalidArgument),
        ({"tls_key": "x"}, mf.FabricError),
        ({"password": "x"}, ValueError),
        ({"url": "cluster://h", "user": "a", "mysql_user": "b"}, ValueError),
        ({"nodes": [("h", 70000)]}, ValueError),
        ({"lookup_timeout": "1"}, TypeError),
        ({"connect_attempts": "1"}, TypeError),
        ({"nonsense": 1}, TypeError),
    ):
        with pytest.raises(error):
            mf.Farm(**options)


def test_the_account_of_a_source(node):
    """`user` may stand in the URL."""
    with mf.Farm(f"fabric://admin@127.0.0.1:{node.port}", password="secret") as farm:
        assert farm.group_server("shard1", Mode.READWRITE).port == 33611
    with mf.Farm(nodes=[("127.0.0.1", node.port)], user="admin", password="secret") as farm:
        assert farm.group_server("shard1", Mode.READWRITE).port == 33611


def test_fabric_over_the_mysql_protocol(node):
    with mf.Farm(f"fabric+mysql://127.0.0.1:{node.mysql_port}", user="admin", password="secret") as farm:
        assert farm.group_server("shard1", Mode.READWRITE).port == 33611


def test_functions():
    assert mf.library_version() == "0.1.0"
    assert mf.errno_action(1290) == Action.RETRY_ELSEWHERE | Action.ASK_AGAIN | Action.HOLD_WRITES
    assert mf.errno_action(0) == Action.NONE
    assert mf.errno_action(1290, "the --super-read-only option \0 \udcff") == mf.errno_action(1290)
    assert mf.errno_action(1290, "the --secure-file-priv option") == Action.NONE
    for wrong in (b"bytes", 1):
        with pytest.raises(TypeError):
            mf.errno_action(1290, wrong)
    assert mf.is_retryable(42) and not mf.is_retryable(40)


def test_everything_says_what_it_does():
    for name in mf.__all__:
        assert getattr(mf, name).__doc__ or name == "Key", name
    for kind in (mf.Farm, mf.AsyncFarm, mf.Table, mf.Creator):
        for name, member in inspect.getmembers(kind):
            if not name.startswith("_"):
                assert inspect.getdoc(member) or isinstance(member, property) or inspect.isgetsetdescriptor(member), name
