"""Fabric nodes for the tests: fabricd processes, each driven through its control port."""

import json
import os
import random
import re
import socket
import subprocess
import sys
import time
import xmlrpc.client
from pathlib import Path

import pytest

import mysqlfabric as mf

ROOT = Path(__file__).resolve().parents[3]
TOPOLOGY = ROOT / "tests" / "data" / "topology.json"


def fabricd_path():
    if os.environ.get("FABRICD"):
        return os.environ["FABRICD"]
    for profile in ("release", "debug"):
        path = ROOT / "target" / profile / "fabricd"
        if path.exists():
            return str(path)
    pytest.exit("no fabricd: run `cargo build -p fabricd`, or set FABRICD", 2)


class FabricNode:
    """A running fabricd. It ends at the end of its input, so it cannot outlive the tests."""

    host = "127.0.0.1"
    user = "admin"
    password = "secret"

    def __init__(self, *arguments):
        command = [fabricd_path(), "--exit-with-parent", "--listen", self.host + ":0"]
        command += ["--control", "127.0.0.1:0", "--mysql", "127.0.0.1:0", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        found = re.match(r"ready port=(\d+) control=(\d+) mysql=(\d+)$", ready)
        assert found, f"fabricd did not start: {ready!r}"
        self.port, self.control_port, self.mysql_port = map(int, found.groups())

    @property
    def url(self):
        return f"fabric://{self.host}:{self.port}"

    def control(self, method, *args):
        """Calls `fabricd.<method>` and gives the rows of the answer as dictionaries."""
        with xmlrpc.client.ServerProxy(f"http://127.0.0.1:{self.control_port}/", allow_none=True) as proxy:
            _, _, _, error, sets = getattr(proxy.fabricd, method)(*args)
        assert error == "", error
        return [dict(zip(s["info"]["names"], row)) for s in sets for row in s["rows"]]

    def options(self, **options):
        """Options of a farm on this node that fails fast."""
        defaults = dict(url=self.url, user=self.user, password=self.password, connect_attempts=1)
        return {**defaults, **options}

    def farm(self, **options):
        return mf.Farm(**self.options(**options))

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=20)
        self.process.stdout.close()


@pytest.fixture
def start():
    """Starts fabricd with these arguments; it is stopped after the test."""
    nodes = []

    def start_node(*arguments):
        nodes.append(FabricNode(*arguments))
        return nodes[-1]

    yield start_node
    for node in nodes:
        node.stop()


@pytest.fixture
def node(start):
    return start()


@pytest.fixture
def farm(node):
    with node.farm() as farm:
        yield farm


@pytest.fixture
def file_farm():
    """A farm of a file: no node, and nothing to wait for."""
    with mf.Farm(topology_file=TOPOLOGY) as farm:
        yield farm


@pytest.fixture
def dead():
    """The address of a port that refuses connections: bound, so that nobody else gets it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


@pytest.fixture
def eventually():
    """Waits until a condition holds; what it gave last."""

    def wait(condition, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value or time.monotonic() > deadline:
                return value
            time.sleep(0.02)

    return wait


class RealServer:
    """A MySQL server of its own, which ends with the test. User app, password secret, may do anything."""

    user = {"user": "app", "password": "secret"}

    def __init__(self, directory):
        import pymysql

        for port in random.sample(range(24000, 24900), 10):
            self.process = subprocess.Popen(
                [ROOT / "tests/servers/run.sh", "mysql", directory / str(port), str(port)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            if self.process.stdout.readline().startswith("ready "):
                break
            self.stop()
        self.port = port
        self.root = pymysql.connect(unix_socket=str(directory / str(port) / "sock"), user="root", autocommit=True)
        self.sql("CREATE USER app@'%' IDENTIFIED BY 'secret'", "GRANT ALL ON *.* TO app@'%'",
                 "CREATE DATABASE employees", "USE employees",
                 "CREATE TABLE salaries (emp_no INT, salary INT, PRIMARY KEY (emp_no, salary))")  # fmt: skip
        # Afterwards the server knows the hash, and asks for no password in full.
        pymysql.connect(unix_socket=str(directory / str(port) / "sock"), **self.user).close()

    def sql(self, *statements):
        """The rows of the last statement, run as root."""
        with self.root.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def connections(self):
        return self.sql("SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_USER = 'app'")[0][0]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def servers_can_be_had(*kinds):
    """Fetches real servers, once. Where they cannot be had it is said loudly, and an error if CI is "true"."""
    fetched = subprocess.run([ROOT / "tests/servers/fetch.sh", *kinds], stdout=subprocess.DEVNULL)
    if fetched.returncode != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("no MySQL server for the tests: see tests/servers/fetch.sh")
        print("\nSKIPPED, NOT TESTED: what needs a MySQL server, which cannot be fetched", file=sys.stderr)
        pytest.skip("no MySQL server")


@pytest.fixture(scope="session")
def two_servers(tmp_path_factory):
    """Two MySQL servers that know nothing of each other."""
    servers_can_be_had("mysql")
    servers = []
    try:
        for _ in range(2):
            servers.append(RealServer(tmp_path_factory.mktemp("mysql")))
        yield servers
    finally:
        for server in servers:
            server.process.stdin.close()
        for server in servers:
            server.stop()


@pytest.fixture
def real_farm(start, two_servers, tmp_path):
    """A fabricd whose group `shard1` has the two servers, the first one primary, and employees.salaries on it."""
    for server in two_servers:
        server.sql("DELETE FROM employees.salaries")
    uuids = [f"00000000-0000-0000-0000-{server.port:012d}" for server in two_servers]
    roles = [("READ_WRITE", "PRIMARY"), ("READ_ONLY", "SECONDARY")]
    farm = {
        "ttl": 1,
        "users": [{"user": "admin", "password": "secret", "roles": ["superadmin"]}],
        "groups": [
            {"id": group, "servers": [
                {"uuid": uuid, "host": "127.0.0.1", "port": server.port, "mode": mode, "status": status, "weight": 1}
                for uuid, server, (mode, status) in zip(uuids, two_servers, roles)
            ] if group == "shard1" else []}
            for group in ("shard1", "global")
        ],
        "mappings": [{
            "id": 1, "type": "RANGE", "global_group": "shard1",
            "tables": [{"schema": "employees", "table": "salaries", "column": "emp_no"}],
            "shards": [{"id": 1, "lower_bound": "1", "group": "shard1", "state": "ENABLED"}],
        }],
    }  # fmt: skip
    path = tmp_path / "farm.json"
    path.write_text(json.dumps(farm))
    node = start("--farm", path)
    node.uuids = uuids
    return node
