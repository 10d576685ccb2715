"""Connections through Fabric, over any driver of DB-API 2.0."""

from __future__ import annotations

import datetime
import importlib
import itertools
import logging
import time
import types
from typing import Any, Callable, Iterator

from .._errors import errno_of, errno_to_report
from .._farm import errno_action
from .._types import Action, Server
from ._fabric import FABRICS, MODE_READONLY, MODE_READWRITE, MYSQL_FABRIC_PORT, SCOPE_GLOBAL, SCOPE_LOCAL, Fabric
from .errors import InterfaceError, InternalError, MySQLFabricError, NotSupportedError

_DRIVERS = ("mysql.connector", "pymysql", "MySQLdb")
# Name: types, default.
_PROPERTIES: dict[str, tuple[tuple[type, ...], Any]] = {
    "group": ((str,), None),
    "key": ((int, str, datetime.datetime, datetime.date), None),
    "tables": ((tuple, list), None),
    "mode": ((int,), MODE_READWRITE),
    "shard": ((str,), None),
    "mapping": ((str,), None),
    "scope": ((str,), SCOPE_LOCAL),
    "attempts": ((int,), 3),
    "attempt_delay": ((int,), 1),
}
_logger = logging.getLogger("mysqlfabric.compat")


def _connect_of(driver: Any) -> Callable[..., Any]:
    """The function that connects: of a module, or given itself; else of the first driver that is installed."""
    if driver is None:
        for name in _DRIVERS:
            try:
                driver = importlib.import_module(name)
                break
            except ImportError:
                continue
        else:
            raise InterfaceError(f"no MySQL driver is installed: install one of {', '.join(_DRIVERS)}, or give driver=")
    # Some classes of connections have a method connect(), too.
    connect = getattr(driver, "connect", None) if isinstance(driver, types.ModuleType) else driver
    if not callable(connect):
        raise TypeError(f"driver must be a module with connect(), or a function, and is {driver!r}")
    return connect  # type: ignore[no-any-return]


class MySQLFabricConnection:
    """A connection to whichever MySQL server its properties lead to.

        connection = connect(fabric={"host": "fabric1", "username": "admin", "password": "secret"},
                             user="app", password="secret", database="employees")
        connection.set_property(tables=["employees.salaries"], key=10021, mode=MODE_READWRITE)
        cursor = connection.cursor()

    `fabric` has the arguments of Fabric, or is one. `driver` is a module of DB-API 2.0, or its connect function;
    without it the first of mysql.connector, pymysql and MySQLdb is taken. Everything else goes to the driver.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._mysql_cnx: Any = None
        self._fabric_mysql_server: Server | None = None
        self._cnx_properties: dict[str, Any] = {}
        self._mysql_config: dict[str, Any] = {}
        self.reset_properties()
        if "fabric" not in kwargs:
            raise ValueError("the argument 'fabric' is missing")
        self.store_config(**kwargs)

    def __getattr__(self, attr: str) -> Any:
        if attr.startswith("cmd_"):
            raise NotSupportedError(f"{attr} is not supported for connections through Fabric")
        if attr.startswith("__") or "_mysql_cnx" not in self.__dict__:
            raise AttributeError(attr)
        return getattr(self._mysql_cnx, attr)

    @property
    def fabric_uuid(self) -> str | None:
        """The UUID of the MySQL server; None without a connection."""
        return self._fabric_mysql_server.uuid if self._fabric_mysql_server else None

    @property
    def properties(self) -> dict[str, Any]:
        """The properties."""
        return self._cnx_properties

    def store_config(self, **kwargs: Any) -> None:
        """Keeps the arguments for the driver, and those for Fabric."""
        config = dict(kwargs)
        if "fabric" in config:
            self._fabric = _fabric_of(config.pop("fabric"))
        self._driver_connect = _connect_of(config.pop("driver", None))
        if config.pop("unix_socket", None):
            _logger.warning("connections through Fabric use no unix_socket")
        self._mysql_config = config

    def reset_cache(self, group: str | None = None) -> None:
        """Has Fabric asked about a group, or that of the connection."""
        if not group and self._fabric_mysql_server:
            group = self._fabric_mysql_server.group
        self._fabric.reset_cache(group)

    def is_connected(self) -> bool:
        """Whether there is a connection to a MySQL server."""
        return self._mysql_cnx is not None

    def reset_properties(self) -> None:
        """Gives all properties their defaults."""
        self._cnx_properties = {name: default for name, (_, default) in _PROPERTIES.items()}

    def set_property(self, **properties: Any) -> None:
        """Sets properties, after the connection was closed: `tables` and `key`, or `group`; `mode`, MODE_READWRITE or
        MODE_READONLY; `scope`; `attempts` to get a connection, and `attempt_delay` between them, in seconds. None is
        the default. Raises ValueError or TypeError.
        """
        try:
            self.close()
        except Exception as error:
            _logger.debug("a connection was not closed in good order: %s", error)
        for name, value in properties.items():
            if name not in _PROPERTIES:
                raise ValueError(f"there is no property {name}")
            kinds, default = _PROPERTIES[name]
            current = self._cnx_properties
            if value and not isinstance(value, kinds):
                raise TypeError(f"{name} must be {' or '.join(t.__name__ for t in kinds)}, and is {value!r}")
            if name == "group" and value and (current["key"] or current["tables"]):
                raise ValueError("group is not set together with key or tables")
            if name in ("key", "tables") and value and current["group"]:
                raise ValueError("key and tables are not set together with group")
            if name == "scope" and value not in (SCOPE_LOCAL, SCOPE_GLOBAL, None):
                raise ValueError(f"scope is '{SCOPE_LOCAL}' or '{SCOPE_GLOBAL}', and not {value!r}")
            if name == "mode" and value not in (MODE_READWRITE, MODE_READONLY, None):
                raise ValueError(f"mode is MODE_READWRITE or MODE_READONLY, and not {value!r}")
            current[name] = default if value is None else value

    def _server(self) -> Server:
        properties = self._cnx_properties
        if properties["tables"]:
            key, scope = properties["key"], properties["scope"]
            if scope == SCOPE_LOCAL and key is None:
                raise ValueError("scope LOCAL needs the property key")
            return self._fabric.get_shard_server(properties["tables"], key, scope=scope, mode=properties["mode"])
        if properties["group"]:
            return self._fabric.get_group_server(properties["group"], mode=properties["mode"])
        raise ValueError("the property group is missing, or tables and key")

    def _connect(self) -> None:
        """Looks a server up and connects, as often as the property `attempts` says."""
        if self.is_connected():
            return
        attempts, delay = self._cnx_properties["attempts"], self._cnx_properties["attempt_delay"]
        if attempts == 0:
            raise InterfaceError("no attempt was made to connect: the property attempts is 0")
        # -1 is for ever.
        for left in reversed(range(attempts)) if attempts > 0 else itertools.repeat(1):
            try:
                server = self._server()
            except InterfaceError as error:
                if left == 0:
                    raise InterfaceError(f"no server could be had: {error}") from error
                time.sleep(delay)
                continue
            try:
                connection = self._driver_connect(**{**self._mysql_config, "host": server.host, "port": server.port})
            except Exception as error:
                errno = errno_of(error)
                if errno is None:
                    raise
                if left == 0:
                    self.reset_cache(server.group)
                    self._fabric.report_failure(server.uuid, errno)
                    raise InterfaceError(f"{server.host}:{server.port} was reported as faulty: {error}") from error
                self._tell(server, errno)
                time.sleep(delay)
            else:
                self._mysql_cnx, self._fabric_mysql_server = connection, server
                return

    def disconnect(self) -> None:
        """Rolls back, and closes the connection."""
        connection, self._mysql_cnx, self._fabric_mysql_server = self._mysql_cnx, None, None
        if connection is not None:
            try:
                connection.rollback()
            finally:
                connection.close()

    close = disconnect

    def cursor(
        self, buffered: bool | None = None, raw: bool | None = None, prepared: bool | None = None, cursor_class: Any = None
    ) -> FabricCursor:
        """A cursor of the driver, after a connection was made if there was none. Raises InterfaceError."""
        if cursor_class:
            raise NotSupportedError("a cursor_class is not supported for connections through Fabric")
        if prepared:
            raise NotSupportedError("prepared statements are not supported for connections through Fabric")
        self._connect()
        if getattr(self._mysql_cnx, "unread_result", False) is True:
            raise InternalError("Unread result found")
        options = {name: value for name, value in (("buffered", buffered), ("raw", raw)) if value}
        return FabricCursor(self, self._mysql_cnx.cursor(**options))

    def _tell(self, server: Server, errno: int) -> None:
        """Has this process route around a server. With report_errors Fabric would hear of it and fail over, which
        Connector/Python asked it to do only after the last attempt to connect.
        """
        if not self._fabric.reports_errors:
            self._fabric.farm._tell(server, errno)

    def handle_mysql_error(self, exc: BaseException) -> None:
        """Raises MySQLFabricError for a failure that another try of the transaction may not have, after the
        connection was closed and Fabric asked; else the failure itself.
        """
        errno, server = errno_to_report(exc), self._fabric_mysql_server
        if errno is None or server is None:
            raise exc
        self._tell(server, errno)
        action = errno_action(errno)
        if not action & (Action.RECONNECT | Action.ASK_AGAIN):
            raise exc
        self.reset_cache()
        try:
            self.disconnect()
        except Exception as error:
            _logger.debug("a connection was not closed in good order: %s", error)
        raise MySQLFabricError(f"Temporary error ({exc}); retry transaction") from exc

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            self.handle_mysql_error(error)
            raise

    def commit(self) -> None:
        """Commits. Raises what the driver does, or MySQLFabricError: see handle_mysql_error()."""
        self._call(self._mysql_cnx.commit)

    def rollback(self) -> None:
        """Rolls back, as commit()."""
        self._call(self._mysql_cnx.rollback)

    def cmd_query(self, statement: Any) -> Any:
        """Sends a statement, where the driver has this call."""
        self._connect()
        return self._call(self._mysql_cnx.cmd_query, statement)

    def cmd_query_iter(self, statements: Any) -> Any:
        """Sends statements, where the driver has this call."""
        self._connect()
        return self._call(self._mysql_cnx.cmd_query_iter, statements)


class FabricCursor:
    """A cursor of the driver, whose failures its connection handles."""

    _CALLS = ("execute", "executemany", "callproc", "fetchone", "fetchmany", "fetchall", "nextset")

    def __init__(self, connection: MySQLFabricConnection, cursor: Any) -> None:
        self.__dict__.update(_connection=connection, _cursor=cursor)

    def __setattr__(self, attr: str, value: Any) -> None:
        setattr(self._cursor, attr, value)

    def __delattr__(self, attr: str) -> None:
        delattr(self._cursor, attr)

    def __getattr__(self, attr: str) -> Any:
        found = getattr(self._cursor, attr)
        if attr not in self._CALLS:
            return found
        return lambda *args, **kwargs: self._connection._call(found, *args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        rows = iter(self._cursor)
        end = object()
        while (row := self._connection._call(next, rows, end)) is not end:
            yield row

    def __next__(self) -> Any:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __enter__(self) -> FabricCursor:
        return self

    def __exit__(self, *exception: object) -> None:
        self._cursor.close()


def _fabric_of(config: Any) -> Fabric:
    """The Fabric of this configuration: one for all connections of the process that have the same."""
    if isinstance(config, Fabric):
        return config
    if "host" not in config:
        raise ValueError("the argument 'fabric' misses 'host'")
    if config.get("protocol", "xmlrpc") not in MYSQL_FABRIC_PORT:
        raise InterfaceError(f"protocol must be 'xmlrpc' or 'mysql', and is {config['protocol']!r}")
    name = tuple(sorted((key, str(value)) for key, value in config.items()))
    fabric = FABRICS.get(name)
    if fabric is None:
        fabric = Fabric(**config)
        fabric.seed()
        FABRICS[name] = fabric
    return fabric


def connect(**kwargs: Any) -> MySQLFabricConnection:
    """A MySQLFabricConnection of these arguments."""
    return MySQLFabricConnection(**kwargs)
