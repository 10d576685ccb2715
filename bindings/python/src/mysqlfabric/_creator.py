"""Connections that follow a farm: by themselves, or in SQLAlchemy's pool."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Callable, TypeVar

from ._errors import errno_to_report
from ._farm import Farm
from ._types import Action, Mode, Scope, Server, Tables

_T = TypeVar("_T")
_SERVER = "mysqlfabric.server"
# The connection is of no use any more.
_BROKEN = Action.RECONNECT | Action.HOLD_WRITES


class Creator:
    """Connects to the server of a group, or of a table and key, that a farm names now.

    `connect` is a driver's function; it is called with `host`, `port`, and whatever other arguments there are here.
    A Creator waits up to `wait` seconds for a server, as after the loss of a primary, and tries `attempts` in all.

    By itself it keeps a connection for each thread and server, and runs transactions on them:

        primary = farm.creator(pymysql.connect, group="shard1", user="app", password="secret")
        primary.run(lambda connection: connection.cursor().execute("REPLACE INTO t VALUES (1)"))

    For SQLAlchemy it is what create_engine() takes as `creator`. attach() has the engine report what its statements
    see, and has its pool give up a connection to a server that is the primary no longer, or that was lost:

        engine = primary.attach(create_engine("mysql+pymysql://", creator=primary))
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
        self._kept = threading.local()

    def server(self, wait: float | None = None) -> Server:
        """The server that a connection goes to now."""
        if self._group is not None:
            return self.farm.group_server(self._group, self.mode, wait=wait)
        assert self._tables is not None
        return self.farm.server(self._tables, self._key, self.mode, self._scope, wait=wait)

    def run(self, transaction: Callable[[Any], _T], within: float = 30.0) -> _T:
        """Calls `transaction` with this thread's connection to the server, and commits; its answer.

        Where the server was lost, is read-only or does not serve, that is reported, and the transaction is run
        again at whichever server there is then, for up to `within` seconds. So it must be one that may run twice: of
        a commit that was under way at a server that is lost nobody knows whether it took place. Any other failure
        rolls back and is raised.
        """
        end = time.monotonic() + within
        while True:
            server = self.server(max(0.0, min(self._wait, end - time.monotonic())))
            try:
                connection = self._connection(server)
                answer = transaction(connection)
                connection.commit()
            except Exception as error:
                action = self.farm._tell(server, error)
                # Drivers give no errno where they knew before the statement that the connection is gone.
                is_gone = self._undo(server, drop=bool(action & _BROKEN))
                again = is_gone or action & (_BROKEN | Action.RETRY_ELSEWHERE)
                if not again or time.monotonic() >= end:
                    raise
                time.sleep(0.01)
            else:
                self.farm._tell(server, 0)
                return answer

    def close(self) -> None:
        """Closes the connections that run() keeps for this thread. Those of others close when their threads end."""
        for uuid in list(vars(self._kept).get("by_server", {})):
            self._drop(uuid)

    def _connection(self, server: Server) -> Any:
        """The connection that this thread keeps to a server. Those to others go if there is one primary."""
        kept = vars(self._kept).setdefault("by_server", {})
        if server.uuid not in kept:
            if self.mode in (Mode.WRITEONLY, Mode.READWRITE):
                self.close()
            kept[server.uuid] = self._connect(host=server.host, port=server.port, **self._arguments)
        return kept[server.uuid]

    def _undo(self, server: Server, drop: bool) -> bool:
        """Rolls back, or gives the connection up; whether it was gone without a word."""
        connection = vars(self._kept).get("by_server", {}).get(server.uuid)
        if connection is None:
            return False
        is_gone = False
        if not drop:
            try:
                connection.rollback()
            except Exception:
                is_gone = True
        if drop or is_gone:
            self._drop(server.uuid)
        return is_gone

    def _drop(self, uuid: str) -> None:
        with contextlib.suppress(Exception):
            self._kept.by_server.pop(uuid).close()

    def __call__(self) -> Any:
        for left in reversed(range(self._attempts)):
            server = self.server(self._wait)
            try:
                connection = self._connect(host=server.host, port=server.port, **self._arguments)
            except Exception as error:
                if not self.farm._tell(server, error) & Action.RETRY_ELSEWHERE or left == 0:
                    raise
            else:
                self.farm._tell(server, 0)
                # Its id, for _on_connect(): the connection itself is the caller's alone.
                self._made.last = id(connection), server
                return connection

    def attach(self, engine: Any) -> Any:
        """Listens to the engine and its pool; gives the engine."""
        from sqlalchemy import event

        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "checkout", self._on_checkout)
        event.listen(engine, "handle_error", self._on_error)
        return engine

    def _on_connect(self, connection: Any, record: Any) -> None:
        made, server = getattr(self._made, "last", (None, None))
        if made != id(connection):
            raise RuntimeError("the engine connects by something else than this Creator: create_engine(creator=...)")
        record.info[_SERVER] = server

    def _on_checkout(self, connection: Any, record: Any, proxy: Any) -> None:
        if self.mode not in (Mode.WRITEONLY, Mode.READWRITE):
            return
        server = record.info[_SERVER]
        current = self.server(self._wait)
        if current.uuid != server.uuid:
            from sqlalchemy.exc import DisconnectionError

            raise DisconnectionError(f"{server.host}:{server.port} is the primary of {server.group} no more")

    def _on_error(self, context: Any) -> None:
        error, connection = context.original_exception, context.connection
        if errno_to_report(error) is None or connection is None or connection.invalidated:
            return
        server = connection.info.get(_SERVER)
        if server is not None and self.farm._tell(server, error) & _BROKEN:
            context.is_disconnect = True
            # The other connections are looked at when they are checked out.
            context.invalidate_pool_on_disconnect = False
