"""The farm."""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import select
import threading
import time
import urllib.parse
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, TypeVar, overload

from . import _errors, _fabric, _keys, _log, _types
from ._types import Action, Compat, Event, Mode, Prefer, Report, ResultSet, Scope, Server, Tables, Tls

if TYPE_CHECKING:
    from ._creator import Creator

_T = TypeVar("_T")

_fabric.setup(
    _errors.make_error,
    _keys.make_key,
    _types.make_server,
    _types.make_shard,
    _types.make_table_info,
    _types.make_group_info,
    _types.Node,
    _types.make_metrics,
    _types.make_event,
    ResultSet,
    _types.make_explanation,
    _types.make_health,
    _errors.all_or_raise,
)
# Not by its ident where it need not be: gevent has idents of its own.
_is_main = threading.current_thread() is threading.main_thread()
_fabric.set_main_thread(None if _is_main else threading.main_thread().ident)

_MYSQL_SOURCES = ("cluster", "mysql", "fabric+store")
_FOREVER_MS = 2**63 - 1


def library_version() -> str:
    """The version of the library that runs, such as "0.1.0"."""
    return _fabric.version()


def errno_action(errno: int, message: str | None = None) -> Action:
    """What there is to do about a MySQL errno; the table is at fabric_errno_action().

    `message` is the text of the error, which tells a read-only server from another option: both are 1290.
    """
    return Action(_fabric.errno_action(errno, message))


def is_retryable(code: int) -> bool:
    """Whether a call that failed with this status may succeed later although nobody corrects anything."""
    return bool(_fabric.is_retryable(code))


def _milliseconds(name: str, seconds: float) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or math.isnan(seconds):
        raise TypeError(f"{name} must be a number of seconds, and is {seconds!r}")
    if seconds == math.inf:
        return _FOREVER_MS
    return max(min(math.ceil(seconds * 1000 - 1e-6), _FOREVER_MS), -_FOREVER_MS)


def _uuid(server: Server | str) -> str:
    if isinstance(server, str):
        return server
    if isinstance(server, Server):
        return server.uuid
    raise TypeError(f"a server is a Server, or its uuid as a str, and not {server!r}")


def _choice(
    prefer: Prefer,
    zone: str | None,
    weights: Mapping[Server | str, float] | None,
    exclude: Iterable[Server | str],
    limit: int,
) -> tuple[int, str | None, tuple[tuple[str, float], ...], tuple[str, ...], int]:
    shares = tuple((_uuid(server), float(weight)) for server, weight in (weights or {}).items())
    return prefer, zone, shares, tuple(map(_uuid, exclude)), limit


class Farm(_fabric.Handle):
    """A farm of MySQL servers. No I/O: the first lookup, or seed(), asks its source.

    `url` names the source, such as "cluster://db1,db2" or "fabric://fabric1.example.com"; instead of it `nodes`
    may name Fabric nodes, and `topology_file` a file. `user` and `password` are the account of that source; with
    Fabric, `mysql_user` and `mysql_password` are one at the MySQL servers, to see whether a lost one is back.

    Every option is that of the C function fabric_options_set_<option>, which says what it does; those left None
    have the library's defaults. Times are in seconds, and math.inf is for ever.

    `log_level` is the least level of logging that is heard of; None turns the log off. `on_event` is called with
    each Event, one at a time, in a thread of its own, which keeps it, and the object of a method, until the farm is
    closed; without it events() and next_event() have them.

    A Farm closes at the end of a `with`, by close(), when nobody refers to it any more, and at the end of the
    interpreter.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        nodes: Iterable[str | tuple[str, int]] = (),
        topology_file: str | os.PathLike[str] | None = None,
        snapshot_file: str | os.PathLike[str] | None = None,
        mysql_user: str | None = None,
        mysql_password: str | None = None,
        mysql_password_unverified: bool | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
        tls_key: str | os.PathLike[str] | None = None,
        tls_cert: str | os.PathLike[str] | None = None,
        mysql_tls: Tls | None = None,
        mysql_tls_ca: str | os.PathLike[str] | None = None,
        mysql_tls_key: str | os.PathLike[str] | None = None,
        mysql_tls_cert: str | os.PathLike[str] | None = None,
        connect_attempts: int | None = None,
        connect_delay: float | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        lookup_timeout: float | None = None,
        max_reply_bytes: int | None = None,
        report_errors: Report | None = None,
        report_window: float | None = None,
        report_errnos: Iterable[int] = (),
        background_refresh: bool | None = None,
        refresh_share: int | None = None,
        backoff_limit: float | None = None,
        idle_after: float | None = None,
        max_stale: float | None = None,
        quarantine: float | None = None,
        least_write_hold: float | None = None,
        vanished_hold: float | None = None,
        ttl_min: float | None = None,
        ttl_max: float | None = None,
        compat: Compat | None = None,
        read_preference: Prefer | None = None,
        discovery_interval: float | None = None,
        max_replica_lag: float | None = None,
        multi_primary: bool | None = None,
        reads_without_majority: bool | None = None,
        zone: str | None = None,
        log_level: int | str | None = logging.INFO,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        options: list[tuple[Any, ...]] = []

        def option(name: str, *values: Any) -> None:
            if any(value is not None for value in values):
                options.append((name, *(os.fspath(v) if isinstance(v, os.PathLike) else v for v in values)))

        def seconds(name: str, value: float | None) -> None:
            option(name, None if value is None else _milliseconds(name, value))

        if url is not None and not isinstance(url, str):
            raise TypeError(f"url must be a str, and is {url!r}")
        if isinstance(nodes, (str, bytes)):
            raise TypeError(f"nodes are hosts, or (host, port), in a list: give [{nodes!r}]")
        if on_event is not None and not callable(on_event):
            raise TypeError(f"on_event must be callable with an Event, and is {on_event!r}")
        option("url", url)
        for node in nodes:
            host, port = (node, 0) if isinstance(node, str) else node
            option("node", host, port)
        option("topology_file", topology_file)
        option("snapshot_file", snapshot_file)
        self._accounts(option, url, (user, password), (mysql_user, mysql_password))
        option("mysql_password_unverified", mysql_password_unverified)
        option("tls", tls_ca, tls_key, tls_cert)
        if (mysql_tls, mysql_tls_ca, mysql_tls_key, mysql_tls_cert) != (None, None, None, None):
            option("mysql_tls", int(mysql_tls or Tls.DEFAULT), mysql_tls_ca, mysql_tls_key, mysql_tls_cert)
        option("connect_attempts", connect_attempts)
        seconds("connect_delay", connect_delay)
        seconds("connect_timeout", connect_timeout)
        seconds("request_timeout", request_timeout)
        seconds("lookup_timeout", lookup_timeout)
        option("max_reply_bytes", max_reply_bytes)
        option("report_errors", report_errors)
        seconds("report_window", report_window)
        for errno in report_errnos:
            option("report_errno", errno)
        option("background_refresh", background_refresh)
        option("refresh_share", refresh_share)
        seconds("backoff_limit", backoff_limit)
        seconds("idle_after", idle_after)
        seconds("max_stale", max_stale)
        seconds("quarantine", quarantine)
        seconds("least_write_hold", least_write_hold)
        seconds("vanished_hold", vanished_hold)
        if ttl_min is not None or ttl_max is not None:
            option("ttl", _milliseconds("ttl_min", ttl_min or 0), _milliseconds("ttl_max", ttl_max or 0))
        option("compat", compat)
        option("read_preference", read_preference)
        seconds("discovery_interval", discovery_interval)
        seconds("max_replica_lag", max_replica_lag)
        option("multi_primary", multi_primary)
        option("reads_without_majority", reads_without_majority)
        option("zone", zone)
        if log_level is not None:
            option("log_level", _log.start(log_level))
        super().__init__(options, lookup_timeout == 0)
        self._on_event = on_event
        _farms[id(self)] = self
        self._start_events()

    @staticmethod
    def _accounts(
        option: Callable[..., None],
        url: str | None,
        source: tuple[str | None, str | None],
        mysql: tuple[str | None, str | None],
    ) -> None:
        parts = urllib.parse.urlsplit(url or "")
        is_mysql = parts.scheme in _MYSQL_SOURCES
        if is_mysql and source != (None, None) and mysql != (None, None):
            raise ValueError(f"{parts.scheme}:// is asked with one account: give user or mysql_user, not both")
        in_url = urllib.parse.unquote(parts.netloc.rpartition("@")[0]) or None
        for name, (user, password), others in (
            ("credentials", source, is_mysql),
            ("mysql_credentials", mysql, False),
        ):
            if user is None and password is not None:
                user = in_url if name == "credentials" or is_mysql else None
                if user is None:
                    raise ValueError("a password needs a user: give it as an option, or in the URL before an @")
            if user is not None:
                option("mysql_credentials" if others else name, user, "" if password is None else password)

    def close(self) -> None:
        """Ends the waits of other threads, and all threads of the farm. More than once does nothing."""
        self._close()

    def __enter__(self: _F) -> _F:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<mysqlfabric.Farm, closed>"
        return f"<mysqlfabric.Farm of generation {self.generation}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Farm cannot be pickled: make one in each process, or fork after it was made")

    @property
    def topology_age(self) -> float | None:
        """Seconds since the oldest part of what is known was confirmed; None if nobody knows."""
        return _types._seconds(self._age_ms)

    @property
    def ttl(self) -> float | None:
        """The time to live that the farm works with, in seconds; None before the first answer."""
        return _types._seconds(self._ttl_ms)

    @property
    def fabric_uuid(self) -> str:
        """The UUID that Fabric gives itself; empty before the first answer."""
        return self._fabric_uuid()

    def prefetch(self, *tables: str) -> None:
        """Fetches the shard maps of these tables, or the whole farm if there is none, before they are looked up."""
        self._prefetch(tables)

    def dump(self, path: str | bytes | os.PathLike[str]) -> None:
        """Writes what is known to a topology file."""
        self._dump(os.fsdecode(path))

    def execute(self, group: str, command: str, *args: object) -> list[ResultSet]:
        """Runs any Fabric command. Arguments go as texts, and None leaves one to its default."""
        texts = tuple(None if a is None else str(int(a)) if isinstance(a, bool) else str(a) for a in args)
        return self._execute(group, command, texts)

    def servers(
        self, tables: Tables, keys: Iterable[_keys.Key], mode: int = Mode.NONE, scope: int = Scope.LOCAL
    ) -> list[Server]:
        """The server of each of many keys, all ints or all texts, in one call and one state of the farm.

        Raises SomeKeysFailed if some have none: its `answer` has the others, and None for these.
        """
        servers: list[Server] = _errors.all_or_raise(*self._servers(tables, keys, mode, scope))
        return servers

    @overload
    def split(
        self, tables: Tables, items: Iterable[_keys.Key], key: None = None, mode: int = ..., scope: int = ...
    ) -> list[tuple[Server, list[_keys.Key]]]: ...

    @overload
    def split(
        self, tables: Tables, items: Iterable[_T], key: Callable[[_T], _keys.Key], mode: int = ..., scope: int = ...
    ) -> list[tuple[Server, list[_T]]]: ...

    def split(
        self,
        tables: Tables,
        items: Iterable[Any],
        key: Callable[[Any], _keys.Key] | None = None,
        mode: int = Mode.NONE,
        scope: int = Scope.LOCAL,
    ) -> list[tuple[Server, list[Any]]]:
        """Groups many keys, or items that `key` gives the key of, by the server that holds them, in their order:

            for server, rows in farm.split("shop.orders", rows, key=lambda row: row["id"], mode=Mode.READWRITE):

        Raises SomeKeysFailed if some have no server: its `answer` has the others.
        """
        items = list(items)
        keys = items if key is None else [key(item) for item in items]
        pairs, statuses, message = self._split(tables, keys, mode, scope)
        answer = [(server, [items[position] for position in positions]) for server, positions in pairs]
        _errors.all_or_raise(answer, statuses, message)
        return answer

    def candidates(
        self,
        tables: Tables,
        key: _keys.Key | None = None,
        mode: int = Mode.NONE,
        scope: int = Scope.LOCAL,
        *,
        prefer: Prefer = Prefer.DEFAULT,
        zone: str | None = None,
        weights: Mapping[Server | str, float] | None = None,
        exclude: Iterable[Server | str] = (),
        limit: int = 16,
    ) -> list[Server]:
        """The servers that hold these tables and this key in the order in which they should be tried: the one that
        server() would give, then others for reads, and last those that were reported to have failed.

        What this call wants otherwise than the farm: `prefer`; `zone`, "" for none; `weights` of servers in reads;
        and servers to `exclude`, such as those that have just failed. Servers are named by a Server, its uuid, or
        "host:port".
        """
        choice = _choice(prefer, zone, weights, exclude, limit)
        return self._choose(tables, None, key, mode, scope, *choice)

    def group_candidates(
        self,
        group: str,
        mode: int = Mode.NONE,
        *,
        prefer: Prefer = Prefer.DEFAULT,
        zone: str | None = None,
        weights: Mapping[Server | str, float] | None = None,
        exclude: Iterable[Server | str] = (),
        limit: int = 16,
    ) -> list[Server]:
        """The servers of a group in the order in which they should be tried: as candidates()."""
        choice = _choice(prefer, zone, weights, exclude, limit)
        return self._choose(None, group, None, mode, Scope.LOCAL, *choice)

    def report(self, server: Server | str, outcome: int | BaseException | None = 0) -> Action:
        """Tells what became of a connection or a statement at a server, so that lookups route around it.

        `outcome` is 0 or None for success, a MySQL errno, or an exception. Of exceptions those of a driver are told
        that have an errno: not 1792, which is as a rule of a transaction that the program began READ ONLY, and 1290
        only if its text names a read-only server. What there is to do for the caller is the answer. Never
        waits for the network.
        """
        errno = _errors.errno_to_report(outcome) if isinstance(outcome, BaseException) else outcome or 0
        if errno is None:
            return Action.NONE
        self._report(_uuid(server), errno)
        return errno_action(errno) if errno else Action.NONE

    def report_failure(self, server: Server | str, errno: int) -> None:
        """Tells Fabric alone that a server could not be reached, if `report_errors` says so."""
        self._report_failure(_uuid(server), errno)

    @contextlib.contextmanager
    def reporting(self, server: Server | str) -> Iterator[None]:
        """Reports how a block with a driver's calls at a server ends, as report() does:

            with farm.reporting(server):
                cursor.execute(...)

        What the block raised is raised, and what it did is done, also if the farm was closed meanwhile.
        """
        uuid = _uuid(server)
        try:
            yield
        except Exception as error:
            self._tell(uuid, error)
            raise
        self._tell(uuid, 0)

    def _tell(self, server: Server | str, outcome: int | BaseException) -> Action:
        """report(), which must not get in the way of what became of the statement."""
        try:
            return self.report(server, outcome)
        except (_errors.FabricError, ValueError):
            return Action.NONE

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """The events, as they come. Ends when the farm is closed, or none came for `timeout` seconds.

        Events are collected from the first call of this, next_event() or fileno() on; several who take them share
        them. fileno() is readable while some wait.
        """
        if self._on_event is not None:
            raise ValueError("the events go to on_event: make the farm without it")
        return self._events(self.fileno(), timeout)

    def _events(self, descriptor: int, timeout: float | None) -> Iterator[Event]:
        try:
            while True:
                end = None if timeout is None else time.monotonic() + timeout
                while (event := self.next_event()) is None:
                    left = 0.5 if end is None else min(0.5, end - time.monotonic())
                    if left < 0:
                        return
                    _readable(descriptor, left)
                yield event
        except _errors.Closed:
            return

    def _start_events(self) -> None:
        if self._on_event is not None:
            arguments = (weakref.ref(self), self.fileno(), self._on_event)
            threading.Thread(target=_deliver, args=arguments, name="mysqlfabric-events", daemon=True).start()

    def creator(
        self,
        connect: Callable[..., Any],
        *,
        group: str | None = None,
        tables: Tables | None = None,
        key: _keys.Key | None = None,
        scope: int = Scope.LOCAL,
        mode: int = Mode.READWRITE,
        wait: float = 10.0,
        attempts: int = 3,
        **arguments: Any,
    ) -> Creator:
        """Connections of a driver to the server of a group, or of a table and key, as it is: see Creator."""
        from ._creator import Creator

        return Creator(
            self, connect, group=group, tables=tables, key=key, scope=scope, mode=mode, wait=wait, attempts=attempts,
            **arguments,
        )  # fmt: skip


_F = TypeVar("_F", bound=Farm)
# By their ids: a class may have no hash, or find two farms equal.
_farms: weakref.WeakValueDictionary[int, Farm] = weakref.WeakValueDictionary()


def _readable(descriptor: int, seconds: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll(max(0, math.ceil(seconds * 1000)))


def _deliver(farm: weakref.ref[Farm], descriptor: int, callback: Callable[[Event], object]) -> None:
    """The thread of on_event. It does not keep the farm."""
    while True:
        _readable(descriptor, 0.5)
        alive = farm()
        if alive is None:
            return
        try:
            while (event := alive.next_event()) is not None:
                try:
                    callback(event)
                except BaseException:
                    # SystemExit, too: it would end this thread alone, and without a word.
                    _log.logger.exception("on_event failed at %s", event.name)
        except _errors.Closed:
            return
        del alive


def _all_farms() -> list[Farm]:
    return _all_of(_farms.values)


def _all_of(some: Callable[[], Iterable[_T]]) -> list[_T]:
    while True:
        try:
            return list(some())
        except RuntimeError:
            # Another thread has made one.
            continue


def _after_fork_in_child() -> None:
    _fabric.set_main_thread(None)
    for farm in _all_farms():
        farm._after_fork()
        if not farm.closed:
            farm._start_events()


def _at_exit() -> None:
    for farm in _all_farms():
        farm.close()
    _log.stop()


os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
