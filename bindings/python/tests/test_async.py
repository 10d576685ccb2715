"""The farm in an event loop."""

import asyncio
import gc
import os
import threading
import time

import pytest

import mysqlfabric as mf
from conftest import TOPOLOGY
from mysqlfabric import AsyncFarm, EventKind, Mode


def run(main):
    return asyncio.run(asyncio.wait_for(main, 60))


def test_lookups(node):
    async def main():
        async with AsyncFarm(**node.options()) as farm:
            server = await farm.server("employees.salaries", 10021, Mode.READWRITE)
            assert server.port == 33621
            assert (await farm.group_server("shard1", Mode.READWRITE)).port == 33611
            table = await farm.table("employees.salaries")
            assert await table.server(10021, Mode.READWRITE) == server
            assert [s.port for s in await farm.servers("employees.salaries", [1, 10021], Mode.READWRITE)] == [33611, 33621]
            split = await farm.split("employees.salaries", [1, 10021], mode=Mode.READWRITE)
            assert [keys for _, keys in split] == [[1], [10021]]
            assert len(await farm.group_servers("shard1")) == 3
            await farm.seed()
            await farm.prefetch("hashdb.users")
            assert len(await farm.execute("dump", "servers")) == 1
            assert farm.report(server) == 0 and farm.metrics().lookups > 3
            assert {t.name for t in farm.farm.tables()} >= {"hashdb.users"}

    run(main())


def test_nothing_blocks_and_no_thread_waits(node):
    """Many cold lookups at once while Fabric is slow: the loop goes on, and there is no thread for each."""

    async def main():
        node.control("fault", "delay", "500", "-1", "")
        async with AsyncFarm(**node.options(), lookup_timeout=30) as farm:
            tables = ["employees.salaries", "shop.orders", "crm.names", "hashdb.users"] * 25
            before = threading.active_count()
            tasks = [asyncio.create_task(farm.server(t, "5" if t != "crm.names" else "B")) for t in tables]
            longest, turns = 0.0, 0
            while not all(task.done() for task in tasks):
                began = time.monotonic()
                await asyncio.sleep(0.001)
                longest, turns = max(longest, time.monotonic() - began), turns + 1
                assert threading.active_count() == before
            assert turns > 20
            assert {(await task).host for task in tasks} == {"127.0.0.1"}

    run(main())


def test_a_batch_of_what_is_not_known(node):
    """Each attempt knows more: the table, then the groups."""

    async def main():
        async with AsyncFarm(**node.options()) as farm:
            await farm.group_server("shard1")
            keys = [1, 10021, 20001]
            servers = await farm.servers("employees.salaries", keys, Mode.READWRITE)
            assert [s.group for s in servers] == ["shard1", "shard2", "shard3"]
            assert await (await farm.table("employees.salaries")).servers(keys, Mode.READWRITE) == servers
            split = await farm.split("hashdb.users", range(100), mode=Mode.READWRITE)
            assert len(split) == 4
            with pytest.raises(mf.SomeKeysFailed):
                await farm.servers("employees.salaries", [0, 1])
            assert len(await farm.candidates("shop.orders", 5)) == 2
            assert (await farm.group_candidates("shard3"))[0].port == 33631

    run(main())


def test_failures(node, dead):
    async def main():
        async with AsyncFarm(**node.options()) as farm:
            with pytest.raises(mf.UnknownTable):
                await farm.server("no.table", 1)
            with pytest.raises(mf.KeyOutOfRange):
                await farm.server("employees.salaries", 0)
            with pytest.raises(TypeError):
                await farm.server("employees.salaries", 1.5)
        async with AsyncFarm(f"fabric://127.0.0.1:{dead[1]}", user="a", password="b", connect_attempts=1) as farm:
            with pytest.raises(mf.Unreachable) as caught:
                await farm.server("a.b", 1)
            assert str(dead[1]) in str(caught.value)
        node.control("fault", "hang", "", "-1", "")
        async with AsyncFarm(**node.options(), lookup_timeout=0.3) as farm:
            with pytest.raises(mf.Timeout):
                await farm.server("employees.salaries", 1)

    run(main())


def test_wait(node):
    async def main():
        async with AsyncFarm(**node.options()) as farm:
            await farm.group_server("shard3")
            node.control("demote", "shard3")
            while True:
                try:
                    await farm.group_server("shard3", Mode.READWRITE)
                except mf.NoServer:
                    break
                await asyncio.sleep(0.05)
            with pytest.raises(mf.NoServer):
                await farm.group_server("shard3", Mode.READWRITE, wait=0.3)
            waiting = asyncio.create_task(farm.group_server("shard3", Mode.READWRITE, wait=30))
            await asyncio.sleep(0.2)
            uuid = "ab13a90d-e706-11f1-b000-02fc00000001"
            node.control("set_status", uuid, "PRIMARY")
            node.control("set_mode", uuid, "READ_WRITE")
            assert (await waiting).port == 33631

    run(main())


def test_cancel(node):
    async def main():
        node.control("fault", "delay", "400", "-1", "")
        async with AsyncFarm(**node.options(), lookup_timeout=30) as farm:
            tasks = [asyncio.create_task(farm.server("employees.salaries", 10021, Mode.READWRITE)) for _ in range(10)]
            await asyncio.sleep(0.05)
            for task in tasks[::2]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(d, asyncio.CancelledError) for d in done] == [True, False] * 5
            assert {d.port for d in done[1::2]} == {33621}
            assert farm._waiters == set()

    run(main())


def test_close_ends_what_waits(node):
    async def main():
        node.control("fault", "hang", "", "-1", "")
        farm = AsyncFarm(**node.options(), lookup_timeout=30)
        listener = asyncio.create_task(anext(farm.events(), None))
        task = asyncio.create_task(farm.server("employees.salaries", 1))
        await asyncio.sleep(0.1)
        farm.close()
        with pytest.raises(mf.Closed):
            await task
        assert await listener is None
        with pytest.raises(mf.Closed):
            await farm.server("employees.salaries", 1)

    run(main())


def test_events_reach_all(node):
    async def main():
        async with AsyncFarm(**node.options()) as farm:

            async def hear():
                async for event in farm.events():
                    if event.kind == EventKind.PRIMARY_CHANGED and event.group == "shard1":
                        return event.server_uuid

            listeners = [asyncio.create_task(hear()) for _ in range(2)]
            await farm.group_server("shard1")
            node.control("promote", "shard1", "aab422d7-e706-11f1-b000-02fc00000001")
            assert set(await asyncio.gather(*listeners)) == {"aab422d7-e706-11f1-b000-02fc00000001"}

    run(main())


def test_one_loop():
    async def use(farm):
        return await farm.server("employees.salaries", 10021, Mode.READWRITE)

    farm = AsyncFarm(topology_file=TOPOLOGY)
    assert run(use(farm)).group == "shard2"
    with pytest.raises(RuntimeError, match="loop"):
        run(use(farm))
    farm.close()
    with pytest.raises(TypeError):
        AsyncFarm(on_event=print)


def test_times_that_are_none(node):
    """As a Farm refuses them."""

    async def main():
        for bad in (float("nan"), -5, 700, float("inf")):
            with pytest.raises(ValueError, match="lookup_timeout"):
                AsyncFarm(**node.options(), lookup_timeout=bad)
        async with AsyncFarm(**node.options(), lookup_timeout=None) as farm:
            table = await farm.table("employees.salaries")
            for bad, error in ((float("nan"), ValueError), (-5, ValueError), (700, ValueError), ("5", TypeError)):
                for call in (
                    lambda: farm.group_server("shard1", wait=bad),
                    lambda: farm.server("employees.salaries", 1, wait=bad),
                    lambda: table.server(1, wait=bad),
                ):
                    with pytest.raises(error):
                        await call()
                with pytest.raises(error):
                    farm.farm.group_server("shard1", wait=bad)
            assert (await farm.servers("employees.salaries", (n for n in (1, 10021))))[1].group == "shard2"

    run(main())


def test_the_farm_beneath_is_closed(node):
    """Whoever gets the descriptor's number next gets its events."""

    async def main():
        farm = AsyncFarm(**node.options())
        await farm.server("employees.salaries", 1)
        farm.farm.close()
        loop = asyncio.get_running_loop()
        pipes = [os.pipe() for _ in range(8)]
        ready = []
        for reader, writer in pipes:
            loop.add_reader(reader, lambda reader=reader: (ready.append(os.read(reader, 1)), loop.remove_reader(reader)))
            os.write(writer, b"x")
        await asyncio.sleep(0.3)
        assert len(ready) == len(pipes)
        for pair in pipes:
            for descriptor in pair:
                os.close(descriptor)
        with pytest.raises(mf.Closed):
            await farm.server("employees.salaries", 1)
        farm.close()

    run(main())


def test_a_farm_that_nobody_closed(node):
    """It ends with its last reference, and says so; the loop does not keep it."""

    async def main():
        farm = AsyncFarm(**node.options())
        await farm.server("employees.salaries", 1)
        beneath = farm.farm
        with pytest.warns(ResourceWarning, match="not closed"):
            del farm
            gc.collect()
        assert beneath.closed
        await asyncio.sleep(0)

    run(main())


def test_the_failure_of_another_lookup_is_not_ones_own(node):
    """Of a farm with one table that cannot be read, when the fetch of both is one, and when it is not."""

    async def main():
        node.control("break_table", "employees.titles")
        async with AsyncFarm(**node.options()) as farm:
            for _ in range(3):
                asked = await asyncio.gather(
                    farm.server("employees.titles", 5),
                    farm.server("employees.salaries", 5),
                    farm.group_server("shard2"),
                    return_exceptions=True,
                )
                assert isinstance(asked[0], mf.CommandFailed)
                assert [server.group for server in asked[1:]] == ["shard1", "shard2"]
                assert (await farm.server("employees.salaries", 5)).group == "shard1"
                farm.farm.reset_cache()
                assert (await farm.server("employees.salaries", 5)).group == "shard1"
                farm.farm.reset_cache()

    run(main())


@pytest.mark.parametrize("end", ["close", "collect"])
def test_a_forked_child_that_closes_the_farm(node, end):
    """It leaves the loop of its parent, whose epoll it shares, as it is."""

    async def main():
        farm = AsyncFarm(**node.options())
        await farm.server("employees.salaries", 5)
        pid = os.fork()
        if pid == 0:
            if end == "close":
                farm.close()
            else:
                del farm
                gc.collect()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        heard = asyncio.create_task(anext(farm.events()))
        await asyncio.sleep(0)
        farm.farm.reset_cache()
        await farm.server("employees.salaries", 5)
        assert await asyncio.wait_for(heard, 3)
        farm.close()

    run(main())


def test_a_call_in_a_thread_that_is_cancelled(node):
    """It holds up neither the end of the loop nor other threads of asyncio."""
    node.control("fault", "hang", "", "-1", "")

    async def main():
        farm = AsyncFarm(**node.options(request_timeout=300))
        for call in (farm.seed, lambda: farm.prefetch("a.b"), lambda: farm.execute("dump", "servers")):
            with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                await asyncio.wait_for(call(), 0.1)
        return farm

    began = time.monotonic()
    farm = asyncio.run(main())
    assert time.monotonic() - began < 60
    farm.farm.close()
