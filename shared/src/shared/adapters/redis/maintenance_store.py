"""What waits for its time in Redis: retries that come due, holds that expire, final jobs whose row is not saved yet."""

from collections.abc import Sequence

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.job_store import as_fields, to_snapshot
from shared.domain.budgets import Charge
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot

BATCH = 100


class MaintenanceStore:
    """Every method raises `StoreUnavailable` when Redis is away."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def promote(self, shard: int) -> float | None:
        """Move due retries into their streams. Seconds until the next one is due; None when there is none."""
        next_ms = await scripts.run(self._redis, scripts.PROMOTE, keys.due(shard), BATCH)
        return None if next_ms < 0 else next_ms / 1000

    async def expire_holds(self, shard: int) -> int:
        return await scripts.run(self._redis, scripts.EXPIRE_HOLDS, keys.holds(shard), BATCH)

    async def restore(self, shard: int, charges: Sequence[Charge], *, lost_at_ms: int, is_last: bool) -> bool:
        """Add what was used before to the budgets of this shard, each once. False: Redis was lost again."""
        told = [arg for one in charges for arg in (one.user, one.window, one.tokens, one.expires_at_ms)]
        args = (lost_at_ms, "1" if is_last else "", *told)
        return await scripts.run(self._redis, scripts.RESTORE_BUDGETS, keys.since(shard), *args)

    async def unsaved(self, shard: int) -> list[JobSnapshot]:
        """Jobs that a script made final, as their records show them."""
        ids = [
            JobId(raw.decode())
            for raw in await call(self._redis, "ZRANGE", keys.unsaved(shard), 0, BATCH - 1)
        ]
        jobs: list[JobSnapshot] = []
        for job_id in ids:
            row = await call(self._redis, "HGETALL", keys.record(shard, job_id))
            if row:
                jobs.append(to_snapshot(job_id, as_fields(row)))
            else:
                await self.forget_unsaved(shard, [job_id])
        return jobs

    async def forget_unsaved(self, shard: int, ids: list[JobId]) -> None:
        if ids:
            await call(self._redis, "ZREM", keys.unsaved(shard), *ids)
