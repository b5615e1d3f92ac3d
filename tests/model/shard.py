"""A real shard and everything that works on it, for callers without an event loop."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from tests.model.shard_state import ShardState
from tests.model.snapshot import take_snapshot
from tests.servers import RedisPlace, flush

from shared.adapters.redis import keys
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import Arg
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.adapters.redis.jobs.dead_letter_store import DeadLetterStore
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.jobs.job import EntryId, StreamName
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.retry_policy import RetryPolicy

T = TypeVar("T")

CONSUMERS = ("w1", "w2", "w3")
POLICY = JobPolicy(lease_seconds=3_600, backlog_entries=5, retry=RetryPolicy(max_crashes=2))
"""No lease runs out by itself while an example runs; refusals and dead letters are near."""


class Shard:
    """Owns a loop and one connection."""

    def __init__(self, place: RedisPlace) -> None:
        self._loop = asyncio.new_event_loop()
        self.redis = redis = place.connect()
        self.store = JobStore(redis, shards=1, policy=POLICY)
        self.budgets = BudgetStore(redis, shards=1)
        self.dead = DeadLetterStore(redis, shards=1)
        self.steps = AttemptStore(redis)
        self.removals = RemovalStore(redis, shards=1)
        self.room = MaintenanceStore(redis)
        self._streams = {
            (consumer, stream): JobStream(redis, redis, stream, consumer=consumer, shards=1, policy=POLICY)
            for consumer in CONSUMERS
            for stream in StreamName
        }

    def close(self) -> None:
        self.wait(self.redis.aclose())
        self._loop.close()

    def wait(self, answer: Awaitable[T]) -> T:
        return self._loop.run_until_complete(_awaited(answer))

    def reset(self) -> None:
        """Empty, with its groups."""
        self.wait(flush(self.redis))
        for stream in StreamName:
            self.wait(self.stream(CONSUMERS[0], stream).ensure_groups())

    def stream(self, consumer: str, stream: StreamName) -> JobStream:
        return self._streams[consumer, stream]

    def command(self, *command: Arg) -> None:
        self.wait(call(self.redis, *command))

    def age(self, consumer: str, stream: StreamName, entry: EntryId) -> None:
        """Make a lease look as if its owner had not renewed it for long."""
        key, idle = keys.work_stream(0, stream), int(POLICY.lease_seconds * 2_000)
        self.wait(cast(Any, self.redis).xclaim(key, keys.GROUP, consumer, 0, [entry], idle=idle, justid=True))

    def snapshot(self) -> ShardState:
        return self.wait(take_snapshot(self.redis, lease_seconds=POLICY.lease_seconds))


async def _awaited(answer: Awaitable[T]) -> T:
    return await answer
