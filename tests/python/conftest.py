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
from documented import documented

ROOT = Path(__file__).resolve().parents[2]
FARMS = ROOT / "fabricd" / "data"


def fabricd_path():
    if os.environ.get("FABRICD"):
        return os.environ["FABRICD"]
    for profile in ("release", "debug"):
        path = ROOT / "target" / profile / "fabricd"
        if path.exists():
            return str(path)
    pytest.exit("no fabricd: run `cargo build --release -p mysqlfabric -p fabricd`", 2)


class FabricNode:
    """A running fabricd. It ends at the end of its input, so it cannot outlive the tests."""

    def __init__(self, *arguments, host="127.0.0.1"):
        self.host = host
        command = [fabricd_path(), "--exit-with-parent", "--listen", host + ":0"]
        command += ["--control", "127.0.0.1:0", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True
        )
        ready = self.process.stdout.readline()
        found = re.match(r"ready port=(\d+) control=(\d+)$", ready)
        assert found, "fabricd did not start: {!r}".format(ready)
        self.port, self.control_port = map(int, found.groups())

    def control(self, method, *args):
        """Calls `fabricd.<method>` and gives the rows of the answer as dictionaries."""
        url = "http://127.0.0.1:{}/".format(self.control_port)
        with xmlrpc.client.ServerProxy(url, allow_none=True) as proxy:
            _, _, _, error, sets = getattr(proxy.fabricd, method)(*args)
        assert error == "", error
        return [dict(zip(s["info"]["names"], row)) for s in sets for row in s["rows"]]

    def methods(self):
        """The methods that were called with good credentials."""
        return [r["method"] for r in self.control("requests") if r["authorized"]]

    @property
    def address(self):
        return (self.host, self.port)

    def handle(self, **options):
        """A handle on this node that fails fast; options as mysqlfabric.Fabric has them."""
        options.setdefault("nodes", [self.address])
        options.setdefault("user", "admin")
        options.setdefault("password", "secret")
        options.setdefault("connect_attempts", 1)
        return mf.Fabric(**options)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


DOCUMENTED = documented()
UNDOCUMENTED = set()


def _look_up(status, function, _):
    known = DOCUMENTED.get(function.__name__)
    if known is not None and status not in known:
        UNDOCUMENTED.add((function.__name__, mf.Code(status).name))
    return status


for _name in DOCUMENTED:
    if _name in mf.SIGNATURES:
        getattr(mf.lib, _name).errcheck = _look_up


@pytest.fixture(autouse=True)
def documented_alone():
    """No function answers what its part of the header does not name."""
    UNDOCUMENTED.clear()
    yield
    assert not UNDOCUMENTED


@pytest.fixture
def start():
    """Starts fabricd with these arguments; it is stopped after the test."""
    nodes = []

    def start_node(*arguments, **keywords):
        nodes.append(FabricNode(*arguments, **keywords))
        return nodes[-1]

    yield start_node
    for node in nodes:
        if node.process.poll() is None:
            node.stop()


@pytest.fixture
def node(start):
    """A node with the farm of farm.json."""
    return start()


@pytest.fixture
def fabric(node):
    """A handle on `node`."""
    with node.handle() as fabric:
        yield fabric


@pytest.fixture
def dead():
    """The address of a port that refuses connections: bound, so that nobody else gets it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """A directory with an authority, a server certificate and a client certificate."""
    directory = tmp_path_factory.mktemp("certs")
    subprocess.run([fabricd_path(), "--make-certs", str(directory)], check=True)
    return directory


def fails(code, call, *args, errno=None, **keywords):
    """Expects a FabricError with this code; gives its message."""
    with pytest.raises(mf.FabricError) as caught:
        call(*args, **keywords)
    assert mf.Code(caught.value.code) == code, caught.value
    if errno is not None:
        assert caught.value.errno == errno
    assert caught.value.retryable == mf.is_retryable(code)
    assert caught.value.message
    return caught.value.message


def eventually(condition, seconds=20):
    """Waits until the condition holds; what it gave last."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.02)
