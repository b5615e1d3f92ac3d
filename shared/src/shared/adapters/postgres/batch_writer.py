"""Group commit: saves that arrive while one is under way are written together by the next."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from shared.domain.errors import Unexpected
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot

GROUP_JOBS = 500
GROUP_BYTES = 4 << 20
"""One statement stays within a fraction of its time-out."""

Write = Callable[[Sequence[JobSnapshot]], Awaitable[set[JobId]]]
"""Writes jobs of different ids; returns those that were refused for what is in them."""


class BatchWriter:
    """One writer at a time; every caller waits for its own job's fate only."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._arriving: list[tuple[JobSnapshot, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def save(self, job: JobSnapshot) -> None:
        """Returns when the job is written. Raises `Unexpected` when its row is refused, and what `write` raises."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arriving.append((job, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_groups())
        await future

    async def close(self) -> None:
        """Return when what has arrived is written."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write_groups(self) -> None:
        while group := self._take():
            try:
                refused = await self._write(_unique(job for job, _ in group))
            except Exception as error:  # noqa: BLE001 - whatever it was, each caller is told
                _tell(group, lambda _, error=error: error)
            else:
                _tell(group, lambda job, refused=refused: Unexpected() if job.id in refused else None)

    def _take(self) -> list[tuple[JobSnapshot, "asyncio.Future[None]"]]:
        """The next group: what came first, up to a bound; always at least one."""
        room, count = GROUP_BYTES, 0
        for job, _ in self._arriving[:GROUP_JOBS]:
            room -= len(job.result or b"")
            if room < 0 and count:
                break
            count += 1
        group, self._arriving = self._arriving[:count], self._arriving[count:]
        return group


def _unique(jobs: Iterable[JobSnapshot]) -> list[JobSnapshot]:
    """One per id, of the latest attempt, the earliest of equals; in the order of ids, so that two writers never deadlock."""
    latest: dict[JobId, JobSnapshot] = {}
    for job in jobs:
        if job.id not in latest or latest[job.id].attempt < job.attempt:
            latest[job.id] = job
    return sorted(latest.values(), key=lambda job: job.id)


def _tell(
    group: list[tuple[JobSnapshot, "asyncio.Future[None]"]], fate: Callable[[JobSnapshot], Exception | None]
) -> None:
    for job, future in group:
        if future.done():  # its caller was cancelled
            continue
        if error := fate(job):
            future.set_exception(error)
        else:
            future.set_result(None)
