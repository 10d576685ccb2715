"""Connections of mysqlfabric.compat, and programs of Connector/Python, on real servers."""

import types

import mysql.connector
import pymysql
import pytest

import mysqlfabric.compat as compat
from mysqlfabric.compat import MODE_READONLY, MODE_READWRITE, connection, errors

DRIVERS = [mysql.connector, pymysql, pymysql.connect, None]


@pytest.fixture(params=DRIVERS, ids=["connector", "pymysql", "function", "default"])
def fabric_connection(request, real_farm, two_servers):
    made = compat.connect(
        fabric={"host": real_farm.host, "port": real_farm.port, "username": "admin", "password": "secret"},
        driver=request.param, database="employees", **two_servers[0].user,
    )  # fmt: skip
    yield made
    made.close()
    connection.FABRICS.clear()


def test_a_transaction(fabric_connection, two_servers):
    c = fabric_connection
    assert not c.is_connected() and c.fabric_uuid is None
    c.set_property(tables=["employees.salaries"], key=10021, mode=MODE_READWRITE)
    cursor = c.cursor()
    assert c.is_connected() and c.fabric_uuid.endswith(str(two_servers[0].port))
    cursor.execute("INSERT INTO salaries VALUES (%s, %s)", (10021, 5))
    c.commit()
    cursor.execute("SELECT * FROM salaries ORDER BY 1")
    assert list(cursor) == [(10021, 5)]
    cursor.execute("SELECT COUNT(*) FROM salaries")
    assert cursor.fetchone() == (1,)
    cursor.execute("INSERT INTO salaries VALUES (%s, %s)", (1, 1))
    c.rollback()
    cursor.close()
    assert two_servers[0].sql("SELECT COUNT(*) FROM employees.salaries") == ((1,),)
    c.reset_properties()
    assert c.properties["mode"] == MODE_READWRITE
    c.set_property(group="shard1", mode=MODE_READONLY)
    assert not c.is_connected()
    with c.cursor() as cursor:
        cursor.execute("SELECT @@port")
        assert list(cursor.fetchall()) == [(two_servers[1].port,)]


def test_a_cursor_is_that_of_the_driver(fabric_connection):
    """What is set on it is set there, and next() takes a row."""
    c = fabric_connection
    c.set_property(group="shard1")
    cursor = c.cursor()
    cursor.arraysize = 4
    cursor.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 ORDER BY 1")
    assert cursor.arraysize == 4
    assert [row[0] for row in cursor.fetchmany()] == [1, 2, 3, 4]
    assert next(cursor)[0] == 5
    with pytest.raises(StopIteration):
        next(cursor)


def test_attempts_without_end_and_none(start, dead, monkeypatch):
    node = start()
    c = compat.connect(
        fabric={"host": node.host, "port": node.port, "username": "admin", "password": "secret"}, driver=lambda **_: refuse()
    )

    def refuse():
        tried.append(1)
        if len(tried) == 20:
            raise KeyboardInterrupt
        raise pymysql.OperationalError(2003, "refused")

    tried = []
    c.set_property(group="shard1", attempts=-1, attempt_delay=0)
    with pytest.raises(KeyboardInterrupt):
        c.cursor()
    c.set_property(attempts=0)
    with pytest.raises(errors.InterfaceError, match="attempts"):
        c.cursor()
    connection.FABRICS.clear()


def test_another_primary(fabric_connection, real_farm, two_servers):
    """A statement that the old primary refuses, and the next try at the new one."""
    c = fabric_connection
    c.set_property(group="shard1")
    cursor = c.cursor()
    cursor.execute("INSERT INTO salaries VALUES (1, 1)")
    c.commit()
    two_servers[0].sql("SET GLOBAL super_read_only = ON")
    try:
        with pytest.raises(errors.MySQLFabricError, match="retry transaction"):
            cursor.execute("INSERT INTO salaries VALUES (2, 2)")
        assert not c.is_connected()
        real_farm.control("promote", "shard1", real_farm.uuids[1])
        c.set_property(attempts=20)
        cursor = c.cursor()
        cursor.execute("INSERT INTO salaries VALUES (2, 2)")
        c.commit()
        assert two_servers[1].sql("SELECT * FROM employees.salaries") == ((2, 2),)
    finally:
        two_servers[0].sql("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def test_errors_that_are_no_matter_of_routing(fabric_connection):
    c = fabric_connection
    c.set_property(group="shard1")
    cursor = c.cursor()
    with pytest.raises(Exception) as caught:
        cursor.execute("SELECT * FROM nothing_of_this_name")
    assert "nothing_of_this_name" in str(caught.value) and not isinstance(caught.value, errors.MySQLFabricError)
    assert c.is_connected()


def test_a_server_that_cannot_be_reached(start, dead, eventually):
    node = start()
    node.control("add_group", "gone", "")
    uuid = "00000000-0000-0000-0000-000000000001"
    node.control("add_server", "gone", uuid, "127.0.0.1", str(dead[1]), "PRIMARY", "READ_WRITE", "1.0")
    fabric = compat.Fabric(node.host, "admin", "secret", node.port, report_errors=True)
    fabric.seed()
    c = compat.connect(fabric=fabric, driver=pymysql, user="app", password="secret")
    c.set_property(group="gone", attempts=2, attempt_delay=0)
    with pytest.raises(errors.InterfaceError, match="faulty"):
        c.cursor()
    assert eventually(lambda: [r["server_uuid"] for r in node.control("reports")] == [uuid])


def test_properties(start):
    node = start()
    c = compat.connect(
        fabric={"host": node.host, "port": node.port, "username": "admin", "password": "secret"}, driver=pymysql
    )
    for bad in ({"nonsense": 1}, {"scope": "X"}, {"mode": 2}, {"mode": 9}):
        with pytest.raises(ValueError):
            c.set_property(**bad)
    for bad in ({"tables": "employees.salaries"}, {"key": 1.5}, {"group": 5}, {"mode": "3"}, {"attempts": "3"}):
        with pytest.raises(TypeError):
            c.set_property(**bad)
    c.set_property(tables=["employees.salaries"], key=1)
    with pytest.raises(ValueError):
        c.set_property(group="shard1")
    c.reset_properties()
    c.set_property(group="shard1")
    with pytest.raises(ValueError):
        c.set_property(key=1)
    c.set_property(group=None)
    assert c.properties["group"] is None
    with pytest.raises(ValueError):
        c.cursor()
    c.set_property(tables=["employees.salaries"])
    with pytest.raises(ValueError):
        c.cursor()
    for not_supported in ({"prepared": True}, {"cursor_class": object}):
        with pytest.raises(errors.NotSupportedError):
            c.cursor(**not_supported)
    with pytest.raises(errors.NotSupportedError):
        c.cmd_ping()
    with pytest.raises(ValueError):
        compat.connect(user="x")
    with pytest.raises(ValueError):
        compat.connect(fabric={"port": 1})
    with pytest.raises(TypeError):
        compat.connect(fabric=compat.Fabric("h"), driver=5)
    connection.FABRICS.clear()


# Programs as the manual of Connector/Python has them, in our words. Only their imports are of here.
GLOBAL_TABLE = """
import mysql.connector
from mysql.connector import fabric

connection = mysql.connector.connect(
    fabric={"host": HOST, "port": PORT, "username": "admin", "password": "secret"},
    user="app", password="secret", database="employees", autocommit=True)
connection.set_property(tables=["employees.salaries"], scope=fabric.SCOPE_GLOBAL, mode=fabric.MODE_READWRITE)
cursor = connection.cursor()
cursor.execute("CREATE TABLE IF NOT EXISTS titles (emp_no INT PRIMARY KEY, title VARCHAR(50))")
cursor.execute("REPLACE INTO titles VALUES (1, 'Engineer')")
cursor.execute("SELECT title FROM titles")
RESULT = [title for (title,) in cursor]
connection.close()
"""

SHARDED_TABLE = """
import mysql.connector
from mysql.connector import fabric

def add_salary(connection, emp_no, salary):
    connection.set_property(tables=["employees.salaries"], key=emp_no, mode=fabric.MODE_READWRITE)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO salaries VALUES (%s, %s)", (emp_no, salary))
    connection.commit()

def find_salary(connection, emp_no):
    connection.set_property(tables=["employees.salaries"], key=emp_no, mode=fabric.MODE_READWRITE)
    cursor = connection.cursor()
    cursor.execute("SELECT salary FROM salaries WHERE emp_no = %s", (emp_no,))
    return [row[0] for row in cursor]

connection = mysql.connector.connect(
    fabric={"host": HOST, "port": PORT, "username": "admin", "password": "secret"},
    user="app", password="secret", database="employees")
add_salary(connection, 10021, 70000)
RESULT = find_salary(connection, 10021)
connection.close()
"""

LOOKUPS = """
from mysql.connector.fabric import Fabric, MODE_READONLY, STATUS_PRIMARY

fabric = Fabric(HOST, port=PORT, username="admin", password="secret")
fabric.seed()
RESULT = [fabric.get_group_server("shard1", status=STATUS_PRIMARY).port,
          fabric.get_group_server("shard1", mode=MODE_READONLY).port,
          fabric.get_shard_server(["employees.salaries"], 10021, mode=MODE_READONLY).port,
          len(fabric.get_group_servers("shard1"))]
"""

IMPORTS = [
    ("import mysql.connector\n", "from mysqlfabric.compat import mysql\n"),
    ("from mysql.connector import fabric", "from mysqlfabric.compat.mysql.connector import fabric"),
    ("from mysql.connector.fabric import", "from mysqlfabric.compat import"),
]


def run(program, node):
    for theirs, ours in IMPORTS:
        program = program.replace(theirs, ours)
    module = types.ModuleType("program")
    vars(module).update(HOST=node.host, PORT=node.port)
    exec(compile(program, "program", "exec"), vars(module))
    connection.FABRICS.clear()
    return module.RESULT


def test_programs_move_by_their_import_lines(real_farm, two_servers):
    assert run(GLOBAL_TABLE, real_farm) == ["Engineer"]
    assert run(SHARDED_TABLE, real_farm) == [70000]
    assert two_servers[0].sql("SELECT * FROM employees.salaries") == ((10021, 70000),)
    first, second = (server.port for server in two_servers)
    assert run(LOOKUPS, real_farm) == [first, second, second, 2]


def test_the_rest_of_connector_python_is_there(two_servers):
    from mysqlfabric.compat import mysql as moved

    plain = moved.connector.connect(host="127.0.0.1", port=two_servers[0].port, **two_servers[0].user)
    plain.close()
    assert moved.connector.Error is mysql.connector.Error
    assert moved.connector.fabric.MODE_READWRITE == 3
    assert moved.connector.__version__ == mysql.connector.__version__
    with pytest.raises(AttributeError):
        moved.connector.nothing_of_this_name
