"""What a running attempt writes before its end: steps it paid for, events it tells. All fenced by the attempt."""

from collections.abc import Sequence

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import Arg, RedisClient
from shared.domain.errors import LeaseLost
from shared.domain.jobs.job import LeasedJob
from shared.domain.usage import Usage


class AttemptStore:
    """Every method raises `LeaseLost` when another attempt owns the job, `StoreUnavailable` when Redis is away."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def keep(self, job: LeasedJob, step: str, completion: bytes, usage: Usage) -> None:
        """Remember a paid call under its step's name, so that no later attempt buys it again."""
        await self._write(
            scripts.KEEP_STEP, job, step, completion, usage.prompt_tokens, usage.completion_tokens
        )

    async def append(
        self,
        job: LeasedJob,
        events: Sequence[tuple[str, bytes]],
        *,
        number: int,
        progress: tuple[int, int] | None,
    ) -> None:
        """Tell `events` (name, JSON), the first of which is the attempt's `number`-th, and how far the job is."""
        done, total = progress or ("", "")
        told = [part for event in events for part in event]
        await self._write(scripts.APPEND_EVENTS, job, number, done, total, *told)

    async def _write(self, script: scripts.Script[bool], job: LeasedJob, *args: Arg) -> None:
        key = keys.record(job.shard, job.id)
        if not await scripts.run(self._redis, script, key, job.id, job.attempt, *args):
            raise LeaseLost
