"""Periodic work in Redis: promote due retries, expire holds, restore budgets, find final jobs without a saved row."""

from collections.abc import Sequence

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.job_store import read_record
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.budgets import Charge
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot

BATCH = 100
"""Items handled per call, so that no script holds up Redis for long."""


class MaintenanceStore:
    """Every method raises `StoreUnavailable` when Redis is unreachable."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    def removals(self, shards: int) -> RemovalStore:
        """The store of removals of the same Redis."""
        return RemovalStore(self._redis, shards=shards)

    async def promote(self, shard: int) -> float | None:
        """Move due retries into their streams. Returns the seconds until the next one is due, or None if there is none."""
        next_ms = await scripts.run(self._redis, scripts.PROMOTE, keys.due(shard), BATCH)
        return None if next_ms < 0 else next_ms / 1000

    async def expire_holds(self, shard: int) -> int:
        """Give back expired holds. Returns how many."""
        return await scripts.run(self._redis, scripts.EXPIRE_HOLDS, keys.holds(shard), BATCH)

    async def restore(self, shard: int, charges: Sequence[Charge], *, lost_at_ms: int, is_last: bool) -> bool:
        """Add usage from before a data loss to this shard's budgets, each charge once. `is_last` marks the last batch.
        Returns False if Redis has lost its data again since `lost_at_ms`."""
        rows = [arg for one in charges for arg in (one.user, one.window, one.tokens, one.expires_at_ms)]
        args = (lost_at_ms, "1" if is_last else "", *rows)
        return await scripts.run(self._redis, scripts.RESTORE_BUDGETS, keys.since(shard), *args)

    async def unsaved(self, shard: int) -> list[JobSnapshot]:
        """Return jobs that a script made final without a worker and whose rows are not saved yet."""
        ids = [
            JobId(raw.decode())
            for raw in await call(self._redis, "ZRANGE", keys.unsaved(shard), 0, BATCH - 1)
        ]
        jobs: list[JobSnapshot] = []
        for job_id in ids:
            if record := await read_record(self._redis, shard, job_id):
                jobs.append(record)
            else:
                await self.forget_unsaved(shard, [job_id])
        return jobs

    async def forget_unsaved(self, shard: int, ids: list[JobId]) -> None:
        """Take jobs off the list of unsaved ones."""
        if ids:
            await call(self._redis, "ZREM", keys.unsaved(shard), *ids)
