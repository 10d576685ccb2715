"""The class Fabric."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import logging
import socket
import uuid
from collections import namedtuple
from typing import Any, Iterator, NamedTuple, Sequence

from .. import _errors
from .._farm import Farm
from .._types import Compat, Report, ResultSet, Scope, Server, Sharding
from .errors import DatabaseError, InterfaceError

MODE_READONLY = 1
MODE_WRITEONLY = 2
MODE_READWRITE = 3
STATUS_FAULTY = 0
STATUS_SPARE = 1
STATUS_SECONDARY = 2
STATUS_PRIMARY = 3
SCOPE_GLOBAL = "GLOBAL"
SCOPE_LOCAL = "LOCAL"
DEFAULT_FABRIC_PROTOCOL = "xmlrpc"
MYSQL_FABRIC_PORT = {"xmlrpc": 32274, "mysql": 32275}
REPORT_ERRORS = (2013, 2006, 2003, 2002, 2004)
REPORT_ERRORS_EXTRA: list[int] = []
FABRICS: dict[Any, Fabric] = {}

_GLOBAL = int(Scope.GLOBAL)
# Keys that are taken as they are, as most are.
_PLAIN = frozenset((int, str))
_logger = logging.getLogger("mysqlfabric.compat")

FabricMySQLServer = Server


class FabricShard(NamedTuple):
    """A shard of a table, as Fabric's dump names it."""

    database: str
    table: str
    column: str
    key: str
    shard: int
    shard_type: str
    group: str
    global_group: str


def extra_failure_report(error_codes: int | Sequence[int] | None) -> None:
    """Has these MySQL errnos, 1000 to 2999, reported to Fabric as well; None or an empty list: no others.

    Raises AttributeError for anything else.
    """
    if not error_codes:
        REPORT_ERRORS_EXTRA.clear()
        return
    for code in error_codes if isinstance(error_codes, (list, tuple)) else [error_codes]:
        if not isinstance(code, int) or not 1000 <= code < 3000:
            raise AttributeError(f"an errno to report is 1000 to 2999, and not {code!r}")
        REPORT_ERRORS_EXTRA.append(code)


def _ssl_config(ca: str | None, key: str | None, cert: str | None) -> dict[str, str | None] | None:
    if not (ca or key or cert):
        return None
    if not ca:
        raise AttributeError("ssl_key and ssl_cert need ssl_ca")
    if bool(key) != bool(cert):
        raise AttributeError("ssl_key and ssl_cert are given both or neither")
    return {"ca": ca, "key": key, "cert": cert}


def _translated(error: Exception) -> Exception:
    """What Connector/Python raises for a failure of this kind."""
    if isinstance(error, (_errors.UnknownTable, _errors.DifferentShards)):
        return DatabaseError(msg=error.message, errno=error.errno or None)
    if isinstance(error, (_errors.InvalidArgument, _errors.InvalidKey, _errors.KeyOutOfRange, TypeError)):
        return ValueError(str(error))
    assert isinstance(error, _errors.FabricError)
    return InterfaceError(msg=error.message, errno=error.errno or None)


@contextlib.contextmanager
def _as_reference() -> Iterator[None]:
    try:
        yield
    except _errors.FabricError as error:
        raise _translated(error) from error


class FabricSet:
    """What a command answered. Rows are named tuples."""

    def __init__(self, data: ResultSet, fabric_uuid: str, ttl: int) -> None:
        self.format_version = 1
        self.fabric_uuid_str = fabric_uuid
        self.ttl = ttl
        self._row = namedtuple("ResultSet", data.columns, rename=True)  # type: ignore[misc]
        self._rows = [[_value(n, v) for n, v in zip(data.columns, row)] for row in data.rows]

    def rowcount(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def rows(self) -> Iterator[Any]:
        """The rows, one after the other."""
        for row in self._rows:
            yield self._row(*row)

    def row(self, index: int) -> Any:
        """The row of this index."""
        return self._row(*self._rows[index])


_INTEGERS = {"port", "mode", "status", "shard_id", "mapping_id", "shard_mapping_id", "ttl"}


def _value(column: str, text: str | None) -> Any:
    """Numbers are numbers in the columns that have some; others are texts, as they come."""
    if text is not None and column in _INTEGERS and text.lstrip("-").isdigit():
        return int(text)
    if text is not None and column == "weight":
        return float(text)
    return text


class FabricConnection:
    """The address of a Fabric node. The library keeps no connection to one."""

    def __init__(
        self, fabric: Fabric, host: str, port: int = 32274, connect_attempts: int = 3, connect_delay: int = 1
    ) -> None:
        if not isinstance(fabric, Fabric):
            raise ValueError("fabric must be a Fabric")
        self._fabric = fabric
        self._host = host
        self._port = port

    @property
    def host(self) -> str:
        """The host of the node."""
        return self._host

    @property
    def port(self) -> int:
        """The port of the node."""
        return self._port

    @property
    def uri(self) -> str:
        """The node as a URI."""
        return f"{'https' if self._fabric.ssl_config else 'http'}://{self._host}:{self._port}"

    @property
    def uuid(self) -> uuid.UUID:
        """A UUID made of the address."""
        return uuid.uuid3(uuid.NAMESPACE_URL, self.uri)

    @property
    def is_connected(self) -> bool:
        """Whether Fabric has answered."""
        return self._fabric.farm.generation > 0

    def connect(self) -> None:
        """Asks Fabric."""
        self._fabric.seed()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={self._host}, port={self._port})"


class FabricInstance:
    """What Fabric.get_instance() gives: commands go to whichever node answers."""

    def __init__(self, fabric: Fabric, host: str, port: int) -> None:
        self._fabric = fabric
        self.handler = FabricConnection(fabric, host, port)

    def execute(self, group: str, command: str, *args: Any, **kwargs: Any) -> FabricSet:
        """As Fabric.execute()."""
        return self._fabric.execute(group, command, *args, **kwargs)


class Fabric:
    """The class Fabric of Connector/Python, over a Farm.

    Rows lie where Connector/Python put them, so keys are routed as it did: a RANGE key below the lowest bound to the
    highest shard, a HASH digest below every bound to the lowest, fractions of a second are cut off in RANGE_DATETIME,
    and RANGE takes " 12". Fabric's own tools, and every other program of this library, think otherwise:
    `compat=Compat.SERVER` switches to the server's way once the rows were moved.

    RANGE_STRING IS NOT FOLLOWED: bounds and keys are compared as the server does, as if padded with blanks. Of bounds
    "a" and "m" the keys "m\\t1", "m\\n" and "m\\x1f" are of "a" here and were of "m"; of a bound "m " the key "m" is of
    "m " here and was of the shard below.

    `farm` is the Farm beneath, and `options` are more options of it.
    """

    def __init__(
        self,
        host: str,
        username: str | None = None,
        password: str | None = None,
        port: int | None = None,
        connect_attempts: int = 3,
        connect_delay: float = 1,
        report_errors: bool = False,
        ssl_ca: str | None = None,
        ssl_key: str | None = None,
        ssl_cert: str | None = None,
        user: str | None = None,
        protocol: str = DEFAULT_FABRIC_PROTOCOL,
        *,
        compat: Compat = Compat.CONNECTOR_PYTHON,
        **options: Any,
    ) -> None:
        if protocol not in MYSQL_FABRIC_PORT:
            raise InterfaceError(f"protocol must be 'xmlrpc' or 'mysql', and is {protocol!r}")
        if user and username:
            raise ValueError("give user or username, not both")
        self._host = host
        self._port = port or MYSQL_FABRIC_PORT[protocol]
        self._username = user or username
        self._password = password
        self._ssl = _ssl_config(ssl_ca, ssl_key, ssl_cert)
        self._report_errors = report_errors
        self._protocol = protocol
        self._seeded = False
        self._as_reference = compat == Compat.CONNECTOR_PYTHON
        if "url" not in options and "topology_file" not in options:
            name = f"[{host}]" if ":" in host else host
            scheme = "fabric" if protocol == "xmlrpc" else "fabric+mysql"
            options["url"] = f"{scheme}://{name}:{self._port}"
        if self._username is not None:
            options.update(user=self._username, password=password or "")
        if self._ssl is not None:
            options.update(tls_ca=ssl_ca, tls_key=ssl_key, tls_cert=ssl_cert)
        with _as_reference():
            self.farm = Farm(
                connect_attempts=connect_attempts,
                connect_delay=connect_delay,
                report_errors=Report.FAILURE if report_errors else Report.OFF,
                compat=compat,
                **options,
            )

    @property
    def username(self) -> str | None:
        """The user for Fabric."""
        return self._username

    @property
    def password(self) -> str | None:
        """The password for Fabric."""
        return self._password

    @property
    def ssl_config(self) -> dict[str, str | None] | None:
        """The files for TLS: `ca`, `key` and `cert`; None without TLS."""
        return self._ssl

    @property
    def reports_errors(self) -> bool:
        """Whether report_failure() tells Fabric."""
        return bool(self._report_errors)

    def seed(self, host: str | None = None, port: int | str | None = None) -> None:
        """Loads the farm from a Fabric node, this one or that of the constructor. Raises InterfaceError."""
        with _as_reference():
            if host is None and port is None:
                self.farm.seed()
            else:
                self.farm.seed(host or self._host, int(port or self._port))
        self._seeded = True

    def _needs_seed(self) -> None:
        if not self._seeded:
            raise InterfaceError("no Fabric node is known: call seed() first")

    def reset_cache(self, group: str | None = None) -> None:
        """Has the next lookup of a group, or of anything, ask Fabric."""
        if group:
            self._needs_seed()
        with _as_reference():
            self.farm.reset_cache(group)

    def get_instance(self) -> FabricInstance:
        """What commands are executed by. Raises InterfaceError before seed()."""
        self._needs_seed()
        with _as_reference():
            nodes = self.farm.nodes()
        node = nodes[0] if nodes else (self._host, self._port)
        return FabricInstance(self, *node)

    def report_failure(self, server_uuid: str, errno: int) -> None:
        """Tells of a server that could not be reached: Fabric, if `report_errors` is set, and this process, which
        routes around it in any case. Fabric fails over on a single report.
        """
        errno = int(errno)
        with _as_reference():
            self.farm.report(server_uuid, errno)
        if self._report_errors and errno in REPORT_ERRORS_EXTRA and errno not in REPORT_ERRORS:
            try:
                self.farm.execute("threat", "report_failure", server_uuid, socket.getfqdn(), errno)
            except _errors.FabricError as error:
                _logger.debug("Fabric was not told that %s failed: %s", server_uuid, error)

    def get_fabric_servers(self, fabric_cnx: Any = None) -> tuple[uuid.UUID, int, int, list[dict[str, Any]]]:
        """(Fabric's UUID, 0, time to live in seconds, the nodes as {"host": ..., "port": ...})."""
        if fabric_cnx is None:
            self._needs_seed()
        with _as_reference():
            nodes = [{"host": node.host, "port": node.port} for node in self.farm.nodes()]
            text = self.farm.fabric_uuid
        if not nodes:
            raise InterfaceError("no Fabric node is known")
        return uuid.UUID(text) if text else uuid.uuid4(), 0, self._ttl(), nodes

    def _ttl(self) -> int:
        return max(1, round(self.farm.ttl or 0))

    def get_group_servers(self, group: str, use_cache: bool = True) -> list[Server]:
        """All servers of a group; an empty list if it has none."""
        self._needs_seed()
        try:
            with _as_reference():
                return self.farm.group_servers(group, use_cache)
        except InterfaceError as error:
            if isinstance(error.__cause__, _errors.UnknownGroup):
                return []
            raise

    def get_group_server(self, group: str, mode: int | None = None, status: int | None = None) -> Server:
        """A server of a group: the primary for a mode that writes or STATUS_PRIMARY, else a secondary in turn, or
        the primary where there is none. Raises ValueError if both are given, InterfaceError otherwise.
        """
        if mode and status:
            raise ValueError("give mode or status, not both")
        self._needs_seed()
        try:
            return self.farm.group_server(group, MODE_READWRITE if status == STATUS_PRIMARY else _mode(mode))
        except (_errors.FabricError, TypeError) as error:
            raise _translated(error) from error

    def get_sharding_information(self, tables: Any = None, database: str | None = None) -> None:
        """Fetches the shard maps of tables: ("table", "database") each, or "table" with `database`."""
        if not isinstance(tables, (list, tuple)):
            raise ValueError("tables must be a list or a tuple")
        names = []
        for table in tables:
            if isinstance(table, (list, tuple)):
                names.append(f"{table[1] if len(table) > 1 else database}.{table[0]}")
            elif database:
                names.append(f"{database}.{table}")
            else:
                raise ValueError(f"no database is given for table {table}")
        self._needs_seed()
        try:
            with _as_reference():
                self.farm.prefetch(*names)
        except DatabaseError:
            # Lookups say so.
            pass

    def get_shard_server(
        self, tables: Sequence[str], key: Any, scope: str = SCOPE_LOCAL, mode: int | None = None
    ) -> Server:
        """The server that holds these tables ("database.table") and this key.

        Raises DatabaseError if a table is unknown or they lie in different shards, ValueError if an argument is
        wrong, InterfaceError otherwise.
        """
        if not isinstance(tables, (list, tuple)):
            raise ValueError("tables must be a list or a tuple")
        if not self._seeded:
            self._needs_seed()
        # No context manager here: it would take longer than the lookup.
        try:
            if scope == SCOPE_GLOBAL:
                return self.farm.server(tables, None, _mode(mode), _GLOBAL)
            return self.farm.server(tables, key if type(key) in _PLAIN else self._key(tables, key), _mode(mode))
        except _errors.InvalidKey as error:
            number = self._integer(tables, key)
            if number is None:
                raise _translated(error) from error
            return self.get_shard_server(tables, number, scope, mode)
        except (_errors.FabricError, TypeError) as error:
            raise _translated(error) from error

    def _key(self, tables: Sequence[str], key: Any) -> Any:
        """Keys that only Connector/Python takes: RANGE had int(key), HASH str(key). It did not round datetimes."""
        if isinstance(key, (str, bytes)) or key is None or not tables:
            return key
        is_exact = isinstance(key, datetime.datetime) and key.microsecond and self._as_reference
        if isinstance(key, datetime.date) and not is_exact:
            return key
        shards = self.farm.shards(tables[0])
        if is_exact:
            return key.replace(microsecond=0) if shards and shards[0].sharding_type == Sharding.RANGE_DATETIME else key
        if shards and shards[0].sharding_type == Sharding.HASH:
            return str(key)
        if isinstance(key, (bool, float, decimal.Decimal)) and shards and shards[0].sharding_type == Sharding.RANGE:
            return int(key)
        return key

    def _integer(self, tables: Sequence[str], key: Any) -> int | None:
        """The number of a text that int() takes and RANGE does not, such as " 12"."""
        if not self._as_reference or not isinstance(key, str) or not tables:
            return None
        shards = self.farm.shards(tables[0])
        try:
            return int(key) if shards and shards[0].sharding_type == Sharding.RANGE else None
        except ValueError:
            return None

    def execute(self, group: str, command: str, *args: Any, **kwargs: Any) -> FabricSet:
        """Runs any Fabric command. Raises InterfaceError."""
        self._needs_seed()
        if kwargs:
            raise TypeError("Fabric's commands take arguments by their places")
        with _as_reference():
            sets = self.farm.execute(group, command, *args)
        if len(sets) != 1:
            # The first one of a command that changes something is its procedure.
            sets = sets[:1] or [ResultSet((), [])]
        return FabricSet(sets[0], self.farm.fabric_uuid, self._ttl())


def _mode(mode: int | None) -> int:
    return 3 if mode == 3 or mode == 2 else 1
