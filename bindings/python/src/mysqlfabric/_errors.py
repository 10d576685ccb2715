"""Failures. Each is a FabricError; the class says what kind, `code` which FABRIC_ERR_* it is."""

from __future__ import annotations

from typing import Any

from . import _fabric


class FabricError(Exception):
    """What went wrong."""

    code: int
    """The status of the library, FABRIC_ERR_*; -1 for a farm that is closed."""
    errno: int
    """The MySQL errno that fits; 0 where none does."""
    retryable: bool
    """Whether the same call may succeed later although nobody corrects anything."""
    message: str

    def __init__(self, code: int, errno: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.errno = errno
        self.message = message
        self.retryable = bool(_fabric.is_retryable(code))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.errno, self.message)


class Closed(FabricError):
    """The farm is closed."""


class InvalidArgument(FabricError, ValueError):
    """An argument or option is outside its range, or a table is not named `db.table`."""


class InvalidKey(FabricError, ValueError):
    """There is no key, or not of the kind that the table is sharded by."""


class SourceError(FabricError):
    """Whatever the farm is learned from could not be asked, or gave no answer that can be used."""


class Unreachable(SourceError):
    """Nobody could be connected to."""


class Timeout(SourceError):
    """There was no answer in time."""


class AccessDenied(SourceError):
    """The user or password is refused, or lacks the role or grant."""


class TlsFailed(SourceError):
    """A file cannot be read, or a certificate does not verify."""


class ProtocolError(SourceError):
    """What came is not an answer, or larger than the options allow."""


class CommandFailed(SourceError):
    """Fabric, or a MySQL server that was asked, answered with an error of its own."""


class NotSeeded(SourceError):
    """No source is named."""


class FileRefused(SourceError):
    """A topology file cannot be read, written or used."""


class RoutingError(FabricError):
    """The farm has no server for this question, as it is."""


class UnknownTable(RoutingError, LookupError):
    """No table of this name is sharded."""


class UnknownGroup(RoutingError, LookupError):
    """No server of a group of this name is listed."""


class NoServer(RoutingError):
    """The group has no server for this at the moment."""


class DifferentShards(RoutingError):
    """The tables lie in different groups for this key."""


class KeyOutOfRange(RoutingError, LookupError):
    """No shard holds the key."""


class UnsupportedSharding(RoutingError):
    """The table's sharding cannot be understood."""


class Stale(RoutingError):
    """What is known has not been confirmed for longer than the options allow."""


class WriteHeld(RoutingError):
    """The group's primary refused writes, or the shard is read-only: wait a little and ask again."""


class ShardUnavailable(RoutingError):
    """The shard that holds the key is disabled or was removed."""


class SomeKeysFailed(RoutingError):
    """Of many keys some have no server.

    `errors` has the failure of each of those by its position; `answer` is what the call would have given,
    without them.
    """

    errors: dict[int, FabricError]
    answer: Any

    def __init__(self, code: int, errno: int, message: str, errors: dict[int, FabricError] | None = None,
                 answer: Any = None) -> None:  # fmt: skip
        super().__init__(code, errno, message)
        self.errors = errors or {}
        self.answer = answer

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.errno, self.message, self.errors, self.answer)


class WouldBlock(FabricError):
    """The answer is not known yet, and the call may not wait."""


class Interrupted(FabricError):
    """Farm.interrupt(), or the end of the farm, ended the wait."""


class OutOfResources(FabricError):
    """The system has no thread, descriptor or random number left."""


class InternalError(FabricError):
    """A fault of the library."""


_CLASSES: dict[int, type[FabricError]] = {
    -1: Closed,
    1: InvalidArgument,
    2: InvalidArgument,
    3: InvalidArgument,
    4: InvalidArgument,
    5: InvalidKey,
    6: InvalidKey,
    7: InvalidArgument,
    20: Unreachable,
    21: Timeout,
    22: AccessDenied,
    23: AccessDenied,
    24: TlsFailed,
    25: ProtocolError,
    26: ProtocolError,
    27: CommandFailed,
    28: NotSeeded,
    29: FileRefused,
    30: CommandFailed,
    40: UnknownTable,
    41: UnknownGroup,
    42: NoServer,
    43: DifferentShards,
    44: KeyOutOfRange,
    45: UnsupportedSharding,
    46: Stale,
    48: WriteHeld,
    49: ShardUnavailable,
    50: SomeKeysFailed,
    60: WouldBlock,
    61: Interrupted,
    62: OutOfResources,
    99: InternalError,
}


def make_error(code: int, errno: int, message: str) -> FabricError:
    return _CLASSES.get(code, FabricError)(code, errno, message)


def errno_of(error: BaseException) -> int | None:
    """The MySQL errno in an exception of a driver: its `errno`, else its first argument; None without one.

    An exception of SQLAlchemy is looked through. PyMySQL's `InterfaceError(0, "")` has none.
    """
    error = getattr(error, "orig", None) or error
    number = getattr(error, "errno", None)
    if not isinstance(number, int) and error.args:
        number = error.args[0]
    return number if isinstance(number, int) and number > 0 else None


def all_or_raise(answer: Any, statuses: dict[int, int], first: str) -> Any:
    """The answer for many keys, unless some failed. The library says of the first of these what it was about."""
    if not statuses:
        return answer
    errors: dict[int, FabricError] = {}
    for position, status in statuses.items():
        errors[position] = make_error(status, 0, _fabric.strerror(status) if errors else first)
    raise SomeKeysFailed(50, 0, first, errors, answer)
