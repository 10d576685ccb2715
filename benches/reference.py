#!/usr/bin/env python3
"""Lookups of the reference, Connector/Python 2.2.9, beside the library's: python3 reference.py BENCH.

Needs mysql-connector==2.2.9. Both get the shard maps of one topology file, run on one core and
take turns. The reference is as it was released but for two things without which it does not run
here: under Python 3 it hashes text where bytes are wanted, and every entry of its cache lives for
60 s, whatever the server says.
"""

import collections
import datetime
import hashlib
import json
import os
import random
import statistics
import string
import subprocess
import sys
import time

from mysql.connector.fabric import caching, connection

connection.md5 = lambda text: hashlib.md5(text.encode())
caching.CacheEntry.__init__.__defaults__ = (None, None, 86400)
if sys.version_info >= (3, 12):
    # Deprecated there, with a warning on every call.
    caching.datetime = type("datetime", (datetime.datetime,), {"utcnow": datetime.datetime.now})

TABLES = {"RANGE": "shop.order_items_by_no", "HASH": "shop.sessions_by_key",
          "RANGE_STRING": "shop.customers_by_name"}
MODES = {"read": connection.MODE_READONLY, "write": connection.MODE_READWRITE}
# How many times faster the library is to be.
GOALS = {("RANGE", 4): 200, ("RANGE", 1000): 200, ("HASH", 4): 80, ("HASH", 1000): 3500}
REPEATS = 25
NUMBERS = {"READ_WRITE": 3, "READ_ONLY": 1, "PRIMARY": 3, "SECONDARY": 2}

Shard = collections.namedtuple(
    "Shard", "schema_name table_name column_name lower_bound shard_id type_name group_id global_group")
Server = collections.namedtuple("Server", "server_uuid group_id host port mode status weight")


class Rows:
    def __init__(self, rows):
        self._rows = rows

    def rows(self):
        return self._rows


class FakeFabric:
    """Answers the two dumps that lookups need from a topology file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            farm = json.load(file)
        self._shards = {}
        for table in farm["tables"]:
            self._shards[f"{table['schema']}.{table['table']}"] = [
                Shard(table["schema"], table["table"], table["column"], shard["lower_bound"],
                      shard["id"], table["type"], shard["group"], table["global_group"])
                for shard in table["shards"]]
        self._servers = {
            group["id"]: [
                Server(server["uuid"], group["id"], server["host"], server["port"],
                       NUMBERS[server["mode"]], NUMBERS[server["status"]], server["weight"])
                for server in group["servers"]]
            for group in farm["groups"]}

    def execute(self, group, command, version, what):
        assert group == "dump"
        return Rows({"sharding_information": self._shards, "servers": self._servers}[command][what])


class Library:
    """The library in a process of its own, which is asked for one measurement at a time."""

    def __init__(self, bench, shards):
        self._process = subprocess.Popen([bench, "serve", str(shards)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, bufsize=1)
        self.path = self._process.stdout.readline().strip()

    def measure(self, kind, mode):
        self._process.stdin.write(f"{kind} {mode}\n")
        return float(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        if self._process.wait() != 0:
            sys.exit("reference.py: the bench failed")


def random_key(kind):
    if kind == "RANGE":
        return random.randrange(-2**63, 2**63)
    return "".join(random.choices(string.ascii_lowercase, k=13))


def measure_reference(fabric, kind, mode, keys):
    tables, mode = [TABLES[kind]], MODES[mode]
    begin = time.perf_counter_ns()
    for key in keys:
        fabric.get_shard_server(tables, key, mode=mode)
    return (time.perf_counter_ns() - begin) / len(keys)


def compare(fabric, library, kind, shards, mode):
    def keys(count):
        return [random_key(kind) for _ in range(count)]

    measure_reference(fabric, kind, mode, keys(1))
    once = measure_reference(fabric, kind, mode, keys(3))
    for group in {shard.group_id for shard in fabric.get_instance().execute(
            "dump", "sharding_information", None, TABLES[kind]).rows()}:
        fabric.get_group_servers(group)
    # Of HASH and RANGE_STRING some keys take much longer than others, so all repeats have the same.
    batch, repeats = (1000 if once < 1e5 else 200, REPEATS) if once < 1e7 else (8, 7)
    asked = keys(batch)
    theirs, ours = [], []
    for _ in range(repeats):
        theirs.append(measure_reference(fabric, kind, mode, asked))
        ours.append(library.measure(kind, mode))
    their_median, our_median = statistics.median(theirs), statistics.median(ours)
    ratio = their_median / our_median
    goal = GOALS.get((kind, shards))
    verdict = f">= {goal} x | {'yes' if ratio >= goal else '**no**'}" if goal else "|"
    samples = "" if repeats == REPEATS else f" ({repeats} x {batch} lookups)"
    print(f"| {kind} | {shards:,} | {mode} | {min(theirs):,.0f} / {their_median:,.0f}{samples} "
          f"| {min(ours):.1f} / {our_median:.1f} | {min(theirs) / min(ours):,.0f} / {ratio:,.0f} "
          f"| {verdict} |", flush=True)


def main():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"## Beside the reference, Connector/Python 2.2.9 on Python {sys.version.split()[0]}\n")
    print("| lookup | shards | mode | reference, ns min / med | library, ns min / med "
          "| times, min / med | goal | met |\n|---|---|---|---|---|---|---|---|")
    for shards in 4, 1000, 100000:
        library = Library(sys.argv[1], shards)
        fabric = connection.Fabric("127.0.0.1")
        fabric.get_instance = lambda fake=FakeFabric(library.path): fake
        for kind in TABLES:
            for mode in MODES:
                compare(fabric, library, kind, shards, mode)
        library.close()
    print(flush=True)


main()
