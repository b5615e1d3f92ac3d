"""Erases a user from both stores: all jobs, the event log, holds and budgets. Only what the jobs cost stays, without the user."""

from collections.abc import Collection
from contextlib import aclosing

from msgspec import Struct

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.budgets import DAY_SECONDS, KEPT_MS, expiries
from shared.domain.jobs.job import JobId, UserId
from shared.runtime.erasure.job_remover import JobRemover

BATCH = 50
"""Jobs that one round trip removes: a few milliseconds of Redis."""
JOBS_PER_CALL = 2_000
"""Records, and rows, after which a call ends (a page later at most), so that a request for a user with any number of jobs ends within seconds."""


class Erasure(Struct, frozen=True, kw_only=True):
    """What one call has erased. There are counts only."""

    records: int
    """Records of jobs in Redis."""
    rows: int
    """Rows of jobs in Postgres, with what was made of them."""
    keys: int
    """Other keys in Redis: the event log and budgets."""
    holds: int
    """Holds of chats under way."""
    is_complete: bool
    """False if jobs are left, which the next call erases."""


class UserEraser:
    """Raises `StoreUnavailable` when a store is unreachable, and may then be called again: each call goes on where the last
    one ended."""

    def __init__(self, store: RemovalStore, results: ResultStore) -> None:
        self._store = store
        self._results = results
        self._remover = JobRemover(store, results)

    async def erase(self, user: UserId, *, now: float) -> Erasure:
        """Erase what there is of a user at `now` (Unix seconds). What the user submits meanwhile may stay."""
        seen = set[JobId]()
        records, is_complete = await self._remove_known(user, seen)
        if not is_complete:
            return Erasure(records=records, rows=0, keys=0, holds=0, is_complete=False)
        rows, is_complete = await self._erase_rows(user, seen)
        keys, holds = await self._store.forget_user(user, kept_windows(now)) if is_complete else (0, 0)
        return Erasure(records=records, rows=rows, keys=keys, holds=holds, is_complete=is_complete)

    async def _remove_known(self, user: UserId, seen: set[JobId]) -> tuple[int, bool]:
        """Remove the jobs that Redis knows, each once, and note them in `seen`. Returns how many this call removed, and whether
        none is left."""
        count = 0
        async with aclosing(self._store.jobs_of(user)) as pages:
            async for page in pages:
                if len(seen) >= JOBS_PER_CALL:
                    return count, False
                ids = [job_id for job_id in page if job_id not in seen]
                for start in range(0, len(ids), BATCH):
                    batch = ids[start : start + BATCH]
                    count += await self._remover.remove_many(user, batch)
                    seen.update(batch)
        return count, True

    async def _erase_rows(self, user: UserId, seen: Collection[JobId]) -> tuple[int, bool]:
        """Erase rows, and what Redis still holds of jobs that are not in `seen`. Returns how many, and whether none is left."""
        count = 0
        while ids := await self._results.jobs_of_user(user, limit=BATCH):
            if count >= JOBS_PER_CALL:
                return count, False
            await self._remover.remove_many(user, [job_id for job_id in ids if job_id not in seen])
            count += await self._results.erase(user, ids)
        return count, True


def kept_windows(now: float) -> list[str]:
    """Keys of the windows whose counts Redis may still hold."""
    days = range(int(KEPT_MS / 1000 // DAY_SECONDS) + 1)
    return sorted({key for day in days for key in expiries(now - day * DAY_SECONDS)})
