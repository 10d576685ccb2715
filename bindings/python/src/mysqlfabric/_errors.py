"""Failures. Each is a FabricError; the class says what kind, `code` which FABRIC_ERR_* it is."""

from __future__ import annotations

import contextlib
import errno as os_errno
import re
from typing import Any, TypeGuard

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


_C_NAME = re.compile(r"\b(?:fabric_[a-z_]+(?:\(\))?|FABRIC_[A-Z_]+)")
# Members of the struct of candidates(), which are arguments here.
_C_CHOICE = re.compile(r"'choice\.(?=(?:zone|weights|excluded)\b)")
_NAMES = {
    "fabric_options_set_credentials": "user and password",
    "fabric_options_set_mysql_credentials": "mysql_user and mysql_password",
    "fabric_options_set_tls": "tls_ca",
    "fabric_options_set_mysql_tls": "mysql_tls and mysql_tls_ca",
    "fabric_options_set_source": "url",
    "fabric_options_set_ttl_ms": "ttl_min and ttl_max",
    "fabric_options_set_log": "log_level",
    "fabric_options_set_event_callback": "on_event",
    "fabric_options_add_node": "nodes",
    "fabric_options_add_report_errno": "report_errnos",
    "fabric_key_text": "str",
    "fabric_keys_text": "str",
    "fabric_key_int": "int",
    "fabric_key_uint": "int",
    "fabric_keys_int": "int",
    "fabric_keys_uint": "int",
    "fabric_event_fd": "Farm.fileno()",
    "fabric_seed": "Farm.seed()",
    "fabric_reset_cache": "Farm.reset_cache()",
    "fabric_interrupt": "Farm.interrupt()",
    "fabric_get_group_server": "Farm.group_server()",
    "fabric_report_result": "Farm.report()",
    "fabric_dump": "Farm.dump()",
    "fabric_get_sharding_information": "Farm.prefetch()",
    "fabric_get_shards_in_range": "Farm.shards_between()",
    "fabric_get_shards": "Farm.shards()",
}


def _name_in_python(found: re.Match[str]) -> str:
    name = found[0].removesuffix("()")
    if name in _NAMES:
        return _NAMES[name]
    option = re.match(r"fabric_options_(?:set|add)_(.*?)(?:_ms)?$", name)
    if option:
        return option[1]
    constant = re.match(r"FABRIC_(EVENT|MODE|SCOPE|STATUS|REPORT|COMPAT|PREFER|TLS)_([A-Z_]+)$", name)
    if constant:
        kind = "EventKind" if constant[1] == "EVENT" else "Tls" if constant[1] == "TLS" else constant[1].capitalize()
        return f"{kind}.{constant[2]}"
    return found[0]


def in_python(message: str) -> str:
    """A message of the library, with the names of Python in the place of C's."""
    return _C_CHOICE.sub("'", _C_NAME.sub(_name_in_python, message))


def make_error(code: int, errno: int, message: str) -> FabricError:
    return _CLASSES.get(code, FabricError)(code, errno, in_python(message))


def is_of_driver(error: BaseException) -> bool:
    if isinstance(error, (FabricError, LookupError, OSError)):
        return False
    return any(base.__name__ in ("Error", "MySQLError") for base in type(error).__mro__)


def errno_of(error: BaseException) -> int | None:
    """The MySQL errno in an exception of a driver: its `errno`, else its first argument; None without one.

    Exceptions of a driver are those with a class `Error` or `MySQLError` beneath, as DB-API 2.0 wants; one of
    SQLAlchemy is looked through. A KeyError(1290) of the program has none, nor has PyMySQL's `InterfaceError(0, "")`,
    nor one that raises when it is looked at.
    """
    with contextlib.suppress(Exception):
        error = _of_driver(error)
        if not is_of_driver(error):
            return None
        number = getattr(error, "errno", None)
        if not _is_errno(number) and error.args:
            number = error.args[0]
        return number if _is_errno(number) else None
    return None


def _of_driver(error: BaseException) -> BaseException:
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _is_errno(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and not isinstance(number, bool) and 1000 <= number <= 65535


def _is_closed_here(error: BaseException | None) -> bool:
    """Whether a driver used a descriptor that this process had closed before, which tells nothing of a server."""
    for _ in range(8):
        if error is None:
            break
        if isinstance(error, OSError) and error.errno == os_errno.EBADF:
            return True
        error = error.__cause__ if (original := _of_driver(error)) is error else original
    return False


def errno_to_report(error: BaseException) -> int | None:
    """The errno of a driver's exception if it says something about the server; None if not.

    The text of a 1290 tells whether it does. 1792 is refused by the transaction, and nothing in the exception tells
    whether the program began it READ ONLY.
    """
    errno = errno_of(error)
    with contextlib.suppress(Exception):
        if errno is None or errno == 1792 or _is_closed_here(error):
            return None
        known = _fabric.errno_action(errno, str(_of_driver(error))) == _fabric.errno_action(errno, None)
        return errno if known else None
    return None


def all_or_raise(answer: Any, statuses: dict[int, int], first: str) -> Any:
    """The answer for many keys, unless some failed. The library says of the first of these what it was about."""
    if not statuses:
        return answer
    errors: dict[int, FabricError] = {}
    for position, status in statuses.items():
        text = f"{_fabric.strerror(status)}: the key at position {position}"
        errors[position] = make_error(status, _fabric.mysql_errno(status), text if errors else first)
    raise SomeKeysFailed(50, 0, first, errors, answer)
