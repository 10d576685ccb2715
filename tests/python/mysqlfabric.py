"""libmysqlfabric for Python: one file, no dependency but ctypes.

    with Fabric([("fabric1.example.com", 0)], user="admin", password="secret") as fabric:
        server = fabric.shard_server(["employees.salaries"], 10021, mode=Mode.READWRITE)
        connect(host=server.host, port=server.port, ...)

A Fabric is one farm; any number of threads may use it, and a forked child may use its copy.
Failures raise FabricError. ctypes releases the GIL for each call.
"""

import ctypes
import enum
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_double, c_int32, c_int64, c_size_t
from ctypes import c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Tuple, Union


class Code(enum.IntEnum):
    """What a call answers: FABRIC_OK or FABRIC_ERR_*."""

    OK = 0
    ARGUMENT = 1
    NULL_POINTER = 2
    INVALID_UTF8 = 3
    TABLE_NAME = 4
    KEY_MISSING = 5
    KEY_TYPE = 6
    BUFFER_TOO_SMALL = 7
    UNREACHABLE = 20
    TIMEOUT = 21
    AUTH = 22
    FORBIDDEN = 23
    TLS = 24
    PROTOCOL = 25
    REPLY_TOO_LARGE = 26
    FABRIC = 27
    NOT_SEEDED = 28
    FILE = 29
    MYSQL = 30
    UNKNOWN_TABLE = 40
    UNKNOWN_GROUP = 41
    NO_SERVER = 42
    DIFFERENT_SHARDS = 43
    KEY_OUT_OF_RANGE = 44
    UNSUPPORTED_SHARDING = 45
    STALE = 46
    NO_EVENT = 47
    WRITE_HELD = 48
    SHARD_UNAVAILABLE = 49
    SOME_KEYS = 50
    WOULD_BLOCK = 60
    INTERRUPTED = 61
    SYSTEM = 62
    PANIC = 99


class Mode(enum.IntEnum):
    NONE = 0
    READONLY = 1
    WRITEONLY = 2
    READWRITE = 3


class Status(enum.IntEnum):
    NONE = -1
    FAULTY = 0
    SPARE = 1
    SECONDARY = 2
    PRIMARY = 3


class Scope(enum.IntEnum):
    LOCAL = 11
    GLOBAL = 12


class Sharding(enum.IntEnum):
    UNSUPPORTED = 0
    RANGE = 1
    RANGE_INTEGER = 2
    RANGE_STRING = 3
    RANGE_DATETIME = 4
    HASH = 5


class ShardState(enum.IntEnum):
    ENABLED = 1
    READ_ONLY = 2
    MISSING = 3


class Why(enum.IntEnum):
    """Why a lookup is answered as it is."""

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


class Prefer(enum.IntEnum):
    """Which servers of a group reads go to."""

    DEFAULT = 0
    SECONDARY = 1
    SECONDARY_ONLY = 2
    PRIMARY = 3
    NEAREST = 4


class Health(enum.IntEnum):
    """Whether a server is used."""

    IN_USE = 1
    LEFT_OUT = 2
    ON_TRIAL = 3
    TRIED = 4
    UNPROVEN = 5


class Origin(enum.IntEnum):
    NONE = 0
    FRESH = 1
    STALE = 2
    FILE = 3


class Report(enum.IntEnum):
    OFF = 0
    ERROR = 1
    FAILURE = 2


class Action(enum.IntEnum):
    """The flags that errno_action() gives, or'ed."""

    NONE = 0
    RECONNECT = 1
    RETRY_ELSEWHERE = 2
    ASK_AGAIN = 4
    REPORT = 8
    QUARANTINE = 16
    HOLD_WRITES = 32


class Compat(enum.IntEnum):
    SERVER = 0
    CONNECTOR_PYTHON = 1


class Tls(enum.IntEnum):
    DEFAULT = 0
    DISABLED = 1
    PREFERRED = 2
    REQUIRED = 3
    VERIFY_CA = 4
    VERIFY_IDENTITY = 5


class Level(enum.IntEnum):
    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4


class Event(enum.IntEnum):
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


MODE_OFFLINE = 0
DEFAULT_PORT = 32274
DEFAULT_MYSQL_PORT = 32275
MAX_TIME_MS = 600000
FOREVER_MS = 2**63 - 1
MESSAGE_SIZE = 512
UUID_SIZE = 48
GROUP_SIZE = 200
HOST_SIZE = 256
TABLE_SIZE = 392
SOURCE_SIZE = 512
ZONE_SIZE = 72
BOUND_SIZE = 256
COLUMN_SIZE = 200
METRICS_TEXT_SIZE = 256
KEY_INT = 1
KEY_TEXT = 2
KEY_UINT = 3
NO_INDEX = 2**32 - 1


class fabric_error_t(ctypes.Structure):
    _fields_ = [
        ("code", c_int32),
        ("mysql_errno", c_int32),
        ("message", c_char * MESSAGE_SIZE),
        ("retryable", c_int32),
        ("reserved0", c_int32),
        ("reserved", c_uint64 * 4),
    ]


class fabric_key_t(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32),
        ("reserved", c_int32),
        ("integer", c_int64),
        ("text", c_char_p),
        ("length", c_size_t),
    ]


class fabric_keys_t(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32),
        ("reserved", c_int32),
        ("integers", POINTER(c_int64)),
        ("texts", POINTER(c_char_p)),
        ("lengths", POINTER(c_size_t)),
        ("count", c_size_t),
    ]


class fabric_server_t(ctypes.Structure):
    _fields_ = [
        ("weight", c_double),
        ("port", c_uint32),
        ("mode", c_int32),
        ("status", c_int32),
        ("reserved0", c_int32),
        ("uuid", c_char * UUID_SIZE),
        ("host", c_char * HOST_SIZE),
        ("group", c_char * GROUP_SIZE),
        ("reserved", c_uint64 * 8),
    ]


class fabric_shard_t(ctypes.Structure):
    _fields_ = [
        ("shard_id", c_int64),
        ("sharding_type", c_int32),
        ("state", c_int32),
        ("lower_bound", c_char * BOUND_SIZE),
        ("group", c_char * GROUP_SIZE),
        ("global_group", c_char * GROUP_SIZE),
        ("column", c_char * COLUMN_SIZE),
        ("reserved", c_uint64 * 8),
    ]


class fabric_table_info_t(ctypes.Structure):
    _fields_ = [
        ("shards", c_uint64),
        ("sharding_type", c_int32),
        ("reserved0", c_int32),
        ("name", c_char * TABLE_SIZE),
        ("column", c_char * COLUMN_SIZE),
        ("global_group", c_char * GROUP_SIZE),
        ("reserved", c_uint64 * 8),
    ]


class fabric_group_info_t(ctypes.Structure):
    _fields_ = [
        ("shards", c_uint64),
        ("age_ms", c_int64),
        ("servers", c_uint32),
        ("servers_quarantined", c_uint32),
        ("takes_writes", c_int32),
        ("writes_held", c_int32),
        ("name", c_char * GROUP_SIZE),
        ("reserved", c_uint64 * 8),
    ]


class fabric_node_t(ctypes.Structure):
    _fields_ = [("host", c_char * HOST_SIZE), ("port", c_uint32), ("reserved", c_uint32 * 7)]


class fabric_server_health_t(ctypes.Structure):
    _fields_ = [
        ("server", fabric_server_t),
        ("zone", c_char * ZONE_SIZE),
        ("state", c_int32),
        ("reported_errno", c_int32),
        ("reports", c_uint64),
        ("since_ms", c_int64),
        ("failed_ms", c_int64),
        ("next_trial_ms", c_int64),
        ("heard_ms", c_int64),
        ("reserved", c_uint64 * 8),
    ]


class fabric_server_weight_t(ctypes.Structure):
    _fields_ = [("server", c_char_p), ("weight", c_double), ("reserved", c_uint64 * 2)]


class fabric_choice_t(ctypes.Structure):
    _fields_ = [
        ("preference", c_int32),
        ("reserved0", c_int32),
        ("zone", c_char_p),
        ("weights", POINTER(fabric_server_weight_t)),
        ("weights_count", c_size_t),
        ("excluded", POINTER(c_char_p)),
        ("excluded_count", c_size_t),
        ("reserved", c_uint64 * 8),
    ]


class fabric_explanation_t(ctypes.Structure):
    _fields_ = [
        ("status", c_int32),
        ("why", c_int32),
        ("sharding_type", c_int32),
        ("shard_state", c_int32),
        ("table_origin", c_int32),
        ("group_origin", c_int32),
        ("servers_listed", c_uint32),
        ("servers_considered", c_uint32),
        ("servers_quarantined", c_uint32),
        ("servers_in_other_zones", c_uint32),
        ("generation", c_uint64),
        ("shard_id", c_int64),
        ("table_age_ms", c_int64),
        ("group_age_ms", c_int64),
        ("write_hold_ms", c_int64),
        ("shard_hold_ms", c_int64),
        ("table", c_char * TABLE_SIZE),
        ("column", c_char * COLUMN_SIZE),
        ("key", c_char * BOUND_SIZE),
        ("digest", c_char * 40),
        ("lower_bound", c_char * BOUND_SIZE),
        ("upper_bound", c_char * BOUND_SIZE),
        ("group", c_char * GROUP_SIZE),
        ("server", fabric_server_t),
        ("node", fabric_node_t),
        ("source", c_char * SOURCE_SIZE),
        ("message", c_char * MESSAGE_SIZE),
        ("reserved", c_uint64 * 16),
    ]


class fabric_metrics_t(ctypes.Structure):
    _fields_ = [
        ("lookups", c_uint64),
        ("lookups_refused", c_uint64),
        ("refreshes_background", c_uint64),
        ("refreshes_callers", c_uint64),
        ("refreshes_failed", c_uint64),
        ("requests", c_uint64),
        ("bytes_received", c_uint64),
        ("bytes_inflated", c_uint64),
        ("events_lost", c_uint64),
        ("generation", c_uint64),
        ("topology_age_ms", c_int64),
        ("last_error_age_ms", c_int64),
        ("last_error", c_int32),
        ("nodes_known", c_uint32),
        ("nodes_up", c_uint32),
        ("servers_quarantined", c_uint32),
        ("last_error_text", c_char * METRICS_TEXT_SIZE),
        ("threads_refused", c_uint64),
        ("reserved", c_uint64 * 15),
    ]


class fabric_event_t(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32),
        ("status", c_int32),
        ("generation", c_uint64),
        ("lost_before", c_uint64),
        ("age_ms", c_int64),
        ("held_shards", c_uint64),
        ("group", c_char * GROUP_SIZE),
        ("server_uuid", c_char * UUID_SIZE),
        ("table", c_char * TABLE_SIZE),
        ("reserved", c_uint64 * 8),
    ]


fabric_log_t = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
fabric_free_t = ctypes.CFUNCTYPE(None, c_void_p)
fabric_event_callback_t = ctypes.CFUNCTYPE(None, POINTER(fabric_event_t), c_void_p)

_OPTIONS, _HANDLE, _RESULT = c_void_p, c_void_p, c_void_p
_TEXTS, _ERROR = POINTER(c_char_p), POINTER(fabric_error_t)

# Every function of the header: what it returns, then what it takes.
SIGNATURES = {
    "fabric_version": (c_char_p,),
    "fabric_strerror": (c_char_p, c_int32),
    "fabric_status_is_retryable": (c_int32, c_int32),
    "fabric_status_mysql_errno": (c_int32, c_int32),
    "fabric_event_name": (c_char_p, c_int32),
    "fabric_errno_action": (c_int32, c_int32),
    "fabric_error_action": (c_int32, c_int32, c_char_p),
    "fabric_options_new": (_OPTIONS,),
    "fabric_options_free": (None, _OPTIONS),
    "fabric_options_add_node": (c_int32, _OPTIONS, c_char_p, c_uint16),
    "fabric_options_set_credentials": (c_int32, _OPTIONS, c_char_p, c_char_p),
    "fabric_options_set_tls": (c_int32, _OPTIONS, c_char_p, c_char_p, c_char_p),
    "fabric_options_set_connect_attempts": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_connect_delay_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_connect_timeout_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_request_timeout_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_lookup_timeout_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_idle_after_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_max_reply_bytes": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_report_errors": (c_int32, _OPTIONS, c_int32),
    "fabric_options_add_report_errno": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_backoff_limit_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_quarantine_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_least_write_hold_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_vanished_hold_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_report_window_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_background_refresh": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_refresh_share": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_max_stale_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_ttl_ms": (c_int32, _OPTIONS, c_int64, c_int64),
    "fabric_options_set_compat": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_snapshot_file": (c_int32, _OPTIONS, c_char_p),
    "fabric_options_set_topology_file": (c_int32, _OPTIONS, c_char_p),
    "fabric_options_set_source": (c_int32, _OPTIONS, c_char_p),
    "fabric_options_set_mysql_credentials": (c_int32, _OPTIONS, c_char_p, c_char_p),
    "fabric_options_set_mysql_tls": (c_int32, _OPTIONS, c_int32, c_char_p, c_char_p, c_char_p),
    "fabric_options_set_mysql_password_unverified": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_discovery_interval_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_max_replica_lag_ms": (c_int32, _OPTIONS, c_int64),
    "fabric_options_set_multi_primary": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_zone": (c_int32, _OPTIONS, c_char_p),
    "fabric_options_set_reads_without_majority": (c_int32, _OPTIONS, c_int32),
    "fabric_options_set_event_callback": (
        c_int32, _OPTIONS, fabric_event_callback_t, c_void_p, fabric_free_t,
    ),
    "fabric_get_metrics": (c_int32, _HANDLE, POINTER(fabric_metrics_t), _ERROR),
    "fabric_event_fd": (c_int32, _HANDLE, POINTER(ctypes.c_int), _ERROR),
    "fabric_next_event": (c_int32, _HANDLE, POINTER(fabric_event_t), _ERROR),
    "fabric_options_set_log": (
        c_int32, _OPTIONS, c_int32, fabric_log_t, c_void_p, fabric_free_t,
    ),
    "fabric_new": (c_int32, _OPTIONS, POINTER(_HANDLE), _ERROR),
    "fabric_free": (None, _HANDLE),
    "fabric_interrupt": (None, _HANDLE),
    "fabric_seed": (c_int32, _HANDLE, c_char_p, c_uint16, _ERROR),
    "fabric_key_int": (fabric_key_t, c_int64),
    "fabric_key_uint": (fabric_key_t, c_uint64),
    "fabric_key_text": (fabric_key_t, c_char_p, c_size_t),
    "fabric_get_shard_server": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(fabric_key_t), c_int32, c_int32,
        POINTER(fabric_server_t), _ERROR,
    ),
    "fabric_get_group_server": (
        c_int32, _HANDLE, c_char_p, c_int32, c_int32, POINTER(fabric_server_t), _ERROR,
    ),
    "fabric_get_shard_server_wait": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(fabric_key_t), c_int32, c_int32, c_int64,
        POINTER(fabric_server_t), _ERROR,
    ),
    "fabric_get_group_server_wait": (
        c_int32, _HANDLE, c_char_p, c_int32, c_int32, c_int64, POINTER(fabric_server_t), _ERROR,
    ),
    "fabric_get_group_servers": (
        c_int32, _HANDLE, c_char_p, c_int32, POINTER(fabric_server_t), c_size_t,
        POINTER(c_size_t), _ERROR,
    ),
    "fabric_keys_int": (fabric_keys_t, POINTER(c_int64), c_size_t),
    "fabric_keys_uint": (fabric_keys_t, POINTER(c_uint64), c_size_t),
    "fabric_keys_text": (fabric_keys_t, _TEXTS, POINTER(c_size_t), c_size_t),
    "fabric_get_shard_servers": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(fabric_keys_t), c_int32, c_int32,
        POINTER(c_uint32), POINTER(c_int32), POINTER(fabric_server_t), c_size_t,
        POINTER(c_size_t), _ERROR,
    ),
    "fabric_split_keys": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(fabric_keys_t), c_int32, c_int32,
        POINTER(c_size_t), POINTER(c_size_t), POINTER(c_int32), POINTER(fabric_server_t),
        c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_table_open": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(c_void_p), _ERROR,
    ),
    "fabric_table_get_server": (
        c_int32, c_void_p, POINTER(fabric_key_t), c_int32, c_int32, POINTER(fabric_server_t),
        _ERROR,
    ),
    "fabric_table_get_server_wait": (
        c_int32, c_void_p, POINTER(fabric_key_t), c_int32, c_int32, c_int64,
        POINTER(fabric_server_t), _ERROR,
    ),
    "fabric_table_get_servers": (
        c_int32, c_void_p, POINTER(fabric_keys_t), c_int32, c_int32, POINTER(c_uint32),
        POINTER(c_int32), POINTER(fabric_server_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_table_free": (None, c_void_p),
    "fabric_get_shards_in_range": (
        c_int32, _HANDLE, c_char_p, POINTER(fabric_key_t), POINTER(fabric_key_t),
        POINTER(fabric_shard_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_get_shard": (
        c_int32, _HANDLE, c_char_p, POINTER(fabric_key_t), POINTER(fabric_shard_t), _ERROR,
    ),
    "fabric_dump": (c_int32, _HANDLE, c_char_p, _ERROR),
    "fabric_explain_shard": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(fabric_key_t), c_int32, c_int32,
        POINTER(fabric_explanation_t), _ERROR,
    ),
    "fabric_explain_group": (
        c_int32, _HANDLE, c_char_p, c_int32, POINTER(fabric_explanation_t), _ERROR,
    ),
    "fabric_get_server_health": (
        c_int32, _HANDLE, c_char_p, POINTER(fabric_server_health_t), c_size_t, POINTER(c_size_t),
        _ERROR,
    ),
    "fabric_why_name": (c_char_p, c_int32),
    "fabric_choose_shard_servers": (
        c_int32, _HANDLE, _TEXTS, c_size_t, POINTER(fabric_key_t), c_int32, c_int32,
        POINTER(fabric_choice_t), POINTER(fabric_server_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_choose_group_servers": (
        c_int32, _HANDLE, c_char_p, c_int32, POINTER(fabric_choice_t), POINTER(fabric_server_t),
        c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_options_set_read_preference": (c_int32, _OPTIONS, c_int32),
    "fabric_get_tables": (
        c_int32, _HANDLE, POINTER(fabric_table_info_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_get_groups": (
        c_int32, _HANDLE, POINTER(fabric_group_info_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_get_shards": (
        c_int32, _HANDLE, c_char_p, POINTER(fabric_shard_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_get_fabric_nodes": (
        c_int32, _HANDLE, POINTER(fabric_node_t), c_size_t, POINTER(c_size_t), _ERROR,
    ),
    "fabric_get_sharding_information": (c_int32, _HANDLE, _TEXTS, c_size_t, _ERROR),
    "fabric_reset_cache": (c_int32, _HANDLE, c_char_p, _ERROR),
    "fabric_topology_generation": (c_uint64, _HANDLE),
    "fabric_topology_age": (c_int64, _HANDLE),
    "fabric_report_result": (c_int32, _HANDLE, c_char_p, c_int32, _ERROR),
    "fabric_report_error": (c_int32, _HANDLE, c_char_p, c_int32, c_char_p, POINTER(c_int32), _ERROR),
    "fabric_report_failure": (c_int32, _HANDLE, c_char_p, c_int32, _ERROR),
    "fabric_execute": (
        c_int32, _HANDLE, c_char_p, c_char_p, _TEXTS, c_size_t, POINTER(_RESULT), _ERROR,
    ),
    "fabric_result_free": (None, _RESULT),
    "fabric_result_sets": (c_size_t, _RESULT),
    "fabric_result_rows": (c_size_t, _RESULT, c_size_t),
    "fabric_result_columns": (c_size_t, _RESULT, c_size_t),
    "fabric_result_column_name": (c_char_p, _RESULT, c_size_t, c_size_t),
    # Not c_char_p, which would stop at the first NUL of a value.
    "fabric_result_value": (
        c_void_p, _RESULT, c_size_t, c_size_t, c_size_t, POINTER(c_size_t),
    ),
    "fabric_get_user": (c_char_p, _HANDLE),
    "fabric_get_tls_ca": (c_char_p, _HANDLE),
    "fabric_get_tls_key": (c_char_p, _HANDLE),
    "fabric_get_tls_cert": (c_char_p, _HANDLE),
    "fabric_get_fabric_uuid": (c_int32, _HANDLE, c_char_p, _ERROR),
    "fabric_get_ttl_ms": (c_int64, _HANDLE),
}


def library_path() -> str:
    """MYSQLFABRIC_LIBRARY, or what cargo built around this file, or the installed library."""
    given = os.environ.get("MYSQLFABRIC_LIBRARY")
    if given:
        return given
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    for profile in ("release", "debug"):
        path = os.path.join(root, "target", profile, "libmysqlfabric.so")
        if os.path.exists(path):
            return path
    return "libmysqlfabric.so.0"


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(library_path())
    for name, (result, *arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()


class FabricError(Exception):
    """A call that failed: its code, the MySQL errno that fits or 0, a sentence, and whether the
    same call may succeed later although nobody corrects anything."""

    def __init__(self, code: int, errno: int, message: str, retryable: bool = False):
        super().__init__(code, errno, message, retryable)
        self.code, self.errno, self.message = code, errno, message
        self.retryable = retryable

    def __str__(self) -> str:
        return "{} ({}, errno {})".format(self.message, strerror(self.code), self.errno)


class Server(NamedTuple):
    uuid: str
    group: str
    host: str
    port: int
    mode: int
    status: int
    weight: float


class TableInfo(NamedTuple):
    name: str
    type: int
    column: str
    global_group: str
    shards: int


class GroupInfo(NamedTuple):
    name: str
    shards: int
    age_ms: int
    servers: int
    servers_quarantined: int
    takes_writes: bool
    writes_held: bool


class Shard(NamedTuple):
    id: int
    type: int
    lower_bound: str
    group: str
    global_group: str
    column: str
    state: int


class Routed(NamedTuple):
    """The servers of many keys: a list, and for each key an index into it and a status."""

    servers: List[Server]
    index: List[Optional[int]]
    status: List[Code]


class Split(NamedTuple):
    """Many keys by server: each server with its keys' positions, and what failed and why."""

    parts: List[Tuple[Server, List[int]]]
    failed: List[Tuple[int, Code]]


class Node(NamedTuple):
    host: str
    port: int


class ResultSet(NamedTuple):
    columns: List[str]
    rows: List[List[Optional[bytes]]]

    def texts(self) -> List[List[Optional[str]]]:
        """The rows as text; what is not UTF-8 raises UnicodeDecodeError."""
        return [[None if cell is None else cell.decode() for cell in row] for row in self.rows]


Key = Union[int, str, bytes, None]
Keys = Union[Iterable[int], Iterable[Union[str, bytes]]]


def version() -> str:
    return lib.fabric_version().decode()


def strerror(code: int) -> str:
    return lib.fabric_strerror(code).decode()


def is_retryable(code: int) -> bool:
    """Whether the same call may succeed later although nobody corrects anything."""
    return lib.fabric_status_is_retryable(code) != 0


def errno_action(errno: int) -> int:
    """What there is to do about a MySQL errno: flags of Action."""
    return lib.fabric_errno_action(errno)


def event_name(kind: int) -> str:
    return lib.fabric_event_name(kind).decode()


def _text(value: Any) -> Optional[bytes]:
    """What goes in as a NUL-terminated string; None is NULL. A NUL inside would cut it."""
    if value is None:
        return None
    data = value if isinstance(value, bytes) else os.fspath(value).encode()
    if b"\0" in data:
        raise ValueError("a name cannot hold a NUL byte")
    return data


def _texts(values: Iterable[Any]) -> Tuple[Any, int]:
    data = [_text(value) for value in values]
    return (c_char_p * len(data))(*data), len(data)


def _key(key: Key) -> Tuple[Any, Any]:
    """The key for C, and what must stay alive as long as it."""
    if key is None:
        return None, None
    if isinstance(key, int):
        if -(1 << 63) <= key < 1 << 63:
            return byref(lib.fabric_key_int(key)), None
        if 0 <= key < 1 << 64:
            return byref(lib.fabric_key_uint(key)), None
        # ctypes would cut it silently.
        key = str(key)
    data = key if isinstance(key, bytes) else key.encode()
    return byref(lib.fabric_key_text(data, len(data))), data


def _keys(keys: Keys) -> Tuple[fabric_keys_t, int, Any]:
    """The keys for C, how many, and what must stay alive as long as they."""
    given = list(keys)
    count = len(given)
    if all(isinstance(key, int) and -(1 << 63) <= key < 1 << 63 for key in given):
        values = (c_int64 * count)(*given)
        return lib.fabric_keys_int(values, count), count, values
    if all(isinstance(key, int) and 0 <= key < 1 << 64 for key in given):
        unsigned = (c_uint64 * count)(*given)
        return lib.fabric_keys_uint(unsigned, count), count, unsigned
    data = [key if isinstance(key, bytes) else str(key).encode() for key in given]
    texts, lengths = (c_char_p * count)(*data), (c_size_t * count)(*map(len, data))
    return lib.fabric_keys_text(texts, lengths, count), count, (data, texts, lengths)


def _check(code: int, error: fabric_error_t) -> None:
    if code != Code.OK:
        raise FabricError(code, error.mysql_errno, error.message.decode(), bool(error.retryable))


def _server(s: fabric_server_t) -> Server:
    return Server(
        s.uuid.decode(), s.group.decode(), s.host.decode(), s.port, s.mode, s.status, s.weight
    )


def _shard(s: fabric_shard_t) -> Shard:
    return Shard(
        s.shard_id,
        s.sharding_type,
        s.lower_bound.decode(),
        s.group.decode(),
        s.global_group.decode(),
        s.column.decode(),
        s.state,
    )


class Table:
    """Opened tables. They may outlive their handle."""

    def __init__(self, table: c_void_p):
        self._table = table

    def server(
        self,
        key: Key = None,
        mode: int = Mode.NONE,
        scope: int = Scope.LOCAL,
        wait_ms: Optional[int] = None,
    ) -> Server:
        """The server for a key; with `wait_ms`, waits for one that has not failed."""
        server, (given, alive) = fabric_server_t(), _key(key)
        error = fabric_error_t()
        function, wait = lib.fabric_table_get_server, ()
        if wait_ms is not None:
            function, wait = lib.fabric_table_get_server_wait, (wait_ms,)
        status = function(self._table, given, scope, mode, *wait, byref(server), byref(error))
        del alive
        _check(status, error)
        return _server(server)

    def close(self) -> None:
        """Frees the tables; twice does no harm."""
        lib.fabric_table_free(self._table)
        self._table = c_void_p()


class Fabric:
    """A farm of MySQL servers. Close it, or use it in a `with`; no call may follow."""

    def __init__(
        self,
        nodes: Iterable[Tuple[str, int]] = (),
        *,
        user: Optional[str] = None,
        password: str = "",
        tls_ca: Any = None,
        tls_key: Any = None,
        tls_cert: Any = None,
        connect_attempts: Optional[int] = None,
        connect_delay_ms: Optional[int] = None,
        connect_timeout_ms: Optional[int] = None,
        request_timeout_ms: Optional[int] = None,
        lookup_timeout_ms: Optional[int] = None,
        max_reply_bytes: Optional[int] = None,
        report_errors: Optional[int] = None,
        report_errnos: Iterable[int] = (),
        report_window_ms: Optional[int] = None,
        quarantine_ms: Optional[int] = None,
        write_hold_ms: Optional[int] = None,
        vanished_hold_ms: Optional[int] = None,
        background_refresh: Optional[bool] = None,
        refresh_share: Optional[int] = None,
        max_stale_ms: Optional[int] = None,
        ttl_ms: Optional[Tuple[int, int]] = None,
        compat: Optional[int] = None,
        log: Optional[Callable[[int, str], None]] = None,
        log_level: int = Level.INFO
    ):
        self._handle = c_void_p()
        self._log = None
        options = c_void_p(lib.fabric_options_new())
        try:
            # Their statuses need no look: fabric_new() says the first refusal again.
            for host, port in nodes:
                lib.fabric_options_add_node(options, _text(host), port)
            if user is not None:
                lib.fabric_options_set_credentials(options, _text(user), _text(password))
            if tls_ca is not None or tls_key is not None or tls_cert is not None:
                lib.fabric_options_set_tls(options, _text(tls_ca), _text(tls_key), _text(tls_cert))
            for setter, value in (
                (lib.fabric_options_set_connect_attempts, connect_attempts),
                (lib.fabric_options_set_connect_delay_ms, connect_delay_ms),
                (lib.fabric_options_set_connect_timeout_ms, connect_timeout_ms),
                (lib.fabric_options_set_request_timeout_ms, request_timeout_ms),
                (lib.fabric_options_set_lookup_timeout_ms, lookup_timeout_ms),
                (lib.fabric_options_set_max_reply_bytes, max_reply_bytes),
                (lib.fabric_options_set_report_errors, report_errors),
                (lib.fabric_options_set_report_window_ms, report_window_ms),
                (lib.fabric_options_set_quarantine_ms, quarantine_ms),
                (lib.fabric_options_set_least_write_hold_ms, write_hold_ms),
                (lib.fabric_options_set_vanished_hold_ms, vanished_hold_ms),
                (lib.fabric_options_set_background_refresh, background_refresh),
                (lib.fabric_options_set_refresh_share, refresh_share),
                (lib.fabric_options_set_max_stale_ms, max_stale_ms),
                (lib.fabric_options_set_compat, compat),
            ):
                if value is not None:
                    setter(options, value)
            for errno in report_errnos:
                lib.fabric_options_add_report_errno(options, errno)
            if ttl_ms is not None:
                lib.fabric_options_set_ttl_ms(options, *ttl_ms)
            if log is not None:
                # Kept here, because the library calls it as long as the handle lives.
                self._log = fabric_log_t(lambda level, text, _: log(level, text.decode()))
                no_free = fabric_free_t(0)
                lib.fabric_options_set_log(options, log_level, self._log, None, no_free)
            error = fabric_error_t()
            _check(lib.fabric_new(options, byref(self._handle), byref(error)), error)
        finally:
            lib.fabric_options_free(options)

    def interrupt(self) -> None:
        """Ends the waits of those who wait now."""
        lib.fabric_interrupt(self._handle)

    def close(self) -> None:
        """Frees the handle; twice does no harm. No other thread may be using it."""
        handle, self._handle = self._handle, c_void_p()
        lib.fabric_free(handle)

    def __enter__(self) -> "Fabric":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _call(self, function: Any, *arguments: Any) -> None:
        error = fabric_error_t()
        _check(function(self._handle, *arguments, byref(error)), error)

    def _list(self, function: Any, element: Any, *arguments: Any) -> Any:
        """The two-call shape, until the list fits: it may grow between two calls."""
        room, count = 8, c_size_t()
        while True:
            out, error = (element * room)(), fabric_error_t()
            code = function(self._handle, *arguments, out, room, byref(count), byref(error))
            if code != Code.BUFFER_TOO_SMALL:
                _check(code, error)
                return out[: count.value]
            room = count.value

    def seed(self, host: Optional[str] = None, port: int = 0) -> None:
        self._call(lib.fabric_seed, _text(host), port)

    def shard_server(
        self,
        tables: Iterable[str],
        key: Key = None,
        scope: int = Scope.LOCAL,
        mode: int = Mode.NONE,
        wait_ms: Optional[int] = None,
    ) -> Server:
        """The server for tables and a key; with `wait_ms`, waits for one that has not failed."""
        server = fabric_server_t()
        names, n = _texts(tables)
        pointer, alive = _key(key)
        function, wait = lib.fabric_get_shard_server, ()
        if wait_ms is not None:
            function, wait = lib.fabric_get_shard_server_wait, (wait_ms,)
        self._call(function, names, n, pointer, scope, mode, *wait, byref(server))
        del alive
        return _server(server)

    def shard_servers(
        self,
        tables: Iterable[str],
        keys: Keys,
        scope: int = Scope.LOCAL,
        mode: int = Mode.NONE,
    ) -> Routed:
        """The servers of many keys, all integers or all text. Bad keys raise nothing."""
        names, n = _texts(tables)
        many, count, alive = _keys(keys)
        index, status = (c_uint32 * count)(), (c_int32 * count)()

        def ask(servers: Any, room: int, found: Any, error: Any) -> int:
            return lib.fabric_get_shard_servers(
                self._handle, names, n, byref(many), scope, mode, index, status, servers, room,
                found, error,
            )

        servers = self._servers(ask)
        del alive
        places = [None if place == NO_INDEX else place for place in index]
        return Routed(servers, places, [Code(code) for code in status])

    def split_keys(
        self,
        tables: Iterable[str],
        keys: Keys,
        scope: int = Scope.LOCAL,
        mode: int = Mode.NONE,
    ) -> Split:
        """The positions of many keys by their servers, and those of the keys without one."""
        names, n = _texts(tables)
        many, count, alive = _keys(keys)
        order, status, starts = (c_size_t * count)(), (c_int32 * count)(), [0]

        def ask(servers: Any, room: int, found: Any, error: Any) -> int:
            begins = (c_size_t * (room + 1))()
            code = lib.fabric_split_keys(
                self._handle, names, n, byref(many), scope, mode, order, begins, status, servers,
                room, found, error,
            )
            starts[:] = begins
            return code

        servers = self._servers(ask)
        del alive
        parts = [
            (server, order[starts[at] : starts[at + 1]]) for at, server in enumerate(servers)
        ]
        return Split(parts, [(at, Code(status[at])) for at in order[starts[len(servers)] :]])

    def _servers(self, ask: Callable[[Any, int, Any, Any], int]) -> List[Server]:
        room, count = 8, c_size_t()
        while True:
            servers, error = (fabric_server_t * room)(), fabric_error_t()
            code = ask(servers, room, byref(count), byref(error))
            if code != Code.BUFFER_TOO_SMALL:
                if code != Code.SOME_KEYS:
                    _check(code, error)
                return [_server(server) for server in servers[: count.value]]
            room = count.value

    def group_server(
        self,
        group: str,
        mode: int = Mode.NONE,
        status: int = Status.NONE,
        wait_ms: Optional[int] = None,
    ) -> Server:
        server = fabric_server_t()
        function, wait = lib.fabric_get_group_server, ()
        if wait_ms is not None:
            function, wait = lib.fabric_get_group_server_wait, (wait_ms,)
        self._call(function, _text(group), mode, status, *wait, byref(server))
        return _server(server)

    def group_servers(self, group: str, use_cache: bool = True) -> List[Server]:
        found = self._list(
            lib.fabric_get_group_servers, fabric_server_t, _text(group), int(use_cache)
        )
        return [_server(server) for server in found]

    def table(self, *tables: str) -> "Table":
        """One table, or several that are joined, for many lookups."""
        table = c_void_p()
        self._call(lib.fabric_table_open, *_texts(tables), byref(table))
        return Table(table)

    def shards(self, table: str) -> List[Shard]:
        found = self._list(lib.fabric_get_shards, fabric_shard_t, _text(table))
        return [_shard(shard) for shard in found]

    def shard(self, table: str, key: Key) -> Shard:
        """The shard that holds `key`."""
        shard = fabric_shard_t()
        key, alive = _key(key)
        self._call(lib.fabric_get_shard, _text(table), key, byref(shard))
        del alive
        return _shard(shard)

    def dump(self, path: str) -> None:
        """Writes what is known to a topology file."""
        self._call(lib.fabric_dump, _text(path))

    def tables(self) -> List[TableInfo]:
        found = self._list(lib.fabric_get_tables, fabric_table_info_t)
        return [
            TableInfo(
                table.name.decode(), table.sharding_type, table.column.decode(),
                table.global_group.decode(), table.shards,
            )
            for table in found
        ]

    def groups(self) -> List[GroupInfo]:
        found = self._list(lib.fabric_get_groups, fabric_group_info_t)
        return [
            GroupInfo(
                group.name.decode(), group.shards, group.age_ms, group.servers,
                group.servers_quarantined, bool(group.takes_writes), bool(group.writes_held),
            )
            for group in found
        ]

    def shards_in_range(self, table: str, low: Key = None, high: Key = None) -> List[Shard]:
        """The shards with keys from `low` to `high`, both included; None is no limit."""
        (low_key, low_alive), (high_key, high_alive) = _key(low), _key(high)
        found = self._list(
            lib.fabric_get_shards_in_range, fabric_shard_t, _text(table), low_key, high_key
        )
        del low_alive, high_alive
        return [_shard(shard) for shard in found]

    def fabric_nodes(self) -> List[Node]:
        found = self._list(lib.fabric_get_fabric_nodes, fabric_node_t)
        return [Node(node.host.decode(), node.port) for node in found]

    def prefetch(self, *tables: str) -> None:
        """Fetches these tables, or the whole farm."""
        self._call(lib.fabric_get_sharding_information, *_texts(tables))

    def reset_cache(self, group: Optional[str] = None) -> None:
        self._call(lib.fabric_reset_cache, _text(group))

    def report_result(self, server_uuid: str, errno: int = 0) -> None:
        """What became of a connection or a statement: a MySQL errno, or 0 if all was well."""
        self._call(lib.fabric_report_result, _text(server_uuid), errno)

    def report_failure(self, server_uuid: str, errno: int) -> None:
        self._call(lib.fabric_report_failure, _text(server_uuid), errno)

    def execute(self, group: str, command: str, *args: Optional[str]) -> List[ResultSet]:
        result = c_void_p()
        names, n = _texts(args)
        self._call(lib.fabric_execute, _text(group), _text(command), names, n, byref(result))
        try:
            return [_result_set(result, at) for at in range(lib.fabric_result_sets(result))]
        finally:
            lib.fabric_result_free(result)

    @property
    def generation(self) -> int:
        return lib.fabric_topology_generation(self._handle)

    @property
    def age_ms(self) -> int:
        return lib.fabric_topology_age(self._handle)

    @property
    def ttl_ms(self) -> int:
        return lib.fabric_get_ttl_ms(self._handle)

    @property
    def fabric_uuid(self) -> str:
        out = ctypes.create_string_buffer(UUID_SIZE)
        self._call(lib.fabric_get_fabric_uuid, out)
        return out.value.decode()

    @property
    def user(self) -> Optional[str]:
        return _optional(lib.fabric_get_user(self._handle))

    @property
    def tls_ca(self) -> Optional[str]:
        return _optional(lib.fabric_get_tls_ca(self._handle))

    @property
    def tls_key(self) -> Optional[str]:
        return _optional(lib.fabric_get_tls_key(self._handle))

    @property
    def tls_cert(self) -> Optional[str]:
        return _optional(lib.fabric_get_tls_cert(self._handle))


def _optional(text: Optional[bytes]) -> Optional[str]:
    return None if text is None else text.decode()


def _result_set(result: c_void_p, at: int) -> ResultSet:
    width = lib.fabric_result_columns(result, at)

    def value(row: int, column: int) -> Optional[bytes]:
        length = c_size_t()
        text = lib.fabric_result_value(result, at, row, column, byref(length))
        return None if text is None else ctypes.string_at(text, length.value)

    return ResultSet(
        [lib.fabric_result_column_name(result, at, column).decode() for column in range(width)],
        [
            [value(row, column) for column in range(width)]
            for row in range(lib.fabric_result_rows(result, at))
        ],
    )
