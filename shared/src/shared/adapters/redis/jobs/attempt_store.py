"""Writes of a running attempt: completions it paid for, responses it waits for, and events. Each is fenced by the attempt
number."""

from collections.abc import Sequence

from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import Arg, RedisClient
from shared.adapters.redis.connection import call
from shared.domain.errors import LeaseLost
from shared.domain.jobs.job import JobState, LeasedJob
from shared.domain.study.material import ItemCounts
from shared.domain.usage import Usage

CANCELLED = JobState.CANCELLED.encode()
LEASE_LOST, OURS = 0, 1
"""Replies of reserve_step.lua."""


class Reservation(Struct, frozen=True, kw_only=True):
    """Who buys a content. If it is neither bought nor ours, another job is buying it."""

    completion: bytes | None
    """The encoded step of another job."""
    is_ours: bool


class AttemptStore:
    """Every write raises `LeaseLost` if this attempt no longer owns the job, and every method `StoreUnavailable` if Redis is
    unreachable."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def keep(self, job: LeasedJob, step: str, completion: bytes, usage: Usage) -> None:
        """Save the completion of a paid call under its step's name, so that no later attempt pays for it again."""
        counts = (
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
            usage.reasoning_tokens,
            usage.reused,
        )
        await self._write(scripts.KEEP_STEP, job, step, completion, *counts)

    async def reserve(
        self, job: LeasedJob, step: str, content: str, *, asked: ItemCounts, needed: ItemCounts
    ) -> Reservation:
        """Become the one who buys this content, unless another unfinished job of the user has bought it or is buying it."""
        key = keys.record(job.shard, job.id)
        counts = (asked.cards, asked.questions, needed.cards, needed.questions)
        reply = await scripts.run(
            self._redis, scripts.RESERVE_STEP, key, job.id, job.attempt, step, content, *counts
        )
        if reply == LEASE_LOST:
            raise LeaseLost
        return Reservation(completion=reply if isinstance(reply, bytes) else None, is_ours=reply == OURS)

    async def release(self, job: LeasedJob, content: str) -> None:
        """Let another job buy what this attempt did not get."""
        key = keys.record(job.shard, job.id)
        await scripts.run(self._redis, scripts.RELEASE_STEP, key, job.id, job.attempt, content)

    async def keep_response(self, job: LeasedJob, name: str, response: bytes) -> None:
        """Remember what a server makes in the background for a call, in place of what was remembered for it before."""
        await self._write(scripts.KEEP_RESPONSE, job, name, response)

    async def is_cancelled(self, job: LeasedJob) -> bool:
        """Whether the job was cancelled. A lease is also lost to another attempt, which needs what this one has begun."""
        return await call(self._redis, "HGET", keys.record(job.shard, job.id), "state") == CANCELLED

    async def append(
        self,
        job: LeasedJob,
        events: Sequence[tuple[str, bytes]],
        *,
        number: int,
        progress: tuple[int, int] | None,
    ) -> None:
        """Append `events` (name, JSON) and set the job's progress (done, total). The first event is the attempt's
        `number`-th, counted from 1, so that a repeated call appends nothing twice."""
        done, total = progress or ("", "")
        parts = [part for event in events for part in event]
        await self._write(scripts.APPEND_EVENTS, job, number, done, total, *parts)

    async def _write(self, script: scripts.Script[bool], job: LeasedJob, *args: Arg) -> None:
        key = keys.record(job.shard, job.id)
        if not await scripts.run(self._redis, script, key, job.id, job.attempt, *args):
            raise LeaseLost
