"""Stores and workers on one Redis, without HTTP or a vendor: a test submits jobs, runs them, and breaks what it wants."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, make_submission
from tests.fakes import FakeProvider
from tests.servers import RedisPlace

from shared.adapters.redis import keys
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import Arg, RedisClient
from shared.adapters.redis.connection import call, nodes
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.adapters.redis.jobs.dead_letter_store import DeadLetterStore
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.job_stream import JobStream, reader_name
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.domain.budgets import Charge
from shared.domain.errors import Problem
from shared.domain.generation.handler import AttemptContext, Handler
from shared.domain.jobs.job import JobId, JobState, Kind, LeasedJob, StreamName, UserId
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Done, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.jobs.retry_policy import RetryPolicy
from shared.domain.jobs.settlement import Settlement
from shared.domain.jobs.submission import Submission
from shared.domain.llm.provider import Provider
from shared.domain.study.material import ItemCounts, Summary
from shared.domain.tracing import NO_TRACER, Tracer
from shared.domain.usage import Usage
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.worker.consumer import Consumer
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.worker import Worker

POLICY = JobPolicy(block_seconds=0.2, drain_seconds=0.2, retry=RetryPolicy(base_seconds=0.0))
"""Retries are due at once, so that `drain` runs them too."""
SUMMARY = Done(Summary(language="en", summary="Short.", key_points=[]), "model-1", "offline")


class PendingEntry(NamedTuple):
    entry: str
    owner: str
    idle_seconds: float
    """Time since its lease was taken or renewed."""


class MemoryResults:
    """Keeps results in memory, in place of Postgres."""

    def __init__(self) -> None:
        self.rows: dict[JobId, JobSnapshot] = {}
        self.saves = 0

    async def save(self, jobs: Sequence[JobSnapshot]) -> None:
        for job in jobs:
            self.saves += 1
            known = self.rows.get(job.id)
            if known is None or known.attempt < job.attempt:
                self.rows[job.id] = job

    async def save_records(self, jobs: Sequence[JobSnapshot]) -> None:
        self.rows |= {job.id: job for job in jobs}

    async def remove_records(self, jobs: Sequence[JobSnapshot]) -> None:
        for job in jobs:
            known = self.rows.get(job.id, job)
            self.rows[job.id] = replace(known, is_erased=True, title="", result=None, problem=None)

    async def remove(self, user: UserId, job_id: JobId) -> bool:
        known = self.rows.get(job_id)
        if known is None or known.user != user or known.is_erased:
            return False
        await self.remove_records([known])
        return True

    async def find(self, job_id: JobId) -> JobSnapshot | None:
        return self.rows.get(job_id)

    async def find_step(self, user: UserId, content: str, needed: ItemCounts) -> bytes | None:
        for row in sorted(self.rows.values(), key=lambda row: row.id, reverse=True):
            for step in row.steps if row.user == user and not row.is_erased else ():
                if step.content == content and _covers(step.asked, needed):
                    return step.completion
        return None

    async def find_collection(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        found = self.rows.get(job_id)
        return found if found and found.user == user and found.kind == "collection" else None

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]:
        return []  # what restoring is tested with is Postgres


def _covers(asked: ItemCounts, needed: ItemCounts) -> bool:
    return asked.cards >= needed.cards and asked.questions >= needed.questions


async def succeed(job_input: JobInput, context: AttemptContext) -> Outcome:
    return SUMMARY


class JobHarness:
    """One Redis with its stores, and the workers that a test opens on it."""

    def __init__(
        self, place: RedisPlace, redis: RedisClient, *, shards: int = 1, policy: JobPolicy = POLICY
    ) -> None:
        self.place = place
        self.redis = redis
        self.shards = shards
        self.policy = policy
        self.store = JobStore(redis, shards=shards, policy=policy)
        self.budgets = BudgetStore(redis, shards=shards)
        self.dead_letters = DeadLetterStore(redis, shards=shards)
        self.attempts = AttemptStore(redis)
        self.maintenance_store = MaintenanceStore(redis)
        self.results = MemoryResults()
        self.provider = FakeProvider()
        self.meter = Meter("tests")
        self.metrics = JobMetrics(self.meter, StreamName.AI, ["pro"])
        self._closing: list[Callable[[], Awaitable[Any]]] = []

    async def close(self) -> None:
        for close in self._closing:
            await close()

    # -- what a gateway does ------------------------------------------------------------------------------------

    async def submit(self, *, now: float | None = None, **overrides: Any) -> Submission:
        submission = make_submission(**overrides)
        await self.store.submit(submission, now=time.time() if now is None else now)
        return submission

    async def record(self, job_id: JobId, user: UserId = ADA) -> JobSnapshot:
        record = await self.store.find(user, job_id)
        assert record is not None
        return record

    async def final(self, job_id: JobId, user: UserId = ADA) -> JobSnapshot:
        """Wait for the event that ends the job, and return its record."""
        event_log = EventLog(self.redis, shards=self.shards)
        listening = asyncio.create_task(event_log.run())
        try:
            async with (
                asyncio.timeout(DEADLINE_SECONDS),
                aclosing(event_log.tail(user, job_id=job_id, heartbeat_seconds=20)) as tail,
            ):
                async for _ in tail:
                    pass
        finally:
            listening.cancel()
            await asyncio.wait([listening])
        return await self.record(job_id, user)

    # -- what a worker does -------------------------------------------------------------------------------------

    def stream(self, consumer: str = "w1", stream: StreamName = StreamName.AI) -> JobStream:
        blocking = self.place.connect_blocking(
            name=reader_name(consumer), block_seconds=self.policy.block_seconds
        )
        self._closing.append(blocking.aclose)
        return JobStream(
            self.redis, blocking, stream, consumer=consumer, shards=self.shards, policy=self.policy
        )

    async def lease(self, stream: JobStream, count: int = 100) -> list[LeasedJob]:
        await stream.ensure_groups()
        return await stream.lease(await stream.read(count, block=False))

    async def lease_one(self, stream: JobStream) -> LeasedJob:
        (leased,) = await self.lease(stream)
        return leased

    def lease_renewer(
        self, consumer: str = "w1", *, monotonic: Callable[[], float] = time.monotonic
    ) -> LeaseRenewer:
        client = self.place.connect_sync()
        return LeaseRenewer(client, consumer=consumer, policy=self.policy, monotonic=monotonic)

    def worker(
        self,
        handler: Handler = succeed,
        *,
        consumer: str = "w1",
        stream: StreamName | JobStream = StreamName.AI,
        lease_renewer: LeaseRenewer | None = None,
        concurrency: int = 100,
        results: Any = None,
        provider: Provider | None = None,
        handlers: Mapping[Kind, Handler] | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> Worker:
        return Worker(
            stream if isinstance(stream, JobStream) else self.stream(consumer, stream),
            self.attempts,
            self.maintenance_store,
            results or self.results,
            lease_renewer or self.lease_renewer(consumer),
            handlers or dict.fromkeys(Kind, handler),
            lambda job: provider or self.provider,
            concurrency=concurrency,
            policy=self.policy,
            clock=time.time,
            monotonic=time.monotonic,
            jitter=lambda: 0.5,
            metrics=self.metrics,
            tracer=tracer,
        )

    def consumer(self, handler: Handler = succeed, **options: Any) -> Consumer:
        """The consumer of a `worker`, for tests that need no other part of it."""
        return self.worker(handler, **options).consumer

    # -- what goes wrong ----------------------------------------------------------------------------------------

    async def swept_just_now(self, stream: StreamName = StreamName.AI) -> None:
        """Pretend a recent sweep, so that the next one may claim at once: Redis was reachable for owners to renew."""
        await self.command("HSET", keys.sweep_seen(0, stream), "at", int(time.time() * 1000), "claim_from", 0)

    async def age(self, job: LeasedJob, *, owner: str = "w1", seconds: float = 60.0) -> None:
        """Make a lease look as if its owner had not renewed it for so long."""
        await self.age_entry(job.entry, job.stream, job.shard, owner=owner, seconds=seconds)

    async def age_entry(
        self, entry: str, stream: StreamName, shard: int = 0, *, owner: str = "w1", seconds: float = 60.0
    ) -> None:
        key, idle = keys.work_stream(shard, stream), int(seconds * 1000)
        await self._raw("XCLAIM", key, keys.GROUP, owner, 0, entry, "IDLE", idle, "JUSTID")

    async def command(self, *command: Arg) -> Any:
        return await call(self.redis, *command)

    async def _raw(self, name: str, key: str, *args: Arg) -> Any:
        """Run one command from a script, which returns the raw reply of the server."""
        return await self.command(
            "EVAL", "return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))", 1, key, name, *args
        )

    async def command_everywhere(self, *command: Arg) -> list[Any]:
        """Run a command without a key on each node. A single server is one node."""
        return [await call(node, *command) for node in await nodes(self.redis)]

    # -- what is left -------------------------------------------------------------------------------------------

    async def key_names(self) -> set[str]:
        return {key.decode() for found in await self.command_everywhere("KEYS", "*") for key in found}

    async def count_pending(self, stream: StreamName = StreamName.AI, shard: int = 0) -> int:
        return int((await self.command("XPENDING", keys.work_stream(shard, stream), keys.GROUP))["pending"])

    async def pending(self, stream: StreamName = StreamName.AI, shard: int = 0) -> list[PendingEntry]:
        """Return the pending entries, in order."""
        key = keys.work_stream(shard, stream)
        rows = await self._raw("XPENDING", key, keys.GROUP, "-", "+", 100)
        return [PendingEntry(row[0].decode(), row[1].decode(), row[2] / 1000) for row in rows]

    async def owners(self) -> list[str]:
        """Return the owners of the pending entries, in order."""
        return [entry.owner for entry in await self.pending()]

    async def count_entries(self, stream: StreamName = StreamName.AI, shard: int = 0) -> int:
        return int(await self.command("XLEN", keys.work_stream(shard, stream)))

    async def budget(self, user: UserId = ADA) -> list[tuple[int, int]]:
        """Return (used, held) of each of the user's windows, the day first."""
        allowance = await self.budgets.allowance(user, make_submission().plan, now=time.time())
        return [(balance.used, balance.held) for balance in allowance.balances]


def settled(job: LeasedJob, **overrides: Any) -> Settlement:
    """A settlement as `decide` makes it. The job succeeded, unless `overrides` say otherwise."""
    settlement = Settlement(job=job, state=JobState.SUCCEEDED, usage=Usage(10, 5))
    if overrides.get("state") == JobState.FAILED:
        overrides.setdefault("problem", Problem("no_usable_text"))
    return replace(settlement, **overrides)
