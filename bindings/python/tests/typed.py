"""What a type checker makes of programs: mypy --strict takes this one. It is not run."""

import asyncio
import datetime
from decimal import Decimal
from uuid import UUID

import mysqlfabric
from mysqlfabric import AsyncFarm, Event, Explanation, Farm, Mode, Scope, Server, Shard, Table, compat


def lookups(farm: Farm) -> Server:
    table: Table = farm.table(["db.t", "db.u"])
    for key in (1, "a", b"a", datetime.date.today(), datetime.datetime.now(), Decimal(1), UUID(int=1)):
        farm.server("db.t", key, Mode.READWRITE)
        table.server(key, mode=Mode.READONLY, wait=1.5)
    farm.server("db.t", scope=Scope.GLOBAL)
    farm.server("db.t", 1.5)  # type: ignore[arg-type]
    farm.server("db.t", 1, nonsense=1)  # type: ignore[call-arg]
    shard: Shard = farm.shard("db.t", 1)
    why: Explanation = farm.explain("db.t", 1)
    server: Server | None = why.server
    event: Event | None = farm.next_event()
    host: str = shard.group if server is None else server.host
    assert host and event is None
    return farm.group_server("group", Mode.READWRITE)


def batches(farm: Farm, rows: list[dict[str, int]]) -> None:
    servers: list[Server] = farm.servers("db.t", [1, 2])
    split: list[tuple[Server, list[dict[str, int]]]] = farm.split("db.t", rows, key=lambda row: row["id"])
    servers += farm.servers(("db.t", "db.u"), (n for n in (1, 2)))
    servers += farm.table({"db.t"}).servers({1, 2})
    keys = farm.split("db.t", ["a", "b"])
    assert servers and split and keys


async def loops(farm: AsyncFarm) -> Server:
    async for event in farm.events():
        print(event.name)
    rows: list[tuple[Server, list[str]]] = await farm.split("db.t", ["a"], key=str)
    assert rows
    AsyncFarm("cluster://a", nosuch=1)  # type: ignore[call-arg]
    first: list[Server] = await farm.candidates("db.t", 1, exclude=["uuid"], limit=2)
    await farm.group_candidates("g", nosuch=1)  # type: ignore[call-arg]
    assert first
    return await farm.server("db.t", 1, Mode.READWRITE)


def from_connector_python() -> str:
    fabric = compat.Fabric("host", "user", "password")
    server: compat.FabricMySQLServer = fabric.get_shard_server(["db.t"], 1, mode=compat.MODE_READWRITE)
    return server.uuid


def main() -> None:
    with mysqlfabric.Farm("cluster://a", user="u", password="p", lookup_timeout=1.5) as farm:
        lookups(farm)
        batches(farm, [])
    asyncio.run(loops(AsyncFarm("cluster://a")))
