"""Writes exports outside the event loop: a few at a time, and one at a time for each user."""

import asyncio
from weakref import WeakValueDictionary

from gateway.exports.exported_collection import ExportedCollection
from gateway.exports.formats import Export
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.jobs.job import UserId

WRITERS = 2
"""Exports written at a time in one gateway."""


class Exporter:
    def __init__(self) -> None:
        self._writers = asyncio.Semaphore(WRITERS)
        self._seats: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def write(self, user: UserId, export: Export, collection: ExportedCollection) -> bytes:
        """A user who asks for many exports at once waits for the own ones."""
        async with self._seats.setdefault(user, asyncio.Lock()), self._writers:
            return await run_in_cpu_pool(export.write, collection)
