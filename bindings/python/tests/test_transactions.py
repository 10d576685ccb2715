"""Creator.run() on real servers: what runs twice, what is left of what failed, and forks."""

import os
import threading

import mysql.connector
import pymysql
import pytest
from sqlalchemy import create_engine, text

import mysqlfabric as mf

CONNECTS = pytest.mark.parametrize("connect", [pymysql.connect, mysql.connector.connect], ids=["pymysql", "connector"])


@pytest.fixture
def farm(real_farm):
    with real_farm.farm() as farm:
        farm.seed()
        yield farm


@pytest.fixture
def creator_of(farm, two_servers):
    def make(connect, **options):
        return farm.creator(connect, group="shard1", database="employees", **two_servers[0].user, **options)

    return make


def insert(connection, number):
    connection.cursor().execute("INSERT INTO salaries VALUES (%s, 0)", (number,))


def rows(server):
    return [row[0] for row in server.sql("SELECT emp_no FROM employees.salaries ORDER BY 1")]


@CONNECTS
def test_what_is_no_exception_leaves_nothing(creator_of, two_servers, connect):
    """As of a signal handler, or a timeout of gevent: the next transaction does not commit it."""
    creator = creator_of(connect)
    creator.run(lambda c: insert(c, 1))
    for end in (KeyboardInterrupt, SystemExit):

        def half(connection, end=end):
            insert(connection, 2)
            raise end

        with pytest.raises(end):
            creator.run(half)
    creator.run(lambda c: insert(c, 3))
    assert rows(two_servers[0]) == [1, 3]


def test_a_rollback_that_is_interrupted(creator_of, two_servers):
    class Connection(pymysql.connections.Connection):
        def rollback(self):
            raise KeyboardInterrupt

    creator = creator_of(Connection)
    with pytest.raises(KeyboardInterrupt):
        creator.run(lambda c: (insert(c, 1), 1 / 0))
    creator.run(lambda c: insert(c, 2))
    assert rows(two_servers[0]) == [2]


@CONNECTS
def test_a_failure_of_the_program_runs_nothing_again(creator_of, farm, two_servers, connect):
    """Also where its connection cannot be rolled back afterwards: here the program has closed it."""
    creator = creator_of(connect, autocommit=True)
    for end in (lambda: None, lambda: int("x"), lambda: {}["x"]):
        for _ in range(2):
            runs = []

            def closing(connection, runs=runs, end=end):
                runs.append(1)
                insert(connection, 1)
                connection.close()
                end()

            two_servers[0].sql("DELETE FROM employees.salaries")
            with pytest.raises((ValueError, KeyError, pymysql.MySQLError, mysql.connector.Error)):
                creator.run(closing, within=3)
            assert len(runs) == len(rows(two_servers[0])) == 1
            assert farm.metrics().servers_quarantined == 0
            creator.run(lambda c: c.cursor().execute("DO 1"))


def test_a_transaction_in_a_transaction(creator_of, two_servers, eventually):
    """It has a connection of its own, and commits nothing of the one around it."""
    creator = creator_of(pymysql.connect)

    def outer(connection):
        insert(connection, 1)
        creator.run(lambda c: insert(c, 2))
        raise ValueError("of the outer one")

    for _ in range(2):
        two_servers[0].sql("DELETE FROM employees.salaries")
        with pytest.raises(ValueError, match="outer"):
            creator.run(outer)
        assert rows(two_servers[0]) == [2]
    assert eventually(lambda: two_servers[0].connections() == 1)
    creator.close()


@CONNECTS
@pytest.mark.parametrize("ending", ["exit", "_exit"])
def test_a_fork(creator_of, two_servers, connect, ending, eventually):
    """The child has connections of its own, and leaves those of its parent alone, also those of other threads."""
    creator = creator_of(connect)
    ids, may_end, has_begun = [], threading.Event(), threading.Event()

    def own_id(connection):
        cursor = connection.cursor()
        cursor.execute("SELECT CONNECTION_ID()")
        return cursor.fetchall()[0][0]

    def other():
        ids.append(creator.run(own_id))
        has_begun.set()
        may_end.wait(60)
        ids.append(creator.run(own_id))

    thread = threading.Thread(target=other)
    thread.start()
    assert has_begun.wait(60)
    ids.append(creator.run(own_id))
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, b"own" if creator.run(own_id) not in ids else b"parent's")
            creator.run(lambda c: insert(c, 1))
            creator.close()
        finally:
            if ending == "_exit":
                os._exit(0)
            # Its end as an interpreter's, without pytest's.
            import atexit, gc  # noqa: E401

            atexit._run_exitfuncs()
            del creator
            gc.collect()
            os._exit(0)
    os.close(writer)
    assert os.waitpid(pid, 0)[1] == 0
    with os.fdopen(reader) as told:
        assert told.read() == "own"
    may_end.set()
    thread.join()
    ids.append(creator.run(own_id))
    assert ids[0] == ids[2] and ids[1] == ids[3]
    assert rows(two_servers[0]) == [1]
    creator.close()
    assert eventually(lambda: two_servers[0].connections() == 0)


@CONNECTS
def test_a_fork_in_a_transaction(creator_of, two_servers, connect):
    """The transaction is the parent's, whatever becomes of the child."""
    creator = creator_of(connect)
    for error in (None, ValueError, KeyboardInterrupt):
        two_servers[0].sql("DELETE FROM employees.salaries")

        def fork(connection, error=error):
            insert(connection, 1)
            children.append(os.fork())
            if children[-1] == 0 and error is not None:
                raise error

        children = []
        try:
            creator.run(fork)
        except BaseException as raised:
            if children[-1] == 0:
                os._exit(0 if type(raised) is (error or RuntimeError) else 1)
            raise
        if children[-1] == 0:
            os._exit(2)
        assert os.waitpid(children[-1], 0)[1] == 0
        creator.run(lambda c: insert(c, 2))
        assert rows(two_servers[0]) == [1, 2]
    creator.close()


def test_a_fork_with_an_engine(creator_of, two_servers):
    creator = creator_of(pymysql.connect)
    engine = creator.attach(create_engine("mysql+pymysql://", creator=creator))

    def own_id():
        with engine.connect() as connection:
            return connection.scalar(text("SELECT CONNECTION_ID()"))

    before = own_id()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if own_id() != before and own_id() == own_id():
                status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert own_id() == before
    engine.dispose()


def test_a_primary_that_comes_late(creator_of, farm, real_farm, two_servers):
    """Later than a connection would wait for it, and within the time of run()."""
    first, second = two_servers
    creator = creator_of(pymysql.connect, wait=0.1)
    real_farm.control("demote", "shard1")
    farm.group_servers("shard1", use_cache=False)
    with pytest.raises(mf.NoServer):
        creator()
    timer = threading.Timer(1, real_farm.control, ("promote", "shard1", real_farm.uuids[1]))
    timer.start()
    creator.run(lambda c: insert(c, 1), within=60)
    timer.join()
    assert (rows(first), rows(second)) == ([], [1])
    for within in (float("nan"), "1", True, None):
        with pytest.raises(TypeError, match="within"):
            creator.run(lambda c: None, within=within)
