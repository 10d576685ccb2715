"""What `mysql.connector.fabric` of Connector/Python had: a program moves by its import line.

    from mysqlfabric.compat import Fabric, connect, MODE_READWRITE

ROWS LIE WHERE CONNECTOR/PYTHON PUT THEM. So these classes route as it did, which is not as Fabric itself, and every
other part of this library, does: a RANGE key below the lowest bound goes to the highest shard, and a HASH key whose
digest is below every bound to the lowest. `Fabric(..., compat=Compat.SERVER)` switches.

RANGE_STRING IS NOT FOLLOWED where a key or a bound has a blank, or a character below it, at the end of what both have
in common: see Fabric.
"""

from .._types import Compat
from . import connection, errors
from ._connection import MySQLFabricConnection, connect
from ._fabric import (
    MODE_READONLY,
    MODE_READWRITE,
    SCOPE_GLOBAL,
    SCOPE_LOCAL,
    STATUS_PRIMARY,
    STATUS_SECONDARY,
    Fabric,
    FabricConnection,
    FabricMySQLServer,
    FabricSet,
    FabricShard,
)

__all__ = [
    "Compat", "Fabric", "FabricConnection", "FabricMySQLServer", "FabricSet", "FabricShard", "MODE_READONLY",
    "MODE_READWRITE", "MySQLFabricConnection", "SCOPE_GLOBAL", "SCOPE_LOCAL", "STATUS_PRIMARY", "STATUS_SECONDARY",
    "connect", "connection", "errors",
]  # fmt: skip
