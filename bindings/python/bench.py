#!/usr/bin/env python3
"""What a warm lookup costs from Python, the ways to bind a C library side by side: bench.sh runs it.

All ways use one library, one farm and the same keys, on one core and in turns. "alone" fills the library's struct
and reads nothing of it; "server" makes an object with all that a server has.
"""

import ctypes
import importlib
import json
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

import mysqlfabric
from mysqlfabric import Mode
from mysqlfabric.compat import Fabric

ROOT = Path(__file__).resolve().parents[2]
TOPOLOGY = ROOT / "tests" / "data" / "topology.json"
LIBRARY = Path(mysqlfabric.__file__).parent / "libmysqlfabric.so.0"
TABLE = "employees.salaries"
KEYS, ROUNDS = 2000, 25

DECLARATIONS = """
typedef struct { double weight; uint32_t port; int32_t mode; int32_t status; int32_t reserved0; char uuid[48];
                 char host[256]; char group[200]; uint64_t reserved[8]; } fabric_server_t;
typedef struct { int32_t kind; int32_t reserved; int64_t integer; const char *text; size_t length; } fabric_key_t;
"""
CALLS = """
void *fabric_options_new(void);
int32_t fabric_options_set_topology_file(void *options, const char *path);
int32_t fabric_new(const void *options, void **out, void *err);
int32_t fabric_seed(const void *f, const char *host, uint16_t port, void *err);
int32_t fabric_table_open(const void *f, const char *const *tables, size_t n, void **out, void *err);
int32_t fabric_table_get_server(const void *t, const fabric_key_t *key, int32_t scope, int32_t mode,
                                fabric_server_t *server, void *err);
int32_t fabric_get_shard_server(const void *f, const char *const *tables, size_t n, const fabric_key_t *key,
                                int32_t scope, int32_t mode, fabric_server_t *server, void *err);
"""


def ways_of_ctypes():
    lib = ctypes.CDLL(str(LIBRARY))

    class server_t(ctypes.Structure):
        _fields_ = [("weight", ctypes.c_double), ("port", ctypes.c_uint32), ("mode", ctypes.c_int32),
                    ("status", ctypes.c_int32), ("reserved0", ctypes.c_int32), ("uuid", ctypes.c_char * 48),
                    ("host", ctypes.c_char * 256), ("group", ctypes.c_char * 200),
                    ("reserved", ctypes.c_uint64 * 8)]  # fmt: skip

    class key_t(ctypes.Structure):
        _fields_ = [("kind", ctypes.c_int32), ("reserved", ctypes.c_int32), ("integer", ctypes.c_int64),
                    ("text", ctypes.c_char_p), ("length", ctypes.c_size_t)]  # fmt: skip

    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    lib.fabric_options_new.restype = pointer
    lib.fabric_options_set_topology_file.argtypes = [pointer, ctypes.c_char_p]
    lib.fabric_new.argtypes = [pointer, ctypes.POINTER(pointer), pointer]
    lib.fabric_seed.argtypes = [pointer, ctypes.c_char_p, ctypes.c_uint16, pointer]
    lib.fabric_table_open.argtypes = [pointer, ctypes.POINTER(ctypes.c_char_p), size, ctypes.POINTER(pointer), pointer]
    of_table, by_name = lib.fabric_table_get_server, lib.fabric_get_shard_server
    of_table.argtypes = [pointer, ctypes.POINTER(key_t), ctypes.c_int32, ctypes.c_int32, ctypes.POINTER(server_t), pointer]
    by_name.argtypes = [pointer, ctypes.POINTER(ctypes.c_char_p), size] + of_table.argtypes[1:]
    options, farm, table = lib.fabric_options_new(), pointer(), pointer()
    lib.fabric_options_set_topology_file(options, os.fsencode(TOPOLOGY))
    names = (ctypes.c_char_p * 1)(TABLE.encode())
    assert lib.fabric_new(options, ctypes.byref(farm), None) == 0 and lib.fabric_seed(farm, None, 0, None) == 0
    assert lib.fabric_table_open(farm, names, 1, ctypes.byref(table), None) == 0
    byref = ctypes.byref

    def prepared_alone(key):
        server = server_t()
        if of_table(table, byref(key_t(1, 0, key)), 11, 3, byref(server), None):
            raise LookupError
        return server

    def named_alone(key):
        server = server_t()
        if by_name(farm, (ctypes.c_char_p * 1)(TABLE.encode()), 1, byref(key_t(1, 0, key)), 11, 3, byref(server), None):
            raise LookupError
        return server

    def made(s):
        return mysqlfabric.Server(s.uuid.decode(), s.group.decode(), s.host.decode(), s.port, s.mode, s.status, s.weight)

    return {
        "ctypes, alone": (prepared_alone, named_alone),
        "ctypes, server": (lambda key: made(prepared_alone(key)), lambda key: made(named_alone(key))),
    }


def ways_of_cffi():
    import cffi

    builder = cffi.FFI()
    builder.cdef(DECLARATIONS + CALLS)
    directory = tempfile.mkdtemp()
    builder.set_source("_fabric_cffi", "#include <stdint.h>\n#include <stddef.h>\n" + DECLARATIONS + CALLS,
                       extra_link_args=[str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}"])  # fmt: skip
    builder.compile(tmpdir=directory)
    sys.path.insert(0, directory)
    module = importlib.import_module("_fabric_cffi")
    ffi, lib = module.ffi, module.lib
    options, out = lib.fabric_options_new(), ffi.new("void **")
    lib.fabric_options_set_topology_file(options, os.fsencode(TOPOLOGY))
    assert lib.fabric_new(options, out, ffi.NULL) == 0
    farm = out[0]
    assert lib.fabric_seed(farm, ffi.NULL, 0, ffi.NULL) == 0
    name = ffi.new("char[]", TABLE.encode())
    names = ffi.new("char *[]", [name])
    assert lib.fabric_table_open(farm, names, 1, out, ffi.NULL) == 0
    table = out[0]
    of_table, by_name, new, null = lib.fabric_table_get_server, lib.fabric_get_shard_server, ffi.new, ffi.NULL

    def prepared_alone(key):
        server = new("fabric_server_t *")
        if of_table(table, new("fabric_key_t *", (1, 0, key)), 11, 3, server, null):
            raise LookupError
        return server

    def named_alone(key):
        server, text = new("fabric_server_t *"), new("char[]", TABLE.encode())
        if by_name(farm, new("char *[]", [text]), 1, new("fabric_key_t *", (1, 0, key)), 11, 3, server, null):
            raise LookupError
        return server

    text = ffi.string

    def made(s):
        return mysqlfabric.Server(text(s.uuid).decode(), text(s.group).decode(), text(s.host).decode(), s.port, s.mode,
                                  s.status, s.weight)  # fmt: skip

    return {
        "cffi (API mode), alone": (prepared_alone, named_alone),
        "cffi (API mode), server": (lambda key: made(prepared_alone(key)), lambda key: made(named_alone(key))),
    }


def ways_of_package():
    farm = mysqlfabric.Farm(topology_file=TOPOLOGY)
    farm.seed()
    table = farm.table(TABLE)
    prepared, named = table.server, farm.server
    compat = Fabric("127.0.0.1", topology_file=TOPOLOGY)
    compat.seed()
    tables = [TABLE]
    return {
        "mysqlfabric (C extension), server": (lambda key: prepared(key, 3), lambda key: named(TABLE, key, 3)),
        "the same, keywords and Mode": (
            lambda key: prepared(key, mode=Mode.READWRITE),
            lambda key: named(TABLE, key, mode=Mode.READWRITE),
        ),
        "mysqlfabric.compat.Fabric": (None, lambda key: compat.get_shard_server(tables, key, mode=3)),
    }


class Answer:
    """What the dumps of a Fabric node say of the topology file, for the reference."""

    def __init__(self, rows):
        self._rows = rows

    def rows(self):
        return iter(self._rows)


def ways_of_reference():
    sys.path.insert(0, str(ROOT / "build" / "connector-python-2.2.9"))
    for name in [name for name in sys.modules if name.split(".")[0] == "mysql"]:
        del sys.modules[name]
    caching = importlib.import_module("mysql.connector.fabric.caching")
    connection = importlib.import_module("mysql.connector.fabric.connection")
    # Its entries live for 60 s, whatever the server says.
    caching.CacheEntry.__init__.__defaults__ = (None, None, 86400)
    file = json.loads(TOPOLOGY.read_text())

    class Row:
        def __init__(self, **members):
            vars(self).update(members)

    class Instance:
        def execute(self, group, command, version, what):
            if command == "sharding_information":
                (table,) = (t for t in file["tables"] if f"{t['schema']}.{t['table']}" == what)
                return Answer([Row(schema_name=table["schema"], table_name=table["table"], column_name=table["column"],
                                   lower_bound=s["lower_bound"], shard_id=s["id"], type_name=table["type"],
                                   group_id=s["group"], global_group=table["global_group"])
                               for s in table["shards"]])  # fmt: skip
            names = {"READ_WRITE": 3, "READ_ONLY": 1, "PRIMARY": 3, "SECONDARY": 2}
            (group,) = (g for g in file["groups"] if g["id"] == what)
            return Answer([Row(server_uuid=s["uuid"], group_id=what, host=s["host"], port=s["port"],
                               mode=names.get(s["mode"], s["mode"]), status=names.get(s["status"], s["status"]),
                               weight=s["weight"]) for s in group["servers"]])  # fmt: skip

    fabric = connection.Fabric("127.0.0.1")
    fabric.get_instance = Instance
    tables = [TABLE]
    return {"Connector/Python 2.2.9 (pure Python)": (None, lambda key: fabric.get_shard_server(tables, key, mode=3))}


def measure(call, keys, clock):
    begin = clock()
    for key in keys:
        call(key)
    return (clock() - begin) / len(keys)


def main():
    from time import perf_counter_ns as clock

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ways, missing = {"an empty function of Python": (lambda key: None, lambda key: None)}, []
    for add in (ways_of_package, ways_of_cffi, ways_of_ctypes, ways_of_reference):
        try:
            ways.update(add())
        except ImportError as error:
            missing.append(f"{add.__name__[len('ways_of_') :]}: {error}")
    keys = [random.randrange(1, 20000) for _ in range(KEYS)]
    groups = {way: [call(10021) for call in calls if call] for way, calls in ways.items()}
    times = {(way, at): [] for way, calls in ways.items() for at in (0, 1) if calls[at]}
    for call_round in range(ROUNDS + 1):
        for way, at in times:
            took = measure(ways[way][at], keys, clock)
            if call_round:
                times[way, at].append(took)
    best = statistics.median(times["mysqlfabric (C extension), server", 0])
    print(f"## A warm lookup from Python {sys.version.split()[0]}, ns\n")
    print("| way | by a prepared table, min / med | times | by name, min / med |\n|---|---|---|---|")
    for way in ways:
        cells = []
        for at in (0, 1):
            took = times.get((way, at))
            cells.append(f"{min(took):,.0f} / {statistics.median(took):,.0f}" if took else "")
        times_best = f"{statistics.median(times[way, 0]) / best:.1f}" if (way, 0) in times else ""
        print(f"| {way} | {cells[0]} | {times_best} | {cells[1]} |")
    print()
    for line in missing:
        print(f"Not measured: {line}\n")
    assert all(found for found in groups.values())


main()
