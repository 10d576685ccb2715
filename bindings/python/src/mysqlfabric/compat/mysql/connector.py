"""`mysql.connector` with its `fabric`: connect() takes the argument `fabric`, as versions up to 8.0.5 did.

Everything else is that of the Connector/Python that is installed, if one is.
"""

import importlib
from typing import Any

from ... import compat as fabric
from .. import errors
from .._connection import MySQLFabricConnection

__all__ = ["connect", "errors", "fabric"]


def connect(*args: Any, **kwargs: Any) -> Any:
    """A connection through Fabric with the argument `fabric`, else one of Connector/Python's."""
    if "fabric" in kwargs:
        return MySQLFabricConnection(*args, **kwargs)
    return importlib.import_module("mysql.connector").connect(*args, **kwargs)


def __getattr__(name: str) -> Any:
    if hasattr(errors, name):
        return getattr(errors, name)
    try:
        return getattr(importlib.import_module("mysql.connector"), name)
    except ImportError:
        raise AttributeError(f"there is no {name} without mysql-connector-python") from None
