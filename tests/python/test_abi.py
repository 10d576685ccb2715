"""The binding against the header itself: layouts, constants, functions, texts."""

import ctypes
import os
import re
import shutil
import subprocess

import pytest

import mysqlfabric as mf
from conftest import ROOT

HEADER = ROOT / "include" / "mysqlfabric.h"
STRUCTS = {
    "fabric_error_t": mf.fabric_error_t,
    "fabric_key_t": mf.fabric_key_t,
    "fabric_keys_t": mf.fabric_keys_t,
    "fabric_server_t": mf.fabric_server_t,
    "fabric_shard_t": mf.fabric_shard_t,
    "fabric_table_info_t": mf.fabric_table_info_t,
    "fabric_group_info_t": mf.fabric_group_info_t,
    "fabric_server_health_t": mf.fabric_server_health_t,
    "fabric_server_weight_t": mf.fabric_server_weight_t,
    "fabric_choice_t": mf.fabric_choice_t,
    "fabric_explanation_t": mf.fabric_explanation_t,
    "fabric_node_t": mf.fabric_node_t,
    "fabric_metrics_t": mf.fabric_metrics_t,
    "fabric_event_t": mf.fabric_event_t,
}


@pytest.fixture(scope="module")
def header():
    """The header without its comments."""
    text = HEADER.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def compiler():
    name = os.environ.get("CC", "cc")
    if not shutil.which(name):
        pytest.skip("no C compiler")
    return name


def test_layouts_are_those_of_the_c_compiler(tmp_path):
    lines = []
    for name, struct in STRUCTS.items():
        lines.append('printf("{0} %zu\\n", sizeof({0}));'.format(name))
        for field, _ in struct._fields_:
            lines.append(
                'printf("{0}.{1} %zu %zu\\n", offsetof({0}, {1}), sizeof((({0} *)0)->{1}));'.format(
                    name, field
                )
            )
    source, program = tmp_path / "layout.c", tmp_path / "layout"
    source.write_text(
        '#include <stdio.h>\n#include "mysqlfabric.h"\nint main(void)\n{\n'
        + "\n".join(lines)
        + "\nreturn 0;\n}\n"
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    command = [compiler(), *flags, "-I", str(HEADER.parent), "-o", str(program), str(source)]
    subprocess.run(command, check=True)
    told = subprocess.run([str(program)], check=True, stdout=subprocess.PIPE)
    c = dict(line.split(" ", 1) for line in told.stdout.decode().splitlines())
    ours = {}
    for name, struct in STRUCTS.items():
        ours[name] = str(ctypes.sizeof(struct))
        for field, _ in struct._fields_:
            member = getattr(struct, field)
            ours["{}.{}".format(name, field)] = "{} {}".format(member.offset, member.size)
    assert ours == c


def test_every_struct_and_member_is_bound(header):
    declared = {}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", header, re.S):
        declared[name] = re.findall(r"(\w+)(?:\[\w+\])?;", body)
    bound = {name: [field for field, _ in s._fields_] for name, s in STRUCTS.items()}
    assert bound == declared


def test_every_name_has_the_prefix(header):
    types = re.findall(r"^typedef .*?(\w+);$|^\} (\w+);$", header, re.M)
    types = {name for pair in types for name in pair if name}
    assert types and all(name.startswith("fabric_") for name in types), types
    defines = set(re.findall(r"^#define (\w+)", header, re.M)) - {"MYSQLFABRIC_H"}
    assert all(name.startswith("FABRIC_") for name in defines), defines


def test_every_function_is_bound(header):
    declared = re.findall(r"\b(fabric_\w+)\s*\(([^()]*)\)\s*;", header)
    declared = {name: arguments for name, arguments in declared if not name.endswith("_t")}
    assert sorted(mf.SIGNATURES) == sorted(declared)
    for name, arguments in declared.items():
        count = 0 if arguments.strip() == "void" else arguments.count(",") + 1
        assert len(mf.SIGNATURES[name]) - 1 == count, name
        function = getattr(mf.lib, name)
        assert len(function.argtypes) == count, name


ENUMS = {
    "FABRIC_ERR_": mf.Code,
    "FABRIC_MODE_": mf.Mode,
    "FABRIC_STATUS_": mf.Status,
    "FABRIC_SCOPE_": mf.Scope,
    "FABRIC_SHARDING_": mf.Sharding,
    "FABRIC_SHARD_": mf.ShardState,
    "FABRIC_WHY_": mf.Why,
    "FABRIC_HEALTH_": mf.Health,
    "FABRIC_ORIGIN_": mf.Origin,
    "FABRIC_PREFER_": mf.Prefer,
    "FABRIC_REPORT_": mf.Report,
    "FABRIC_ACTION_": mf.Action,
    "FABRIC_COMPAT_": mf.Compat,
    "FABRIC_TLS_": mf.Tls,
    "FABRIC_LOG_": mf.Level,
    "FABRIC_EVENT_": mf.Event,
}


def test_every_constant_is_bound(header):
    defines = dict(re.findall(r"#define (FABRIC_\w+) (-?\d+)$", header, re.M))
    bound = {"FABRIC_OK": mf.Code.OK}
    for prefix, enumeration in ENUMS.items():
        bound.update({prefix + e.name: e for e in enumeration})
    del bound["FABRIC_ERR_OK"]
    names = "MODE_OFFLINE DEFAULT_PORT DEFAULT_MYSQL_PORT MAX_TIME_MS FOREVER_MS MESSAGE_SIZE UUID_SIZE GROUP_SIZE HOST_SIZE"
    for name in names.split() + "TABLE_SIZE SOURCE_SIZE ZONE_SIZE BOUND_SIZE COLUMN_SIZE METRICS_TEXT_SIZE KEY_INT KEY_TEXT KEY_UINT".split():
        bound["FABRIC_" + name] = getattr(mf, name)
    version = {name: int(value) for name, value in defines.items() if "_VERSION_" in name}
    ours = {**bound, **version}
    assert {k: int(v) for k, v in ours.items()} == {k: int(v) for k, v in defines.items()}
    parts = [version["FABRIC_VERSION_" + part] for part in ("MAJOR", "MINOR", "PATCH")]
    assert mf.version() == ".".join(map(str, parts))


def test_every_status_has_a_text_of_its_own():
    texts = [mf.strerror(code) for code in mf.Code]
    assert len(set(texts)) == len(texts)
    assert mf.strerror(mf.Code.UNKNOWN_TABLE) == "unknown table"
    assert mf.strerror(12345) == mf.strerror(-1) == "unknown status"


def test_events_are_named_by_their_constants():
    assert [mf.event_name(event) for event in mf.Event] == [event.name for event in mf.Event]
    assert mf.event_name(0) == mf.event_name(-1) == "unknown event"


def test_nothing_else_is_exported():
    if not shutil.which("nm"):
        pytest.skip("no nm")
    told = subprocess.run(
        ["nm", "-D", "--defined-only", mf.library_path()], check=True, stdout=subprocess.PIPE
    )
    names = {line.split()[-1].split("@")[0] for line in told.stdout.decode().splitlines()}
    assert {name for name in names if name.startswith("fabric_")} == set(mf.SIGNATURES)
    assert names == set(mf.SIGNATURES)


def test_keys_are_made_by_value():
    key = mf.lib.fabric_key_int(-(1 << 63))
    assert (key.kind, key.reserved, key.integer, key.length) == (mf.KEY_INT, 0, -(1 << 63), 0)
    key = mf.lib.fabric_key_uint((1 << 64) - 1)
    assert (key.kind, key.reserved, key.integer, key.length) == (mf.KEY_UINT, 0, -1, 0)
    assert mf.lib.fabric_key_uint((1 << 63) - 1).kind == mf.KEY_INT
    key = mf.lib.fabric_key_text(b"abc", 3)
    assert (key.kind, key.reserved, key.text, key.length) == (mf.KEY_TEXT, 0, b"abc", 3)
