"""Keys of Python's types, exactly; and those that are refused, with the remedy."""

import array
import datetime
import decimal
import enum
import uuid

import pytest

import mysqlfabric as mf

BIG = 2**64


class Number(enum.IntEnum):
    LARGE = 10021


class Index:
    def __index__(self):
        return 10021


SAME = [
    ("employees.salaries", 10021, "shard2"),
    ("employees.salaries", "10021", "shard2"),
    ("employees.salaries", b"10021", "shard2"),
    ("employees.salaries", bytearray(b"10021"), "shard2"),
    ("employees.salaries", memoryview(b"10021"), "shard2"),
    ("employees.salaries", decimal.Decimal("10021"), "shard2"),
    ("employees.salaries", decimal.Decimal("1.0021E4"), "shard2"),
    ("employees.salaries", Number.LARGE, "shard2"),
    ("employees.salaries", Index(), "shard2"),
    ("employees.salaries", 1, "shard1"),
    ("employees.salaries", 2**63 - 1, "shard3"),
    ("employees.salaries", 2**63, "shard3"),
    ("employees.salaries", 2**64 - 1, "shard3"),
    ("employees.salaries", BIG, "shard3"),
    ("employees.salaries", 10**100, "shard3"),
    ("shop.orders", -1000, "shard1"),
    ("log.events", datetime.date(2009, 12, 31), "shard1"),
    ("log.events", datetime.date(2010, 1, 1), "shard2"),
    ("log.events", datetime.datetime(2020, 6, 14, 23, 59, 59), "shard2"),
    # Whole seconds, half up, as the server reads them.
    ("log.events", datetime.datetime(2020, 6, 14, 23, 59, 59, 500000), "shard3"),
    ("log.events", datetime.datetime(2020, 6, 15), "shard3"),
    ("crm.names", "Zoë", "shard2"),
    ("crm.names", "日本".encode(), "shard4"),
    ("hashdb.users", 5, "shard1"),
    ("hashdb.users", "5", "shard1"),
]


@pytest.fixture(scope="module")
def routed():
    from conftest import FabricNode

    node = FabricNode()
    with node.farm() as farm:
        farm.seed()
        yield farm
    node.stop()


@pytest.mark.parametrize("table, key, group", SAME)
def test_the_group_of_a_key(routed, table, key, group):
    assert routed.server(table, key, mf.Mode.READWRITE).group == group
    assert routed.table(table).server(key, mf.Mode.READWRITE).group == group
    assert routed.shard(table, key).group == group
    assert routed.servers(table, [key], mf.Mode.READWRITE)[0].group == group


@pytest.mark.parametrize("text", ["b2d7ad0c-2b8c-4f9c-9f5e-0d6f2f1d3c4b", "00000000-0000-0000-0000-000000000000"])
def test_a_uuid_is_its_text(routed, text):
    as_text = routed.shard("hashdb.users", text)
    assert routed.shard("hashdb.users", uuid.UUID(text)) == as_text


def test_a_hash_takes_dates_as_python_writes_them(routed):
    """As Connector/Python did, by str()."""
    for key in (datetime.date(2014, 5, 1), datetime.datetime(2014, 5, 1, 12), datetime.datetime(2014, 5, 1, 1, 2, 3, 4)):
        assert routed.shard("hashdb.users", key) == routed.shard("hashdb.users", str(key))


def test_integers_of_any_size_are_hashed_by_their_digits(routed):
    for number in (BIG, -BIG, 10**40, 2**63, -(2**63) - 1):
        assert routed.shard("hashdb.users", number) == routed.shard("hashdb.users", str(number))


def test_integers_below_64_bits_have_no_shard(routed):
    for number in (-(2**63) - 1, -BIG):
        with pytest.raises(mf.KeyOutOfRange):
            routed.server("shop.orders", number)


@pytest.mark.parametrize("table", ["crm.names", "log.events"])
@pytest.mark.parametrize("key", [1, 20200615, 2**63, BIG, 10**20, -BIG])
def test_integers_are_no_texts(routed, table, key):
    """Also those that only fit into a text."""
    opened = routed.table(table)
    for call in (
        lambda: routed.server(table, key),
        lambda: routed.shard(table, key),
        lambda: opened.server(key),
        lambda: opened.server(key, wait=1),
    ):
        with pytest.raises(mf.InvalidKey):
            call()
    with pytest.raises((mf.InvalidKey, mf.SomeKeysFailed)):
        routed.servers(table, [key])


@pytest.mark.parametrize(
    "key, remedy",
    [
        (True, "int(True)"),
        (1.0, "int(1.0)"),
        (float("nan"), "float"),
        (decimal.Decimal("1.5"), "whole number"),
        (decimal.Decimal("NaN"), "whole number"),
        (decimal.Decimal("Infinity"), "whole number"),
        (datetime.datetime(2014, 1, 1, tzinfo=datetime.timezone.utc), "astimezone"),
        (datetime.time(1), "not time"),
        (["a"], "not list"),
        ((1, 2), "not tuple"),
        (object(), "not object"),
    ],
)
def test_what_is_no_key(routed, key, remedy):
    for call in (
        lambda: routed.server("employees.salaries", key),
        lambda: routed.table("employees.salaries").server(key),
        lambda: routed.shard("employees.salaries", key),
        lambda: routed.shards_between("employees.salaries", 1, key),
        lambda: routed.servers("employees.salaries", [1, key]),
        lambda: routed.split("employees.salaries", [1, key]),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        assert remedy in str(caught.value)


def test_no_key(routed):
    with pytest.raises(mf.InvalidKey):
        routed.server("employees.salaries")
    assert routed.server("employees.salaries", scope=mf.Scope.GLOBAL).group == "global"


def test_bytes_are_utf_8(routed):
    for table in ("crm.names", "hashdb.users"):
        for key in (b"\xff", "\ud800"):
            for call in (lambda: routed.server(table, key), lambda: routed.servers(table, [key])):
                with pytest.raises(mf.InvalidKey, match="UTF-8"):
                    call()


def test_integers_of_more_digits_than_python_prints(routed):
    for call in (lambda k: routed.server("hashdb.users", k), lambda k: routed.servers("hashdb.users", [k])):
        with pytest.raises(mf.InvalidKey, match="digits"):
            call(10**5000)


def test_bytes_are_no_list_of_keys(routed):
    for keys in ("ab", b"ab", bytearray(b"\1\2"), memoryview(b"\1\2")):
        with pytest.raises(TypeError, match="is one"):
            routed.servers("employees.salaries", keys)
    numbers = memoryview(array.array("q", [1, 10021]))
    with pytest.raises(TypeError, match="memoryview"):
        routed.server("hashdb.users", numbers)
    assert [s.group for s in routed.servers("employees.salaries", (n for n in numbers))] == ["shard1", "shard2"]
    assert routed.shard("crm.names", memoryview(b"m")) == routed.shard("crm.names", "m")


def test_a_text_may_have_a_nul(routed):
    assert routed.server("crm.names", "m\0").group == "shard3"
    assert routed.server("crm.names", b"m\0").group == "shard3"
