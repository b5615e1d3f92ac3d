"""How fast one worker process works off 20,000 waiting no-op jobs: with fence, hold, ack, delete and event; and with a row each.

200 users submit 100 jobs each. The clock runs from the first read until the stream is empty and every job is settled.
CPU is of the worker's process (its renewal thread included) and of Redis, which writes its AOF but does not rewrite it
meanwhile, as in the peers' runs (`auto-aof-rewrite-percentage 0`).
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop
from msgspec import Struct

from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer
from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, connect, connect_blocking, connect_sync
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.job_stream import JobStream, reader_name
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.domain.budgets import Charge, Plan
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobId, Kind, StreamName, UserId
from shared.domain.jobs.job_id import RANDOM_BYTES, new_job_id
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Done, Outcome
from shared.domain.jobs.payload import AiInput, JobInput, encode_input
from shared.domain.jobs.submission import Submission
from shared.domain.study.material import ItemCounts, Text
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.worker import Results, Worker

JOBS, USERS, CONCURRENCY, ROUNDS = 20_000, 200, 200, 3
PLAN = Plan(
    tokens_per_day=10**9,
    tokens_per_month=10**9,
    requests_per_minute=10**6,
    concurrent_jobs=1_000,
    unfinished_jobs=10**6,
)
PAYLOAD = encode_input(AiInput(text="x" * 280))


class NoResults:
    """The job life alone."""

    async def save(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def find(self, job_id: JobId) -> JobSnapshot | None: ...

    async def save_records(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def remove_records(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def remove(self, user: UserId, job_id: JobId) -> bool: ...

    async def find_step(self, user: UserId, content: str, needed: ItemCounts) -> bytes | None: ...

    async def find_collection(self, user: UserId, job_id: JobId) -> JobSnapshot | None: ...

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]:
        return []


class Drained(Struct, frozen=True):
    seconds: float
    worker_cpu: float
    redis_cpu: float


async def do_nothing(job_input: JobInput, context: AttemptContext) -> Outcome:
    return Done(Text(language="en", text="x" * 280), "model-1", "offline")


async def fill(redis: RedisClient, policy: JobPolicy) -> float:
    store = JobStore(redis, shards=1, policy=policy)
    started = time.perf_counter()
    for first in range(0, JOBS, 1_000):
        await asyncio.gather(
            *(store.submit(_submission(i), now=time.time()) for i in range(first, first + 1_000))
        )
    return JOBS / (time.perf_counter() - started)


def _submission(number: int) -> Submission:
    return Submission(
        id=new_job_id(int(time.time() * 1000), random.randbytes(RANDOM_BYTES)),
        user=UserId(f"user-{number % USERS}"),
        kind=Kind.TEXT,
        payload=PAYLOAD,
        plan_name="bench",
        plan=PLAN,
        hold_tokens=1_000,
    )


async def drain(url: str, redis: RedisClient, results: Results, policy: JobPolicy) -> Drained:
    name = "bench"
    blocking = connect_blocking(url, name=reader_name(name), block_seconds=policy.block_seconds)
    renewing = connect_sync(url, name=name, timeout_seconds=2.0)
    stream = JobStream(redis, blocking, StreamName.AI, consumer=name, shards=1, policy=policy)
    heartbeat = LeaseRenewer(renewing, consumer=name, policy=policy, monotonic=time.monotonic)
    provider = OfflineProvider()
    worker = Worker(
        stream,
        AttemptStore(redis),
        MaintenanceStore(redis),
        results,
        heartbeat,
        {Kind.TEXT: do_nothing},
        lambda job: provider,
        concurrency=CONCURRENCY,
        policy=policy,
        clock=time.time,
        monotonic=time.monotonic,
        jitter=random.random,
        metrics=JobMetrics(Meter("bench"), StreamName.AI, ["bench"]),
    )
    await stream.ensure_groups()
    heartbeat.start()
    cpu, redis_cpu, started = time.process_time(), await _redis_cpu(redis), time.perf_counter()
    live = asyncio.create_task(worker.consumer.run())
    stream_key = keys.work_stream(0, StreamName.AI)
    while await call(redis, "XLEN", stream_key) or len(worker.slots):  # noqa: ASYNC110 - seen from outside
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - started
    drained = Drained(seconds, time.process_time() - cpu, await _redis_cpu(redis) - redis_cpu)
    worker.consumer.stop()
    await live
    await heartbeat.stop()
    renewing.close()
    await blocking.aclose()
    return drained


async def _redis_cpu(redis: RedisClient) -> float:
    info = await call(redis, "INFO", "cpu")
    return float(info["used_cpu_sys"]) + float(info["used_cpu_user"])


async def measure() -> None:
    policy = JobPolicy()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_server = stack.enter_context(RedisServer(folder / "redis"))
        postgres = stack.enter_context(PostgresServer(folder / "postgres"))
        await asyncio.to_thread(migrate, postgres.url)
        redis = connect(redis_server.url, name="bench")
        stack.push_async_callback(redis.aclose)
        await call(redis, "CONFIG", "SET", "auto-aof-rewrite-percentage", 0)
        results = await ResultStore.open(postgres.url, name="bench")
        stack.push_async_callback(results.close)
        for _ in range(ROUNDS):
            for label, where in (("no row", NoResults()), ("a row each", results)):
                await call(redis, "FLUSHALL")
                submitted = await fill(redis, policy)
                drained = await drain(redis_server.url, redis, where, policy)
                micro = 1e6 / JOBS
                print(
                    f"{label:<11} {JOBS / drained.seconds:7,.0f} jobs/s (goal {'8,000' if label == 'no row' else '3,000'})"
                    f"  worker {drained.worker_cpu * micro:4.0f} us/job  Redis {drained.redis_cpu * micro:4.0f} us/job"
                    f"  submitted {submitted:6,.0f}/s"
                )


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.run(measure())
