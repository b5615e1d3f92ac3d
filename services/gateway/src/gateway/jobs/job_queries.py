"""Reads, cancels and removes jobs in both stores: records in Redis, final rows in Postgres."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.jobs.collection_filter import CollectionFilter
from shared.domain.jobs.job import JobId, JobState, Kind, UserId
from shared.domain.jobs.job_id import is_job_id
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.runtime.erasure.job_remover import JobRemover

CHUNK = 200
"""Records read at a time, so that a page does not read a long list of unfinished jobs."""


MAX_UNFINISHED = 1_000
"""More unfinished jobs than any plan allows a user."""


class JobQueries:
    """Every method raises `StoreUnavailable` when a store that it needs is unreachable."""

    def __init__(self, store: JobStore, results: ResultStore, remover: JobRemover) -> None:
        self._store = store
        self._results = results
        self._remover = remover

    async def find(self, user: UserId, job_id: str, kinds: Sequence[Kind]) -> JobSnapshot | None:
        """The user's job of one of these kinds, with its result once it is final. None when it is unknown, removed (as a
        cancelled collection is), of another user, or of another kind."""
        if not is_job_id(job_id):
            return None
        record = await self._store.find(user, JobId(job_id))
        if record and (record.kind not in kinds or record.is_erased):
            return None
        if record and not record.state.is_final:
            return record
        row = await self._results.find(JobId(job_id), user=user)
        if row is None and (record is None or _was_saved(record)):
            return None  # it never existed, or it has been removed
        job = _merge(record, row)
        return job if job and job.kind in kinds and not job.is_removed else None

    async def find_record(self, user: UserId, job_id: str, kinds: Sequence[Kind]) -> JobSnapshot | None:
        """Like `find`, but only in Redis."""
        record = await self._store.find(user, JobId(job_id)) if is_job_id(job_id) else None
        return record if record and record.kind in kinds and not record.is_erased else None

    async def list_jobs(
        self, user: UserId, kinds: Sequence[Kind], *, before: JobId | None, limit: int
    ) -> list[JobSnapshot]:
        """Newest first, removed ones among them. The unfinished ones are read first: a job that ends in between is found
        twice, and not missed; its row is listed."""
        records = await self._unfinished(user, lambda job: job.kind in kinds, before=before, limit=limit)
        rows = await self._results.list_jobs(user, kinds=kinds, before=before, limit=limit)
        return _newest([*records, *rows], limit)

    async def list_collections(
        self, user: UserId, wanted: CollectionFilter, *, before: JobId | None, limit: int
    ) -> list[JobSnapshot]:
        """As `list_jobs`, without removed ones."""

        def is_wanted(job: JobSnapshot) -> bool:
            return job.kind == Kind.COLLECTION and not job.is_removed and wanted.shows_unfinished(job)

        records = await self._unfinished(user, is_wanted, before=before, limit=limit)
        rows = await self._results.list_collections(user, wanted, before=before, limit=limit)
        return _newest([*records, *rows], limit)

    async def _unfinished(
        self, user: UserId, is_wanted: Callable[[JobSnapshot], bool], *, before: JobId | None, limit: int
    ) -> list[JobSnapshot]:
        ids = [job_id for job_id in await self._store.unfinished(user) if before is None or job_id < before]
        found: list[JobSnapshot] = []
        for start in range(0, len(ids), CHUNK):
            records = await self._store.find_many(user, ids[start : start + CHUNK])
            found += filter(is_wanted, records)
            if len(found) >= limit:
                break
        return found[:limit]

    async def cancel(self, user: UserId, job_id: str, kinds: Sequence[Kind]) -> JobSnapshot | None:
        """Cancel the job unless it is final; returns it as it is afterwards."""
        if await self.find_record(user, job_id, kinds):
            await self._store.cancel(user, JobId(job_id))
        return await self.find(user, job_id, kinds)

    async def remove(self, user: UserId, job_id: str, kinds: Sequence[Kind]) -> bool:
        """Remove the job; one that is unfinished is cancelled first. Returns False when there is none of these kinds (any more)."""
        if not is_job_id(job_id):
            return False
        known = await self._store.find(user, JobId(job_id)) or await self._results.find(
            JobId(job_id), user=user
        )
        if known is None or known.kind not in kinds:
            return False
        if known.kind == Kind.COLLECTION:
            for adding in await self._adding_items(user, known.id):
                await self._remover.remove(user, adding, Kind.ITEMS)
        return await self._remover.remove(user, known.id, known.kind)

    async def _adding_items(self, user: UserId, collection: JobId) -> list[JobId]:
        """Ids of the jobs that add items to a collection, or have done so."""
        records = await self._unfinished(
            user,
            lambda job: job.kind == Kind.ITEMS and job.title == collection,
            before=None,
            limit=MAX_UNFINISHED,
        )
        return [job.id for job in records] + await self._results.jobs_adding_items(user, collection)


def _newest(jobs: Sequence[JobSnapshot], limit: int) -> list[JobSnapshot]:
    """Each job once: of two snapshots of a job the later one."""
    by_id = {job.id: job for job in jobs}
    return [by_id[job_id] for job_id in sorted(by_id, reverse=True)[:limit]]


def _merge(record: JobSnapshot | None, row: JobSnapshot | None) -> JobSnapshot | None:
    """The row has the result; only the record knows the progress."""
    return replace(row, done=record.done, total=record.total) if record and row else row or record


def _was_saved(record: JobSnapshot) -> bool:
    """Workers save before they settle; jobs that a script ended are saved afterwards."""
    ended_by_script = record.state is JobState.CANCELLED or (
        record.problem is not None and record.problem.code == "worker_crashed"
    )
    return not ended_by_script
