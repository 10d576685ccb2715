"""One server, and many: names, modes, scopes, waits, batches."""

import collections
import pickle

import pytest

import mysqlfabric as mf
from mysqlfabric import Mode, Scope, Status


def test_modes(farm):
    write = farm.server("employees.salaries", 10021, mode=Mode.READWRITE)
    assert (write.host, write.port, write.group) == ("127.0.0.1", 33621, "shard2")
    assert (write.mode, write.status, write.weight) == (Mode.READWRITE, Status.PRIMARY, 1.0)
    assert farm.server("employees.salaries", 10021, Mode.WRITEONLY) == write
    for read in (Mode.READONLY, Mode.NONE):
        assert farm.server("employees.salaries", 10021, mode=read).port == 33622
    assert farm.server("employees.salaries", 10021).status == Status.SECONDARY


def test_a_server_is_immutable_and_travels(farm):
    server = farm.server("employees.salaries", 10021)
    with pytest.raises(AttributeError):
        server.port = 1
    assert pickle.loads(pickle.dumps(server)) == server
    assert len({server, farm.server("employees.salaries", 10021)}) == 1
    # A warm lookup makes no new object.
    assert farm.server("employees.salaries", 10021) is server


def test_a_changed_server_is_a_new_object(node, farm, eventually):
    before = farm.group_server("shard3", Mode.READWRITE)
    node.control("set_weight", before.uuid, "0.25")
    assert eventually(lambda: farm.group_server("shard3", Mode.READWRITE).weight == 0.25)
    assert before.weight == 1.0


def test_several_tables(farm):
    tables = ["employees.salaries", "employees.dept_emp"]
    assert farm.server(tables, 1, Mode.READWRITE).group == "shard1"
    assert farm.server(tuple(tables), 1, Mode.READWRITE).group == "shard1"
    assert farm.server(iter(tables), 1, Mode.READWRITE).group == "shard1"
    assert farm.table(tables).server(1, Mode.READWRITE).group == "shard1"
    with pytest.raises(mf.DifferentShards):
        farm.server(["employees.salaries", "hashdb.users"], 1)
    many = ["employees.salaries"] * 100
    assert farm.server(many, 1, Mode.READWRITE).group == "shard1"
    with pytest.raises(TypeError):
        farm.server(many + [5], 1)
    with pytest.raises(mf.InvalidArgument):
        farm.server([], 1)


def test_scope(farm):
    opened = farm.table("employees.salaries")
    for server in (
        farm.server("employees.salaries", scope=Scope.GLOBAL, mode=Mode.READWRITE),
        opened.server(scope=Scope.GLOBAL, mode=Mode.READWRITE),
    ):
        assert server.port == 33601


def test_groups(farm):
    assert farm.group_server("shard1", Mode.READWRITE).port == 33611
    assert farm.group_server("shard1", status=Status.PRIMARY).port == 33611
    assert farm.group_server("shard1", status=Status.SECONDARY).port in (33612, 33613)
    with pytest.raises(mf.InvalidArgument):
        farm.group_server("shard1", Mode.READWRITE, Status.PRIMARY)
    with pytest.raises(mf.UnknownGroup):
        farm.group_server("nobody")


def test_reads_go_by_weight(farm):
    seen = collections.Counter(farm.server("employees.salaries", 1).port for _ in range(500))
    assert set(seen) == {33612, 33613}
    assert abs(seen[33612] - 400) <= 1


def test_wait(node, farm, eventually):
    farm.prefetch("employees.salaries")
    farm.group_server("shard3")
    node.control("demote", "shard3")
    assert eventually(lambda: not any(g.takes_writes for g in farm.groups() if g.name == "shard3"))
    with pytest.raises(mf.NoServer):
        farm.group_server("shard3", Mode.READWRITE, wait=0.6)
    with pytest.raises(mf.NoServer):
        farm.server("employees.salaries", 20001, Mode.READWRITE, wait=0)
    node.control("set_status", "ab13a90d-e706-11f1-b000-02fc00000001", "PRIMARY")
    node.control("set_mode", "ab13a90d-e706-11f1-b000-02fc00000001", "READ_WRITE")
    assert farm.group_server("shard3", Mode.READWRITE, wait=20).port == 33631
    assert farm.table("employees.salaries").server(20001, Mode.READWRITE, wait=20).port == 33631


def test_bad_arguments(farm):
    for call in (
        lambda: farm.server(),
        lambda: farm.server(5, 1),
        lambda: farm.server("employees.salaries", 1, mode="READWRITE"),
        lambda: farm.server("employees.salaries", 1, mode=None),
        lambda: farm.server("employees.salaries", 1, wait="1"),
        lambda: farm.server("employees.salaries", 1, nonsense=1),
        lambda: farm.server("employees.salaries", 1, key=1),
        lambda: farm.server("employees.salaries", 1, 3, 11, 5, 6),
        lambda: farm.group_server(b"shard1"),
        lambda: farm.report("uuid", "1290"),
    ):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: farm.server("employees.salaries", 1, mode=99),
        lambda: farm.server("employees.salaries", 1, mode=2**70),
        lambda: farm.server("employees.salaries", 1, scope=1),
        lambda: farm.server("employees.salaries", 1, wait=-1),
        lambda: farm.server("employees.salaries", 1, wait=601),
        lambda: farm.server("employees.salaries", 1, wait=float("nan")),
        lambda: farm.server("salaries", 1),
        lambda: farm.server("employees.salaries\0", 1),
        lambda: farm.seed("h", 65536),
    ):
        with pytest.raises(ValueError):
            call()


def test_servers(farm):
    keys = [1, 10021, 20001, 2, 10022]
    servers = farm.servers("employees.salaries", keys, mode=Mode.READWRITE)
    assert [s.group for s in servers] == ["shard1", "shard2", "shard3", "shard1", "shard2"]
    assert servers[0] is servers[3]
    assert farm.servers("employees.salaries", []) == []
    opened = farm.table("employees.salaries")
    assert opened.servers(keys, Mode.READWRITE) == servers and opened.servers([]) == []
    assert opened.servers([1, 2**70], mode=Mode.READWRITE)[1].group == "shard3"
    assert {s.group for s in opened.servers([1, 2], scope=Scope.GLOBAL)} == {"global"}
    with pytest.raises(mf.SomeKeysFailed) as caught:
        opened.servers([0, 1], Mode.READWRITE)
    assert caught.value.answer[1] is servers[0] and set(caught.value.errors) == {0}
    with pytest.raises(mf.InvalidKey):
        farm.table("crm.names").servers([2**70])
    with pytest.raises(TypeError):
        opened.servers([True])
    assert farm.servers("hashdb.users", ["a", b"b", "c"])[0] == farm.server("hashdb.users", "a", 1)


def test_batches_of_large_integers(farm):
    for keys in ([1, 2**63], [1, 2**64], [-5, 2**63, 2**80], list(range(1, 40)) + [2**70]):
        known = [k for k in keys if k > 0]
        assert [s.group for s in farm.servers("employees.salaries", known, Mode.READWRITE)] == [
            farm.server("employees.salaries", k, Mode.READWRITE).group for k in known
        ]
        assert [s.group for s in farm.servers("hashdb.users", keys, Mode.READWRITE)] == [
            farm.server("hashdb.users", k, Mode.READWRITE).group for k in keys
        ]


def test_a_bad_key_fails_alone(farm):
    with pytest.raises(mf.SomeKeysFailed) as caught:
        farm.servers("employees.salaries", [1, 0, 10021, -7], Mode.READWRITE)
    error = caught.value
    assert [s and s.group for s in error.answer] == ["shard1", None, "shard2", None]
    assert set(error.errors) == {1, 3}
    assert all(isinstance(e, mf.KeyOutOfRange) for e in error.errors.values())
    assert "0" in str(error.errors[1])
    assert pickle.loads(pickle.dumps(error)).answer == error.answer

    with pytest.raises(mf.SomeKeysFailed) as caught:
        farm.split("employees.salaries", [1, 0, 2], mode=Mode.READWRITE)
    assert [(s.group, keys) for s, keys in caught.value.answer] == [("shard1", [1, 2])]


def test_split(farm):
    keys = [1, 10021, 20001, 2, 10022]
    split = farm.split("employees.salaries", keys, mode=Mode.READWRITE)
    assert [(s.group, keys) for s, keys in split] == [
        ("shard1", [1, 2]),
        ("shard2", [10021, 10022]),
        ("shard3", [20001]),
    ]
    rows = [{"id": k} for k in keys]
    for server, mine in farm.split("employees.salaries", rows, key=lambda row: row["id"], mode=Mode.READWRITE):
        assert {farm.server("employees.salaries", r["id"], Mode.READWRITE) for r in mine} == {server}


def test_a_split_of_many(farm):
    keys = [f"user{n}" for n in range(5000)]
    split = farm.split("hashdb.users", keys, mode=Mode.READWRITE)
    assert sorted(k for _, mine in split for k in mine) == sorted(keys)
    assert len(split) == 4


def test_keys_of_a_batch_are_of_one_kind(farm):
    with pytest.raises(TypeError):
        farm.servers("hashdb.users", [1, "1"])
    with pytest.raises(TypeError):
        farm.servers("hashdb.users", "abc")
    with pytest.raises(TypeError):
        farm.servers("hashdb.users", [None])


def test_candidates(farm):
    primary, heavy, light = farm.group_servers("shard1")
    assert set(farm.candidates("employees.salaries", 1)) == {primary, heavy, light}
    assert farm.candidates("employees.salaries", 1)[-1] == primary
    assert farm.candidates("employees.salaries", 1, Mode.READWRITE) == [primary]
    assert farm.candidates("employees.salaries", 2**70, Mode.READWRITE)[0].group == "shard3"
    assert farm.candidates("employees.salaries", scope=Scope.GLOBAL, mode=Mode.READWRITE)[0].group == "global"
    for exclude in ([heavy], [heavy.uuid], [f"{heavy.host}:{heavy.port}"], (s for s in [heavy])):
        assert farm.group_candidates("shard1", exclude=exclude)[0] == light
    assert farm.group_candidates("shard1", prefer=mf.Prefer.PRIMARY)[0] == primary
    assert primary not in farm.group_candidates("shard1", prefer=mf.Prefer.SECONDARY_ONLY)
    assert len(farm.group_candidates("shard1", limit=1)) == 1
    first = collections.Counter(farm.group_candidates("shard1", weights={heavy: 1, light.uuid: 3})[0] for _ in range(100))
    assert first == {heavy: 25, light: 75}
    farm.report(light, 2003)
    assert farm.group_candidates("shard1")[-1] == light
    with pytest.raises(mf.NoServer):
        farm.group_candidates("shard1", exclude=[primary, heavy, light])
    with pytest.raises(mf.InvalidKey):
        farm.candidates("crm.names", 2**70)
    for bad in ({"prefer": 9}, {"limit": 0}, {"weights": {heavy: 0}}, {"weights": {heavy: -1.0}}, {"zone": "x" * 100}):
        with pytest.raises(ValueError):
            farm.group_candidates("shard1", **bad)
    for bad, words in (
        ({"weights": {heavy: -1.0}}, "^'weights"),
        ({"zone": "x" * 100}, "^zone"),
        ({"exclude": ["\0"]}, "^a server"),
    ):
        with pytest.raises(ValueError, match=words):
            farm.group_candidates("shard1", **bad)
    for bad in ({"exclude": [5]}, {"weights": [1]}, {"zone": 5}, {"limit": "1"}):
        with pytest.raises((TypeError, AttributeError)):
            farm.group_candidates("shard1", **bad)


def test_a_read_preference(node):
    for prefer, ports in (
        (mf.Prefer.PRIMARY, {33611}),
        (mf.Prefer.NEAREST, {33611, 33612, 33613}),
        (mf.Prefer.SECONDARY_ONLY, {33612, 33613}),
    ):
        with node.farm(read_preference=prefer) as farm:
            assert {farm.group_server("shard1").port for _ in range(50)} == ports
    with node.farm(read_preference=mf.Prefer.SECONDARY_ONLY) as farm, pytest.raises(mf.NoServer):
        farm.group_server("shard3")
