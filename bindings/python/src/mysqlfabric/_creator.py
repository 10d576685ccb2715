"""Connections that follow a farm: by themselves, or in SQLAlchemy's pool."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import weakref
from typing import Any, Callable, TypeVar

from . import _fabric
from ._errors import errno_of, errno_to_report, is_of_driver
from ._farm import Farm, _all_of
from ._types import Action, Mode, Scope, Server, Tables

_T = TypeVar("_T")
_SERVER = "mysqlfabric.server"
_PROCESS = "mysqlfabric.process"
# The connection is of no use any more.
_BROKEN = Action.RECONNECT | Action.HOLD_WRITES
_LONGEST_WAIT = 600.0


class _Kept:
    """The connections of one thread that are in no transaction, by the uuid of their server."""

    def __init__(self) -> None:
        self.by_server: dict[str, Any] = {}
        _all_kept.add(self)


_all_kept: weakref.WeakSet[_Kept] = weakref.WeakSet()
# While a process forks: the child has none of the threads that kept them.
_at_fork: list[dict[str, Any]] = []


def _before_fork() -> None:
    _at_fork.extend(kept.by_server for kept in _all_of(lambda: _all_kept))


def _after_fork_in_parent() -> None:
    _at_fork.clear()


def _after_fork_in_child() -> None:
    """Connections stay the parent's. Some drivers end one at the server when its object is freed, so they never are."""
    for kept in _at_fork:
        for connection in kept.values():
            _fabric.keep_for_ever(connection)
        kept.clear()
    _at_fork.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


class Creator:
    """Connects to the server of a group, or of a table and key, that a farm names now.

    `connect` is a driver's function; it is called with `host`, `port`, and whatever other arguments there are here.
    To connect it waits up to `wait` seconds for a server, as after the loss of a primary, and tries `attempts` in all.

    By itself it keeps a connection for each thread and server, and runs transactions on them; a forked child makes its
    own:

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
        self._threads = threading.local()

    def server(self, wait: float | None = None) -> Server:
        """The server that a connection goes to now."""
        if self._group is not None:
            return self.farm.group_server(self._group, self.mode, wait=wait)
        assert self._tables is not None
        return self.farm.server(self._tables, self._key, self.mode, self._scope, wait=wait)

    def run(self, transaction: Callable[[Any], _T], within: float = 30.0) -> _T:
        """Calls `transaction` with this thread's connection to the server, and commits; its answer.

        Where the server was lost, is read-only or does not serve, that is reported, and the transaction is run
        again at whichever server there is then. For all of this there are `within` seconds, also to wait for a
        server (600 of them at most). So the transaction must be one that may run twice: of a commit that was under
        way at a server that is lost nobody knows whether it took place. Any other failure rolls back and is raised,
        and an exception of the program never has it run again.
        """
        if isinstance(within, bool) or not isinstance(within, (int, float)) or math.isnan(within):
            raise TypeError(f"within must be a number of seconds, and is {within!r}")
        end, process = time.monotonic() + within, os.getpid()
        while True:
            server = self.server(max(0.0, min(end - time.monotonic(), _LONGEST_WAIT)))
            # Nobody else has it meanwhile, and it is kept again only if it is in no transaction.
            connection = self._kept(server).pop(server.uuid, None)
            was_kept = connection is not None
            is_clean = has_returned = False
            try:
                if connection is None:
                    connection = self._connect(host=server.host, port=server.port, **self._arguments)
                answer = transaction(connection)
                if os.getpid() != process:
                    raise RuntimeError("the transaction has forked, and goes on in the parent: end the child in it")
                has_returned = True
                connection.commit()
                is_clean = True
            except Exception as error:
                if os.getpid() != process:
                    raise
                action = self.farm._tell(server, error)
                is_clean = connection is not None and not action & _BROKEN and _rolls_back(connection)
                # Drivers give no errno where they know before the first statement that the connection is gone.
                is_gone = was_kept and not is_clean and not has_returned and errno_of(error) is None
                again = action & (_BROKEN | Action.RETRY_ELSEWHERE) or (is_gone and is_of_driver(error))
                if not again or time.monotonic() >= end:
                    raise
            else:
                self.farm._tell(server, 0)
                return answer
            finally:
                # Also after what is no Exception, as of a signal handler: then nobody knows what the driver was at.
                if os.getpid() != process:
                    _fabric.keep_for_ever(connection)
                elif is_clean:
                    self._keep(server, connection)
                else:
                    _close(connection)
            time.sleep(0.01)

    def close(self) -> None:
        """Closes the connections that run() keeps for this thread. Those of others close when their threads end."""
        kept = self._of_thread()
        while kept:
            _close(kept.popitem()[1])

    def _of_thread(self) -> dict[str, Any]:
        kept: _Kept | None = getattr(self._threads, "kept", None)
        if kept is None:
            kept = self._threads.kept = _Kept()
        return kept.by_server

    def _kept(self, server: Server) -> dict[str, Any]:
        """The connections that this thread keeps. Those to other servers go if there is one primary."""
        kept = self._of_thread()
        if server.uuid not in kept and self.mode in (Mode.WRITEONLY, Mode.READWRITE):
            self.close()
        return kept

    def _keep(self, server: Server, connection: Any) -> None:
        # A transaction within one may have made another connection.
        _close(self._of_thread().pop(server.uuid, None))
        self._of_thread()[server.uuid] = connection

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
        record.info[_PROCESS] = os.getpid()

    def _on_checkout(self, connection: Any, record: Any, proxy: Any) -> None:
        if record.info[_PROCESS] != os.getpid():
            from sqlalchemy.exc import DisconnectionError

            _fabric.keep_for_ever(connection)
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("the connection is of the process that this one was forked from")
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


def _close(connection: Any) -> None:
    if connection is not None:
        with contextlib.suppress(Exception):
            connection.close()


def _rolls_back(connection: Any) -> bool:
    try:
        connection.rollback()
    except Exception:
        return False
    return True
