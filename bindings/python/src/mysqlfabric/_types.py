"""Constants, and what calls answer: immutable, and compared by value."""

from __future__ import annotations

import enum
import math
from typing import Any, Iterable, NamedTuple, TypeVar, Union

from . import _errors, _fabric

_E = TypeVar("_E", bound=enum.IntEnum)


class Mode(enum.IntEnum):
    """What a server is asked for; of a server, what it may be used for (OFFLINE: nothing)."""

    NONE = 0
    OFFLINE = 0
    READONLY = 1
    WRITEONLY = 2
    READWRITE = 3


class Status(enum.IntEnum):
    """The role of a server in its group."""

    NONE = -1
    FAULTY = 0
    SPARE = 1
    SECONDARY = 2
    PRIMARY = 3


class Scope(enum.IntEnum):
    """The shard of a key, or the group of what all shards share."""

    LOCAL = 11
    GLOBAL = 12


class Sharding(enum.IntEnum):
    """How a table is sharded."""

    UNSUPPORTED = 0
    RANGE = 1
    RANGE_INTEGER = 2
    RANGE_STRING = 3
    RANGE_DATETIME = 4
    HASH = 5


class ShardState(enum.IntEnum):
    """Writes of a READ_ONLY shard are held, as while it is moved; a MISSING one is listed no more."""

    ENABLED = 1
    READ_ONLY = 2
    MISSING = 3


class Report(enum.IntEnum):
    """Whether and how Fabric is told of servers that cannot be reached."""

    OFF = 0
    ERROR = 1
    FAILURE = 2


class Prefer(enum.IntEnum):
    """Which servers of a group reads go to."""

    DEFAULT = 0
    SECONDARY = 1
    """The secondaries, and the primary where none of them is in use."""
    SECONDARY_ONLY = 2
    """The secondaries alone."""
    PRIMARY = 3
    """The primary, and the secondaries where it is not in use."""
    NEAREST = 4
    """All of them, those of the own zone first."""


class Compat(enum.IntEnum):
    """Whose answer is given where the server and Connector/Python put a key on different shards."""

    SERVER = 0
    CONNECTOR_PYTHON = 1


class Tls(enum.IntEnum):
    """How much TLS there must be with MySQL servers that the farm asks itself."""

    DEFAULT = 0
    DISABLED = 1
    PREFERRED = 2
    REQUIRED = 3
    VERIFY_CA = 4
    VERIFY_IDENTITY = 5


class Action(enum.IntFlag):
    """What there is to do about a MySQL errno: see errno_action()."""

    NONE = 0
    RECONNECT = 1
    RETRY_ELSEWHERE = 2
    ASK_AGAIN = 4
    REPORT = 8
    QUARANTINE = 16
    HOLD_WRITES = 32


class EventKind(enum.IntEnum):
    """What an Event tells of. Later versions may have more: those come as plain numbers."""

    READY = 1
    TOPOLOGY_CHANGED = 2
    PRIMARY_CHANGED = 3
    SERVER_QUARANTINED = 4
    SERVER_BACK = 5
    FABRIC_LOST = 6
    FABRIC_BACK = 7
    FETCHED = 8
    WRITES_HELD = 9
    WRITES_RELEASED = 10
    SHARD_HELD = 11
    SHARD_RELEASED = 12


class Why(enum.IntEnum):
    """Why a lookup gets its server, or none."""

    NONE = 0
    PRIMARY = 1
    BY_WEIGHT = 2
    ONLY_ONE = 3
    OWN_ZONE = 4
    NO_SECONDARY = 5
    ON_TRIAL = 6
    LAST_RESORT = 7
    PREFERRED_PRIMARY = 8
    NO_PRIMARY = 9
    WRITES_HELD = 32
    SHARD_READ_ONLY = 33
    SHARD_MISSING = 34


class Origin(enum.IntEnum):
    """How good what is known of a table or group is."""

    NONE = 0
    FRESH = 1
    STALE = 2
    FILE = 3


class Health(enum.IntEnum):
    """How a server is, as far as it is known."""

    IN_USE = 1
    LEFT_OUT = 2
    ON_TRIAL = 3
    TRIED = 4
    UNPROVEN = 5


class Server(NamedTuple):
    """A MySQL server to connect to."""

    uuid: str
    group: str
    host: str
    port: int
    mode: int
    """A Mode; a number that is none as it came."""
    status: int
    """A Status; a number that is none as it came."""
    weight: float


class Shard(NamedTuple):
    """A shard of a table."""

    shard_id: int
    sharding_type: Sharding
    state: ShardState
    lower_bound: str
    group: str
    global_group: str
    column: str


class TableInfo(NamedTuple):
    """What is known of a table."""

    name: str
    sharding_type: Sharding
    column: str
    global_group: str
    shards: int


class GroupInfo(NamedTuple):
    """What is known of a group."""

    name: str
    shards: int
    age: float | None
    """Seconds since the source confirmed it; None where nobody knows."""
    servers: int
    servers_quarantined: int
    takes_writes: bool
    writes_held: bool


class ServerHealth(NamedTuple):
    """How a server is; fabric_server_health_t says what each member tells. Times are in seconds, None where there is
    none."""

    server: Server
    zone: str
    state: int
    """A Health; of a later library perhaps another number."""
    reported_errno: int
    reports: int
    since: float | None
    failed: float | None
    next_trial: float | None
    heard: float | None


class Node(NamedTuple):
    """The address of a Fabric node."""

    host: str
    port: int


class Metrics(NamedTuple):
    """What a farm has done so far, and how it is; fabric_metrics_t says what each number counts."""

    lookups: int
    lookups_refused: int
    refreshes_background: int
    refreshes_callers: int
    refreshes_failed: int
    requests: int
    bytes_received: int
    bytes_inflated: int
    events_lost: int
    generation: int
    topology_age: float | None
    """Seconds; None if nobody knows."""
    last_error_age: float | None
    """Seconds since the last refresh that failed; None if none did."""
    last_error: int
    last_error_text: str
    nodes_known: int
    nodes_up: int
    servers_quarantined: int
    threads_refused: int


class Event(NamedTuple):
    """Something that happened to a farm; fabric_event_t and FABRIC_EVENT_* say what each member tells."""

    kind: int
    """An EventKind; of a later library perhaps another number."""
    status: int
    generation: int
    lost_before: int
    age: float
    """How long ago it happened when it was handed over, in seconds."""
    held_shards: int
    group: str
    server_uuid: str
    table: str

    @property
    def name(self) -> str:
        """The name of the kind, such as "PRIMARY_CHANGED"."""
        return _fabric.event_name(self.kind)


class Explanation(NamedTuple):
    """How a lookup would be answered, and why; fabric_explanation_t says what each member tells. Times in seconds."""

    server: Server | None
    why: int
    """A Why; of a later library perhaps another number."""
    status: int
    """What the lookup would fail with, FABRIC_ERR_*; 0 if it is answered."""
    message: str
    generation: int
    source: str
    node: Node | None
    group: str
    group_origin: Origin
    group_age: float | None
    servers_listed: int
    servers_considered: int
    servers_quarantined: int
    servers_in_other_zones: int
    write_hold: float | None
    """How long writes are held yet at most; None if they are not."""
    table: str
    table_origin: Origin
    table_age: float | None
    column: str
    sharding_type: Sharding
    key: str
    digest: str
    shard_id: int
    shard_state: ShardState | None
    lower_bound: str
    upper_bound: str
    shard_hold: float | None
    """How long the keys of a missing shard are held yet, math.inf for ever; None if they are not."""


class ResultSet(NamedTuple):
    """A result set of Farm.execute(): rows of texts, or None where there is no value."""

    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]


def _known(kind: type[_E], number: int) -> int:
    """The constant of this number, or the number as it came."""
    try:
        return kind(number)
    except ValueError:
        return number


def _seconds(milliseconds: int) -> float | None:
    return None if milliseconds < 0 else milliseconds / 1000


def make_server(uuid: str, group: str, host: str, port: int, mode: int, status: int, weight: float) -> Server:
    return Server(uuid, group, host, port, _known(Mode, mode), _known(Status, status), weight)


def make_shard(shard_id: int, sharding_type: int, state: int, *texts: str) -> Shard:
    return Shard(shard_id, Sharding(sharding_type), ShardState(state), *texts)


def make_table_info(name: str, sharding_type: int, column: str, global_group: str, shards: int) -> TableInfo:
    return TableInfo(name, Sharding(sharding_type), column, global_group, shards)


def make_group_info(
    name: str, shards: int, age_ms: int, servers: int, quarantined: int, takes_writes: int, held: int
) -> GroupInfo:
    return GroupInfo(name, shards, _seconds(age_ms), servers, quarantined, bool(takes_writes), bool(held))


def make_metrics(*values: Any) -> Metrics:
    metrics = Metrics(*values)
    return metrics._replace(
        last_error_text=_errors.in_python(metrics.last_error_text),
        topology_age=_seconds(values[Metrics._fields.index("topology_age")]),
        last_error_age=_seconds(values[Metrics._fields.index("last_error_age")]),
    )


def make_event(kind: int, status: int, generation: int, lost: int, age_ms: int, *rest: Any) -> Event:
    return Event(_known(EventKind, kind), status, generation, lost, age_ms / 1000, *rest)


def make_health(server: Server, zone: str, state: int, errno: int, reports: int, *times: int) -> ServerHealth:
    return ServerHealth(server, zone, _known(Health, state), errno, reports, *map(_seconds, times))


def make_explanation(*values: Any) -> Explanation:
    made = Explanation(*values)
    return made._replace(
        why=_known(Why, made.why),
        message=_errors.in_python(made.message),
        group_origin=Origin(made.group_origin),
        group_age=_seconds(values[Explanation._fields.index("group_age")]),
        write_hold=_seconds(values[Explanation._fields.index("write_hold")]),
        table_origin=Origin(made.table_origin),
        table_age=_seconds(values[Explanation._fields.index("table_age")]),
        sharding_type=Sharding(made.sharding_type),
        shard_state=ShardState(made.shard_state) if made.shard_state else None,
        shard_hold=math.inf if made.shard_hold == 2**63 - 1 else _seconds(values[-1]),
    )


def check_wait(name: str, seconds: float | None) -> None:
    """Refuses what the library would for a wait of a call."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, and is {seconds!r}")
    if not 0 <= seconds <= 600:
        raise ValueError(f"{name} must be 0 to 600 seconds, and is {seconds!r}")


Tables = Union[str, Iterable[str]]
"""The name of a table, "db.table", or of several that are joined."""
