"""Writes exports outside the event loop: a few at a time, and one at a time for each user."""

import asyncio
from weakref import WeakValueDictionary

from gateway.exports.exported_collection import to_exported
from gateway.exports.formats import Export
from shared.domain.jobs.job_snapshot import JobSnapshot

WRITERS = 2
"""Exports written at a time in one gateway."""


class Exporter:
    """Exports have threads of their own: one waits for the typesetting process, and would keep a thread for computing from the
    requests that need it."""

    def __init__(self) -> None:
        self._writers = asyncio.Semaphore(WRITERS)
        self._seats: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def write(self, export: Export, job: JobSnapshot, result: bytes) -> bytes:
        """The file of a finished collection, whose stored JSON is `result`. A user's exports wait for one another."""
        async with self._seats.setdefault(job.user, asyncio.Lock()), self._writers:
            return await asyncio.to_thread(_write, export, job, result)


def _write(export: Export, job: JobSnapshot, result: bytes) -> bytes:
    return export.write(to_exported(job, result))
