"""The farm, for asyncio: no call blocks the loop, and none takes a thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
import time
import warnings
import weakref
from typing import Any, AsyncIterator, Callable, Concatenate, Coroutine, Iterable, ParamSpec, TypeVar

from . import _errors, _fabric
from ._farm import Farm
from ._keys import Key
from ._types import Action, Event, EventKind, Metrics, Mode, ResultSet, Scope, Server, Status, Tables, check_wait

_T = TypeVar("_T")
_P = ParamSpec("_P")

# What may pass while a call waits for a server.
_PASSING = (
    _errors.NoServer,
    _errors.UnknownGroup,
    _errors.WriteHeld,
    _errors.ShardUnavailable,
    _errors.Stale,
    _errors.Unreachable,
    _errors.Timeout,
    _errors.ProtocolError,
)
_POLL = 0.1
# What a fetch fails with where another one would, too: 20, 22, 23, 24, 28 and 29.
_OF_THE_SOURCE = (_errors.Unreachable, _errors.AccessDenied, _errors.TlsFailed, _errors.NotSeeded, _errors.FileRefused)
# A FETCHED does not say of what. This many fetches are under way at most, before the one that a lookup has asked for.
_FETCHES = 3


def _takes_what(
    _: Callable[Concatenate[Farm, _P], _T],
) -> Callable[[Callable[..., Any]], Callable[Concatenate[AsyncFarm, _P], Coroutine[Any, Any, _T]]]:
    """Tells type checkers that a method has the arguments of one of Farm."""
    return lambda method: method


def _takes_options(
    _: Callable[Concatenate[Farm, _P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[AsyncFarm, _P], None]]:
    """The same, of the constructor."""
    return lambda method: method


class AsyncFarm:
    """A Farm whose lookups are awaited. Options are those of Farm, but for `on_event`: see events().

    A lookup answers from memory at once. What is not known yet is fetched by the library, whose events wake the
    lookups that wait, through one descriptor in the loop; so a lookup may be cancelled at any time. One that is dropped
    without close() is closed with a ResourceWarning. It belongs to
    the loop that it is first used in. seed(), prefetch() and execute() do take a thread, which goes on until close()
    where they are cancelled.

    `lookup_timeout` (5 s) is how long a lookup waits for what is not known.
    """

    @_takes_options(Farm.__init__)
    def __init__(self, url: str | None = None, *, lookup_timeout: float = 5.0, **options: Any) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        if lookup_timeout is None:
            lookup_timeout = 5.0
        check_wait("lookup_timeout", lookup_timeout)
        if options.get("on_event") is not None:
            raise TypeError("an AsyncFarm has no on_event: iterate over events()")
        self._lookup_timeout = lookup_timeout
        self._farm = Farm(url, lookup_timeout=0, **options)
        self._descriptor = -1
        self._waiters: set[asyncio.Future[None]] = set()
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._process = os.getpid()
        self._failed_fetches = 0
        self._last_failure = 0

    @property
    def farm(self) -> Farm:
        """The farm itself, for what never waits: report(), metrics(), tables(), groups(), dump() and so on."""
        return self._farm

    async def __aenter__(self) -> AsyncFarm:
        self._attach()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the farm. Lookups and iterations that wait fail or end. Call it in the loop."""
        loop, self._loop = self._loop, None
        if loop is not None:
            _forget(loop, self._descriptor, self._process)
        self._farm.close()
        self._wake()
        for queue in self._listeners:
            queue.put_nowait(None)

    def __del__(self) -> None:
        loop = self._loop
        if loop is None:
            return
        warnings.warn("an AsyncFarm was not closed", ResourceWarning, source=self)
        forget = functools.partial(_forget, loop, self._descriptor, self._process)
        try:
            # The collector may run in any thread. A forked child shares the pipe that wakes its parent's loop.
            if self._process == os.getpid():
                loop.call_soon_threadsafe(forget)
            else:
                forget()
        except RuntimeError:
            forget()
        self._farm.close()

    async def server(
        self,
        tables: Tables,
        key: Key | None = None,
        mode: int = Mode.NONE,
        scope: int = Scope.LOCAL,
        wait: float | None = None,
    ) -> Server:
        """As Farm.server()."""
        return await self._ask(wait, lambda w: self._farm.server(tables, key, mode, scope, wait=w))

    async def group_server(
        self, group: str, mode: int = Mode.NONE, status: int = Status.NONE, wait: float | None = None
    ) -> Server:
        """As Farm.group_server()."""
        return await self._ask(wait, lambda w: self._farm.group_server(group, mode, status, wait=w))

    async def servers(
        self, tables: Tables, keys: Iterable[Key], mode: int = Mode.NONE, scope: int = Scope.LOCAL
    ) -> list[Server]:
        """As Farm.servers()."""
        kept = _kept(keys)
        return await self._ask(None, lambda _: self._farm.servers(tables, kept, mode, scope))

    async def split(
        self,
        tables: Tables,
        items: Iterable[_T],
        key: Callable[[_T], Key] | None = None,
        mode: int = Mode.NONE,
        scope: int = Scope.LOCAL,
    ) -> list[tuple[Server, list[_T]]]:
        """As Farm.split()."""
        kept: list[Any] = list(items)
        by: Any = key
        split: Callable[[float | None], Any] = lambda _: self._farm.split(tables, kept, by, mode, scope)  # noqa: E731
        answer: list[tuple[Server, list[_T]]] = await self._ask(None, split)
        return answer

    @_takes_what(Farm.candidates)
    async def candidates(
        self, tables: Tables, key: Key | None = None, mode: int = Mode.NONE, scope: int = Scope.LOCAL, **choice: Any
    ) -> list[Server]:
        """As Farm.candidates()."""
        return await self._ask(None, lambda _: self._farm.candidates(tables, key, mode, scope, **choice))

    @_takes_what(Farm.group_candidates)
    async def group_candidates(self, group: str, mode: int = Mode.NONE, **choice: Any) -> list[Server]:
        """As Farm.group_candidates()."""
        return await self._ask(None, lambda _: self._farm.group_candidates(group, mode, **choice))

    async def group_servers(self, group: str) -> list[Server]:
        """As Farm.group_servers()."""
        return await self._ask(None, lambda _: self._farm.group_servers(group))

    async def table(self, tables: Tables) -> AsyncTable:
        """As Farm.table()."""
        return AsyncTable(self, await self._ask(None, lambda _: self._farm.table(tables)))

    async def seed(self, host: str | None = None, port: int = 0) -> None:
        """As Farm.seed(), on a thread of its own."""
        await _in_thread(self._farm.seed, host, port)

    async def prefetch(self, *tables: str) -> None:
        """As Farm.prefetch(), on a thread of its own."""
        await _in_thread(self._farm.prefetch, *tables)

    async def execute(self, group: str, command: str, *args: object) -> list[ResultSet]:
        """As Farm.execute(), on a thread of its own."""
        return await _in_thread(self._farm.execute, group, command, *args)

    def report(self, server: Server | str, outcome: int | BaseException | None = 0) -> Action:
        """As Farm.report(): never waits."""
        return self._farm.report(server, outcome)

    def metrics(self) -> Metrics:
        """As Farm.metrics(): never waits."""
        return self._farm.metrics()

    async def events(self) -> AsyncIterator[Event]:
        """The events from now on, as they come, until the farm is closed. Each iteration has all of them."""
        self._attach()
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    def _attach(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            # Raises if the farm is closed. One of our own: whoever closes `farm` leaves this number to nobody else.
            self._descriptor = os.dup(self._farm.fileno())
            loop.add_reader(self._descriptor, _take_events_of, weakref.ref(self))
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("an AsyncFarm belongs to the loop that it was first used in: make one for each")

    def _take_events(self) -> None:
        while (event := self._next_event()) is not None:
            if event.kind == EventKind.FETCHED and event.status != 0:
                self._failed_fetches += 1
                self._last_failure = event.status
            for queue in self._listeners:
                queue.put_nowait(event)
        self._wake()

    def _next_event(self) -> Event | None:
        try:
            return self._farm.next_event()
        except _errors.Closed:
            # By somebody who closed `farm` and not this.
            self.close()
            return None

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _ask(self, wait: float | None, call: Callable[[float | None], _T]) -> _T:
        check_wait("wait", wait)
        self._attach()
        timeout = self._lookup_timeout if wait is None else wait
        deadline: float | None = None
        failed_before = self._failed_fetches
        while True:
            try:
                return call(None if wait is None else 0)
            except _errors.WouldBlock as error:
                refusal: _errors.FabricError = error
            except _errors.SomeKeysFailed as error:
                # Groups that are not known yet fail their keys alone.
                if not any(isinstance(e, _errors.WouldBlock) for e in error.errors.values()):
                    raise
                refusal = error
            except _PASSING as error:
                if wait is None:
                    raise
                refusal = error
            if deadline is None:
                deadline = time.monotonic() + timeout
            left = deadline - time.monotonic()
            if left <= 0:
                if isinstance(refusal, _errors.WouldBlock):
                    if self._failed_fetches != failed_before:
                        raise self._failure()
                    raise _errors.Timeout(21, 0, f"not known within {timeout} s")
                raise refusal
            await self._wait(left if wait is None else min(left, _POLL))
            failures = self._failed_fetches - failed_before
            if wait is None and failures > 0:
                failure = self._failure()
                if failures > _FETCHES or isinstance(failure, _OF_THE_SOURCE):
                    # The fetch is over and has failed: whatever is known by now is the answer.
                    try:
                        return call(None)
                    except _errors.WouldBlock:
                        raise failure from None

    def _failure(self) -> _errors.FabricError:
        text = self._farm.metrics().last_error_text or _fabric.strerror(self._last_failure)
        return _errors.make_error(self._last_failure, 0, text)

    async def _wait(self, seconds: float) -> None:
        """Until an event comes, or that long."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter, seconds)
        except (asyncio.TimeoutError, TimeoutError):
            pass
        finally:
            self._waiters.discard(waiter)


def _kept(keys: Iterable[Key]) -> Iterable[Key]:
    """For more than one call. What is one key the farm refuses."""
    return keys if isinstance(keys, (str, bytes, bytearray, memoryview)) else list(keys)


def _take_events_of(farm: weakref.ref[AsyncFarm]) -> None:
    """The loop does not keep the farm."""
    alive = farm()
    if alive is not None:
        alive._take_events()


async def _in_thread(call: Callable[..., _T], *arguments: Any) -> _T:
    """asyncio.to_thread(), whose threads are few, and hold up the end of asyncio.run()."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = call(*arguments)
        except BaseException as error:
            failure = error
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name="mysqlfabric-call", daemon=True).start()
    return await answer


def _forget(loop: asyncio.AbstractEventLoop, descriptor: int, process: int) -> None:
    # A forked child shares what its parent's loop waits with, and leaves it alone.
    if process == os.getpid() and not loop.is_closed():
        loop.remove_reader(descriptor)
    os.close(descriptor)


class AsyncTable:
    """A Table of an AsyncFarm."""

    def __init__(self, farm: AsyncFarm, table: _fabric.Table) -> None:
        self._owner = farm
        self._table = table

    def server(
        self, key: Key | None = None, mode: int = Mode.NONE, scope: int = Scope.LOCAL, wait: float | None = None
    ) -> Coroutine[Any, Any, Server]:
        """As Table.server()."""
        return self._owner._ask(wait, lambda w: self._table.server(key, mode, scope, wait=w))

    def servers(
        self, keys: Iterable[Key], mode: int = Mode.NONE, scope: int = Scope.LOCAL
    ) -> Coroutine[Any, Any, list[Server]]:
        """As Table.servers()."""
        kept = _kept(keys)
        return self._owner._ask(None, lambda _: self._table.servers(kept, mode, scope))
