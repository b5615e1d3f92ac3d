"""Removes a job from both stores: its record and steps, its events, its row, and what it made."""

from collections.abc import Sequence
from typing import Protocol

from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.jobs.job import JobId, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot


class RemovedRows(Protocol):
    """Where the rows of removed jobs are: `shared.adapters.postgres.result_store.ResultStore`."""

    async def remove_records(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def remove(self, user: UserId, job_id: JobId) -> bool: ...


class JobRemover:
    """Every method raises `StoreUnavailable` when a store is unreachable, and may then be called again. What a call that
    broke off has left behind in Redis is finished by maintenance."""

    def __init__(self, store: RemovalStore, results: RemovedRows) -> None:
        self._store = store
        self._results = results

    async def remove(self, user: UserId, job_id: JobId, kind: str) -> bool:
        """Remove the user's job, which must be theirs and of this kind; one that is unfinished is cancelled first. Returns False
        if it was removed already."""
        removed = await self._store.remove(user, [job_id])
        await self._results.remove_records([one.job for one in removed])
        await self._store.forget_events(user, job_id, kind)
        had_row = await self._results.remove(user, job_id)
        await self._store.confirm(user, [one.job.id for one in removed])
        return had_row or any(not one.is_repeated for one in removed)

    async def remove_many(self, user: UserId, ids: Sequence[JobId]) -> int:
        """Remove the records of jobs whose events are deleted with their user's log. Returns how many this call removed."""
        removed = await self._store.remove(user, ids)
        await self._results.remove_records([one.job for one in removed])
        await self._store.confirm(user, [one.job.id for one in removed])
        return sum(not one.is_repeated for one in removed)
