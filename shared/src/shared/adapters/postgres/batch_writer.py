"""Group commit of rows: saves that arrive while a statement is under way share the next one."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from shared.adapters.batcher import Batcher
from shared.domain.errors import Unexpected
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot

GROUP_JOBS = 500
"""Limit of the jobs that one statement writes."""
GROUP_BYTES = 4 << 20
"""Limit of the results that one statement writes, in bytes, so that it takes a fraction of its timeout."""

Write = Callable[[Sequence[JobSnapshot]], Awaitable[set[JobId]]]
"""Writes jobs with different ids, and returns those that Postgres refused because of their content."""


def batch_writer(write: Write) -> Batcher[JobSnapshot, None]:
    """A batcher of rows. A job whose row is refused raises `Unexpected`; the others of its batch are written."""

    async def write_batch(jobs: list[JobSnapshot]) -> list[BaseException | None]:
        refused = await write(_latest_attempts(jobs))
        return [Unexpected() if job.id in refused else None for job in jobs]

    return Batcher(write_batch, count=_batch_size)


def _batch_size(waiting: Sequence[JobSnapshot]) -> int:
    """How many of the first jobs fit into one statement; always at least one."""
    room = GROUP_BYTES
    for count, job in enumerate(waiting[:GROUP_JOBS]):
        room -= len(job.result or b"") + sum(len(step.completion) for step in job.steps)
        if room < 0 and count:
            return count
    return GROUP_JOBS


def _latest_attempts(jobs: Iterable[JobSnapshot]) -> list[JobSnapshot]:
    """One snapshot per job, of its latest attempt, the earliest of equals. They are in the order of their ids, so that
    two writers never deadlock."""
    latest: dict[JobId, JobSnapshot] = {}
    for job in jobs:
        if job.id not in latest or latest[job.id].attempt < job.attempt:
            latest[job.id] = job
    return sorted(latest.values(), key=lambda job: job.id)
