"""Sharding keys of Python's types as what the library takes: an int or a text."""

from __future__ import annotations

import datetime
import decimal
import operator
import uuid
from typing import Union

Key = Union[int, str, bytes, bytearray, memoryview, datetime.date, decimal.Decimal, uuid.UUID]
"""A sharding key. datetime.datetime is a date, too; int may be of any size."""


def make_key(key: object) -> int | str | bytes:
    """What stands for a key that is neither int, str nor bytes itself; TypeError for what is none."""
    if isinstance(key, bool):
        raise TypeError(f"a sharding key is not a bool: give int({key})")
    if isinstance(key, float):
        raise TypeError(f"a sharding key is not a float, whose digits are not exact: give int({key!r}), or a text")
    if isinstance(key, int):
        return int(key)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, memoryview) and (key.itemsize != 1 or key.ndim != 1):
        raise TypeError(f"a sharding key is not a memoryview of {key.format!r}: give the number, or the bytes, in it")
    if isinstance(key, (bytes, bytearray, memoryview)):
        return bytes(key)
    if isinstance(key, datetime.datetime):
        if key.tzinfo is not None:
            raise TypeError(
                f"a sharding key has no time zone, and {key!r} has one: give it in the zone that the column is"
                " kept in, as key.astimezone(zone).replace(tzinfo=None)"
            )
        return key.isoformat(" ")
    if isinstance(key, datetime.date):
        return key.isoformat()
    if isinstance(key, decimal.Decimal):
        if not key.is_finite() or key != key.to_integral_value():
            raise TypeError(f"a Decimal as sharding key must be a whole number, and is {key}: give str(key) for HASH")
        return int(key)
    if isinstance(key, uuid.UUID):
        return str(key)
    try:
        return operator.index(key)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"a sharding key is an int, str, bytes, date, datetime, Decimal or UUID, and not {type(key).__name__}:"
            f" {key!r}"
        ) from None
