"""Every recorded answer of a real server, through the C API and over the wire.

Where the library decides otherwise on purpose, the line is counted under its reason; a
difference without a reason fails.
"""

import collections
import json

import pytest

from conftest import FARMS, ROOT, FabricNode
from mysqlfabric import Code, Compat, FabricError, Mode

VECTORS = ROOT / "tests" / "data" / "vectors"


@pytest.fixture(scope="module")
def node():
    node = FabricNode("--farm", FARMS / "farm-vectors.json")
    for at, group in enumerate(["global", "shard1", "shard2", "shard3", "shard4"]):
        uuid = "00000000-0000-0000-0000-{:012d}".format(at)
        node.control("add_server", group, uuid, "db{}".format(at), 3306, "PRIMARY", "READ_WRITE")
    yield node
    node.stop()


def lines():
    for path in sorted(VECTORS.glob("*.jsonl")):
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                yield json.loads(line)


def answer(fabric, line):
    """A group name, or the code that says why not."""
    key = int(line["key"]) if line["key_type"] == "int" else line["key"]
    try:
        return fabric.shard_server([line["table"]], key, mode=Mode.READWRITE).group
    except FabricError as error:
        return Code(error.code)


def reason(line, ours):
    """Why the library may differ from the server on this line; None: it may not."""
    kind, key, is_text = line["type"], line["key"], line["key_type"] == "str"
    if kind in ("RANGE", "RANGE_INTEGER"):
        if ours == Code.KEY_TYPE and is_text:
            return "RANGE text that is no plain decimal integer"
    if kind == "RANGE_DATETIME" and ours == Code.KEY_TYPE and is_text:
        return "RANGE_DATETIME text in a form that is refused"
    if line["table"] == "crm.nonascii" and any(c > "\uffff" for c in key):
        return "RANGE_STRING bound outside the BMP matches by its bytes"
    if line["table"] == "disabled_db.t" and line.get("error") == "Shard not enabled":
        if ours == "shard1":
            return "disabled shard: a hole that no dump shows"
    return None


def test_every_line_is_routed_as_the_server_did(node, capsys):
    agreed, total, differ = 0, 0, collections.Counter()
    with node.handle(ttl_ms=(600000, 0)) as fabric:
        fabric.seed()
        for line in lines():
            total += 1
            ours = answer(fabric, line)
            wanted = line.get("group")
            if ours == wanted or (wanted is None and isinstance(ours, Code)):
                agreed += 1
                continue
            why = reason(line, ours)
            assert why is not None, (ours, line)
            differ[why] += 1
    with capsys.disabled():
        print("\nvectors: {} of {} agree with the server".format(agreed, total))
        for why, count in sorted(differ.items()):
            print("  on purpose otherwise, {:3}: {}".format(count, why))
    assert (agreed, total) == (16170, 16389)
    assert differ == {
        "RANGE text that is no plain decimal integer": 87,
        "RANGE_DATETIME text in a form that is refused": 17,
        "RANGE_STRING bound outside the BMP matches by its bytes": 69,
        "disabled shard: a hole that no dump shows": 46,
    }
    assert agreed + sum(differ.values()) == total


def test_compat_gives_the_answers_of_connector_python(node, capsys):
    asked, unlike_server = collections.Counter(), collections.Counter()
    options = {"ttl_ms": (600000, 0)}
    with node.handle(compat=Compat.CONNECTOR_PYTHON, **options) as fabric, node.handle(
        **options
    ) as plain:
        for line in lines():
            kind = line["type"]
            if kind == "HASH":
                reference = line["reference_group_utf8"]
            elif kind == "RANGE" and line["key_type"] == "int":
                reference = line["reference_group"]
            else:
                continue
            ours = answer(fabric, line)
            assert ours == reference, line
            asked[kind] += 1
            unlike_server[kind] += ours != answer(plain, line)
    with capsys.disabled():
        print("\ncompat: {} of {} as the reference".format(sum(asked.values()), sum(asked.values())))
    assert asked == {"HASH": 3049, "RANGE": 5979}
    assert unlike_server == {"HASH": 812, "RANGE": 1759}
