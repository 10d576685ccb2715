"""Connections for SQLAlchemy's pool."""

from __future__ import annotations

import threading
from typing import Any, Callable

from ._errors import errno_of
from ._farm import Farm
from ._types import Action, Mode, Scope, Server, Tables

_SERVER = "mysqlfabric.server"


class Creator:
    """Connects to the server of a group, or of a table and key, that a farm names now:

        creator = farm.creator(pymysql.connect, group="shard1", mode=Mode.READWRITE, user="app", password="secret")
        engine = creator.attach(create_engine("mysql+pymysql://", creator=creator))

    `connect` is a driver's function; it is called with `host`, `port`, and whatever other arguments there are here.
    It waits up to `wait` seconds for a server, as after the loss of a primary, and tries `attempts` times in all.

    attach() has the engine report what its statements see, and has its pool give up a connection to a server that
    is not, or no longer, the primary, or that was lost.
    """

    def __init__(
        self,
        farm: Farm,
        connect: Callable[..., Any],
        *,
        group: str | None = None,
        tables: Tables | None = None,
        key: Any = None,
        scope: int = Scope.LOCAL,
        mode: int = Mode.READWRITE,
        wait: float = 10.0,
        attempts: int = 3,
        **arguments: Any,
    ) -> None:
        if (group is None) == (tables is None):
            raise TypeError("a Creator needs a group, or tables, and not both")
        if attempts < 1:
            raise ValueError(f"attempts must be 1 or more, and is {attempts}")
        self.farm = farm
        self.mode = Mode(mode)
        self._connect = connect
        self._group = group
        self._tables = tables
        self._key = key
        self._scope = scope
        self._wait = wait
        self._attempts = attempts
        self._arguments = arguments
        self._made = threading.local()

    def server(self, wait: float | None = None) -> Server:
        """The server that a connection goes to now."""
        if self._group is not None:
            return self.farm.group_server(self._group, self.mode, wait=wait)
        assert self._tables is not None
        return self.farm.server(self._tables, self._key, self.mode, self._scope, wait=wait)

    def __call__(self) -> Any:
        for left in reversed(range(self._attempts)):
            server = self.server(self._wait)
            try:
                connection = self._connect(host=server.host, port=server.port, **self._arguments)
            except Exception as error:
                if not self.farm.report(server, error) & Action.RETRY_ELSEWHERE or left == 0:
                    raise
            else:
                self.farm.report(server, 0)
                self._made.server = server
                return connection

    def attach(self, engine: Any) -> Any:
        """Listens to the engine and its pool; gives the engine."""
        from sqlalchemy import event

        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "checkout", self._on_checkout)
        event.listen(engine, "handle_error", self._on_error)
        return engine

    def _on_connect(self, connection: Any, record: Any) -> None:
        record.info[_SERVER] = self._made.server

    def _on_checkout(self, connection: Any, record: Any, proxy: Any) -> None:
        if self.mode not in (Mode.WRITEONLY, Mode.READWRITE):
            return
        server = record.info[_SERVER]
        current = self.server(self._wait)
        if current.uuid != server.uuid:
            from sqlalchemy.exc import DisconnectionError

            raise DisconnectionError(f"{server.host}:{server.port} is the primary of {server.group} no more")

    def _on_error(self, context: Any) -> None:
        errno = errno_of(context.original_exception)
        connection = context.connection
        if errno is None or connection is None or connection.invalidated:
            return
        server = connection.info.get(_SERVER)
        if server is not None and self.farm.report(server, errno) & (Action.RECONNECT | Action.HOLD_WRITES):
            context.is_disconnect = True
            # The other connections are looked at when they are checked out.
            context.invalidate_pool_on_disconnect = False
