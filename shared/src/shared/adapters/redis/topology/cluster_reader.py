"""Blocking reads of several work streams in a cluster, where one read may not span slots: one connection a stream.

The reads go side by side. When the first one ends, the others are ended too, from the outside and not by cancelling
them, which could lose what they were about to be given: so no read takes more than it was asked for, and none outlives
the call.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from shared.adapters.redis.client import Arg, BlockingClient
from shared.adapters.redis.topology.cluster import LOST, Cluster

END_SECONDS = 1.0
"""A node that does not end a read for this long is hung. What it gave last stays pending, and is claimed."""
AGAIN_SECONDS = 0.02
"""An end that came before its read had begun is said again."""


class ClusterReader:
    """Stands where one server's blocking connection does, and knows one command: XREADGROUP."""

    def __init__(self, cluster: Cluster, connect: Callable[[str], BlockingClient]) -> None:
        self._cluster = cluster
        self._connect = connect
        self._connections: dict[Arg, tuple[str, BlockingClient]] = {}
        self._blocked: dict[Arg, tuple[str, int]] = {}

    async def execute_command(self, *command: Arg) -> list[Any]:
        """What one server would answer. Raises what a node raised when no other one had an entry."""
        await self._cluster.know()
        version = self._cluster.slots.version
        at = command.index("STREAMS") + 1
        asked = command[at : at + (len(command) - at) // 2]
        reads = {key: asyncio.create_task(self._read(key, command[:at])) for key in asked}
        try:
            if "BLOCK" in command:
                await asyncio.wait(reads.values(), return_when=asyncio.FIRST_COMPLETED)
                await self._end(reads)
            else:
                await asyncio.wait(reads.values())
        finally:
            await _cancel(reads.values())
        return await self._gather(reads.values(), version)

    async def aclose(self) -> None:
        for _, connection in self._connections.values():
            await connection.aclose()
        await self._cluster.aclose()

    async def _read(self, key: Arg, head: tuple[Arg, ...]) -> Any:
        url, connection = await self._connection(key)
        if "BLOCK" in head:
            self._blocked[key] = url, await connection.execute_command("CLIENT", "ID")
        try:
            return await connection.execute_command(*head, key, ">")
        finally:
            self._blocked.pop(key, None)

    async def _connection(self, key: Arg) -> tuple[str, BlockingClient]:
        url = self._cluster.slots.owner(("XREADGROUP", key))
        known = self._connections.get(key)
        if known is None or known[0] != url:
            if known is not None:
                await known[1].aclose()
            self._connections[key] = url, self._connect(url)
        return self._connections[key]

    async def _end(self, reads: dict[Arg, asyncio.Task[Any]]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS), asyncio.TaskGroup() as ending:
                for key, read in reads.items():
                    ending.create_task(self._end_one(key, read))

    async def _end_one(self, key: Arg, read: asyncio.Task[Any]) -> None:
        while not read.done():
            if where := self._blocked.get(key):
                await self._unblock(*where)
            await asyncio.wait([read], timeout=AGAIN_SECONDS)

    async def _unblock(self, url: str, client: int) -> None:
        with suppress(RedisError, OSError):
            await self._cluster.node(url).execute_command("CLIENT UNBLOCK", client)

    async def _gather(self, reads: Collection[asyncio.Task[Any]], version: int) -> list[Any]:
        errors = [error for read in reads if not read.cancelled() and (error := read.exception())]
        if any(
            isinstance(error, LOST) or str(error).startswith(("MOVED ", "UNBLOCKED ")) for error in errors
        ):
            with suppress(*LOST):
                await self._cluster.learn(seen=version)
        found = [stream for read in reads if _has_answer(read) for stream in read.result() or ()]
        if errors and not found:
            raise errors[0]
        return found


def _has_answer(read: asyncio.Task[Any]) -> bool:
    return not read.cancelled() and read.exception() is None


async def _cancel(reads: Collection[asyncio.Task[Any]]) -> None:
    left = [read for read in reads if not read.done()]
    for read in left:
        read.cancel()
    if left:
        await asyncio.wait(left)
