"""Dead letters: jobs that failed for good, kept with payload and steps so that an operator can inspect and replay them."""

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.job_store import read_record, window_args
from shared.domain.budgets import Plan, windows
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot


class DeadLetterStore:
    """Every method raises `StoreUnavailable` when Redis is unreachable."""

    def __init__(self, redis: RedisClient, *, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def list(self, *, limit: int) -> list[JobSnapshot]:
        """Return the newest dead letters of all shards; `finished_at` is the time of death."""
        records: list[JobSnapshot] = []
        for shard in range(self._shards):
            ids = await call(self._redis, "ZREVRANGE", keys.dead(shard), 0, limit - 1)
            for job_id in ids:
                if record := await read_record(self._redis, shard, JobId(job_id.decode())):
                    records.append(record)
        return sorted(records, key=lambda record: record.finished_at, reverse=True)[:limit]

    async def find(self, job_id: JobId) -> JobSnapshot | None:
        shard = await self._shard_of(job_id)
        return None if shard is None else await read_record(self._redis, shard, job_id)

    async def replay(self, job_id: JobId, plan: Plan, *, now: float) -> bool:
        """Queue the job again with its saved steps and a fresh retry budget. Returns False if it is not a dead letter."""
        shard = await self._shard_of(job_id)
        if shard is None:
            return False
        without_limits = [arg for i, arg in enumerate(window_args(windows(plan, now))) if i % 3 != 1]
        args = (job_id, plan.concurrent_jobs, *without_limits)
        return await scripts.run(self._redis, scripts.REPLAY, keys.dead(shard), *args)

    async def _shard_of(self, job_id: JobId) -> int | None:
        for shard in range(self._shards):
            if await call(self._redis, "ZSCORE", keys.dead(shard), job_id) is not None:
                return shard
        return None
