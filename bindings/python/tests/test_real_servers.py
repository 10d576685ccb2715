"""SQLAlchemy's pool, and the example of a service, on real servers."""

import os
import subprocess
import sys
import threading

import mysql.connector
import pymysql
import pytest
import sqlalchemy
from sqlalchemy import create_engine, text

import mysqlfabric as mf
from conftest import ROOT, servers_can_be_had
from mysqlfabric import Mode

GROUP_REPLICATION = ROOT / "tests" / "servers" / "group_replication.sh"


@pytest.fixture
def farm(real_farm):
    with real_farm.farm() as farm:
        farm.seed()
        yield farm


@pytest.fixture
def engine(farm, two_servers):
    creator = farm.creator(
        pymysql.connect, group="shard1", mode=Mode.READWRITE, database="employees", **two_servers[0].user
    )
    engine = creator.attach(create_engine("mysql+pymysql://", creator=creator, pool_size=3))
    yield engine
    engine.dispose()


@pytest.fixture
def creator_elsewhere(farm, two_servers):
    creator = farm.creator(pymysql.connect, group="shard1", **two_servers[0].user)
    engine = create_engine(
        "mysql+pymysql://", creator=lambda: pymysql.connect(host="127.0.0.1", port=two_servers[0].port, **two_servers[0].user)
    )
    yield creator.attach(engine)
    engine.dispose()


def write(engine, number):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO salaries VALUES (:n, :n)"), {"n": number})


def read(server):
    return [row[0] for row in server.sql("SELECT emp_no FROM employees.salaries ORDER BY 1")]


def test_a_pool_follows_the_primary(engine, farm, real_farm, two_servers, eventually):
    first, second = two_servers
    with engine.connect() as a, engine.connect() as b:
        assert a.scalar(text("SELECT @@port")) == b.scalar(text("SELECT @@port")) == first.port
    write(engine, 1)
    real_farm.control("promote", "shard1", real_farm.uuids[1])
    assert eventually(lambda: farm.group_server("shard1", Mode.READWRITE).port == second.port)
    # Both of the pool are of the old primary, and are given up when they are asked for.
    for number in (2, 3):
        write(engine, number)
    assert (read(first), read(second)) == ([1], [2, 3])
    assert eventually(lambda: first.connections() == 0)


def test_a_refused_write(engine, farm, real_farm, two_servers):
    """One error, and the next transaction waits for the new primary."""
    first, second = two_servers
    write(engine, 1)
    first.sql("SET GLOBAL super_read_only = ON")
    try:
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught:
            write(engine, 2)
        assert caught.value.orig.args[0] == 1290 and caught.value.connection_invalidated
        with pytest.raises(mf.WriteHeld):
            farm.group_server("shard1", Mode.READWRITE)
        threading.Timer(0.5, real_farm.control, ("promote", "shard1", real_farm.uuids[1])).start()
        write(engine, 2)
        assert (read(first), read(second)) == ([1], [2])
    finally:
        first.sql("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def test_a_refusal_of_one_session_holds_no_writes(engine, farm):
    """1792 and 1290 that are no matter of the server: as it refuses them."""
    for statements in (
        ("ROLLBACK", "START TRANSACTION READ ONLY", "INSERT INTO salaries VALUES (9, 9)"),
        ("SELECT 1 INTO OUTFILE '/nowhere/at/all'",),
    ):
        with engine.connect() as connection:
            with pytest.raises(sqlalchemy.exc.DBAPIError) as caught:
                for statement in statements:
                    connection.execute(text(statement))
            assert caught.value.orig.args[0] in (1792, 1290), caught.value
            assert not caught.value.connection_invalidated
            assert farm.report(farm.group_server("shard1", Mode.READWRITE), caught.value) == mf.Action.NONE
        assert farm.group_server("shard1", Mode.READWRITE)
    write(engine, 1)


def test_a_closed_farm_hides_nothing(engine, farm):
    with pytest.raises(sqlalchemy.exc.IntegrityError), engine.connect() as connection:
        connection.execute(text("INSERT INTO salaries VALUES (1, 1)"))
        farm.close()
        connection.execute(text("INSERT INTO salaries VALUES (1, 1)"))


def test_an_engine_that_connects_by_something_else(creator_elsewhere):
    with pytest.raises(RuntimeError, match="creator"):
        creator_elsewhere.connect()


def test_a_lost_connection(engine, farm, two_servers):
    write(engine, 1)
    with engine.connect() as connection:
        identity = connection.scalar(text("SELECT CONNECTION_ID()"))
        two_servers[0].sql(f"KILL {identity}")
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught:
            connection.execute(text("SELECT 1"))
    assert caught.value.connection_invalidated
    write(engine, 2)
    assert read(two_servers[0]) == [1, 2]


def test_errors_that_are_no_matter_of_routing(engine, farm):
    with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught, engine.connect() as connection:
        connection.execute(text("SELECT * FROM nothing"))
    assert not caught.value.connection_invalidated
    assert farm.metrics().servers_quarantined == 0


def test_a_read_goes_to_another_server(farm, real_farm, two_servers, dead):
    """The creator is refused by one secondary, and takes the other."""
    uuid = "00000000-0000-0000-0000-000000000009"
    real_farm.control("add_server", "shard1", uuid, "127.0.0.1", str(dead[1]), "SECONDARY", "READ_ONLY", "100")
    farm.group_servers("shard1", use_cache=False)
    creator = farm.creator(pymysql.connect, tables="employees.salaries", key=1, mode=Mode.READONLY, **two_servers[0].user)
    for _ in range(3):
        connection = creator()
        assert connection.port == two_servers[1].port
        connection.close()
    assert farm.metrics().servers_quarantined == 1


@pytest.mark.parametrize("connect", [pymysql.connect, mysql.connector.connect], ids=["pymysql", "connector"])
def test_transactions(farm, real_farm, two_servers, connect, eventually):
    """That run again where routing fails them, and once where anything else does."""
    first, second = two_servers
    creator = farm.creator(connect, group="shard1", database="employees", **first.user)
    made = []

    def insert(connection, number):
        made.append(connection)
        connection.cursor().execute("INSERT INTO salaries VALUES (%s, %s)", (number, number))
        return number

    assert [creator.run(lambda c, n=n: insert(c, n)) for n in (1, 2)] == [1, 2]
    assert made[0] is made[1]
    with pytest.raises(Exception, match="Duplicate"):
        creator.run(lambda c: (insert(c, 3), insert(c, 1)))
    with pytest.raises(ZeroDivisionError):
        creator.run(lambda c: (insert(c, 4), 1 / 0))
    assert read(first) == [1, 2] and made[-1] is made[0]

    # A session that was killed: the next one writes it.
    first.sql(*(f"KILL {row[0]}" for row in first.sql("SELECT PROCESSLIST_ID FROM performance_schema.threads"
                                                      " WHERE PROCESSLIST_USER = 'app'")))  # fmt: skip
    assert creator.run(lambda c: insert(c, 5)) == 5
    assert read(first) == [1, 2, 5] and made[-1] is not made[0]

    # A primary that refuses, and another one later.
    first.sql("SET GLOBAL super_read_only = ON")
    try:
        with pytest.raises((mf.WriteHeld, pymysql.MySQLError, mysql.connector.Error)):
            creator.run(lambda c: insert(c, 6), within=0.3)
        threading.Timer(0.5, real_farm.control, ("promote", "shard1", real_farm.uuids[1])).start()
        assert creator.run(lambda c: insert(c, 6)) == 6
        assert (read(first), read(second)) == ([1, 2, 5], [6])
    finally:
        first.sql("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    creator.close()
    assert eventually(lambda: first.connections() == second.connections() == 0)


def test_a_creator_needs_to_know_where(farm):
    for bad in ({}, {"group": "a", "tables": "a.b"}):
        with pytest.raises(TypeError):
            farm.creator(pymysql.connect, **bad)
    with pytest.raises(ValueError):
        farm.creator(pymysql.connect, group="a", attempts=0)
    with pytest.raises(mf.UnknownGroup):
        farm.creator(pymysql.connect, group="nobody", wait=0)()


@pytest.fixture
def group(tmp_path):
    """Three real servers in a group: what group_replication.sh is told, and what it says."""
    servers_can_be_had("mysql")
    environment = {**os.environ, "FARM": str(tmp_path / "group"), "PORT": "24900"}

    def tell(*command):
        told = subprocess.run([GROUP_REPLICATION, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        return told.stdout.strip()

    try:
        tell("start", "3")
        yield tell
    finally:
        # In good order each would wait for the others.
        for number in ("1", "2", "3"):
            subprocess.run([GROUP_REPLICATION, "kill", number], env=environment, stderr=subprocess.DEVNULL)
        tell("stop")


def test_the_example_survives_the_loss_of_its_primary(group):
    primary = group("primary")
    group("sql", primary, "CREATE DATABASE demo; CREATE TABLE demo.entries (id BIGINT PRIMARY KEY)")
    url = "cluster://" + ",".join(f"127.0.0.1:{24900 + n}" for n in (1, 2, 3))
    service = subprocess.Popen(
        [sys.executable, ROOT / "bindings/python/examples/service.py", url, "farm", "farm", "120"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    written = [int(service.stdout.readline()) for _ in range(100)]
    group("kill", primary)
    # It goes on at another primary, and everything that it was told is written is there. Some of these were written
    # before the server was gone.
    written += [int(service.stdout.readline()) for _ in range(200)]
    assert group("primary") != primary
    service.kill()
    written += map(int, service.communicate()[0].split())
    found = set(map(int, group("sql", group("primary"), "SELECT id FROM demo.entries").split()))
    assert set(written) <= found
