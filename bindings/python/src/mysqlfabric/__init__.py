"""Which MySQL server holds this table and key, for reading or for writing?

    import mysqlfabric

    with mysqlfabric.Farm("cluster://db1,db2,db3", user="router", password="secret") as farm:
        server = farm.group_server("default", mysqlfabric.Mode.READWRITE)
        connection = pymysql.connect(host=server.host, port=server.port, ...)

MySQL servers get the password over verified TLS alone: add mysql_tls_ca="ca.pem", or, on a network that is yours,
mysql_password_unverified=True.

A Farm is one farm of MySQL servers as this process sees it. It answers from memory, and keeps what it knows
fresh in the background. Any number of threads may use it, and so may a forked child. AsyncFarm is the same for
asyncio, and mysqlfabric.compat has the classes of Connector/Python's `mysql.connector.fabric`.

Times are in seconds. Failures are FabricError and its subclasses. What the library has to say goes to
logging.getLogger("mysqlfabric").
"""

from ._async import AsyncFarm
from ._creator import Creator
from ._errors import (
    AccessDenied,
    Closed,
    CommandFailed,
    DifferentShards,
    FabricError,
    FileRefused,
    InternalError,
    Interrupted,
    InvalidArgument,
    InvalidKey,
    KeyOutOfRange,
    NoServer,
    NotSeeded,
    OutOfResources,
    ProtocolError,
    RoutingError,
    ShardUnavailable,
    SomeKeysFailed,
    SourceError,
    Stale,
    Timeout,
    TlsFailed,
    UnknownGroup,
    UnknownTable,
    Unreachable,
    UnsupportedSharding,
    WouldBlock,
    WriteHeld,
    errno_of,
)
from ._fabric import Table
from ._farm import Farm, errno_action, is_retryable, library_version
from ._keys import Key
from ._types import (
    Action,
    Compat,
    Event,
    EventKind,
    Explanation,
    GroupInfo,
    Health,
    Metrics,
    Mode,
    Node,
    Origin,
    Prefer,
    Report,
    ResultSet,
    Scope,
    Server,
    ServerHealth,
    Shard,
    Sharding,
    ShardState,
    Status,
    TableInfo,
    Tls,
    Why,
)

__version__ = "0.1.0"

__all__ = [
    "AccessDenied", "Action", "AsyncFarm", "Closed", "CommandFailed", "Compat", "Creator", "DifferentShards",
    "Event", "EventKind", "Explanation", "FabricError", "Farm", "FileRefused", "GroupInfo", "Health", "InternalError", "Interrupted",
    "InvalidArgument", "InvalidKey", "Key", "KeyOutOfRange", "Metrics", "Mode", "NoServer", "Node", "NotSeeded",
    "Origin", "OutOfResources", "Prefer", "ProtocolError", "Report", "ResultSet", "RoutingError", "Scope", "Server", "ServerHealth", "Shard",
    "ShardState", "ShardUnavailable", "Sharding", "SomeKeysFailed", "SourceError", "Stale", "Status", "Table",
    "TableInfo", "Timeout", "Tls", "TlsFailed", "UnknownGroup", "UnknownTable", "Unreachable",
    "UnsupportedSharding", "Why", "WouldBlock", "WriteHeld", "errno_action", "errno_of", "is_retryable",
    "library_version",
]  # fmt: skip
