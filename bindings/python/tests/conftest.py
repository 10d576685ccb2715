"""Fabric nodes for the tests: fabricd processes, each driven through its control port."""

import os
import re
import socket
import subprocess
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
