"""The job engine as one peer among other queue libraries, in a harness outside this repository that measures them alike.

The harness runs this file with two verbs: `peer.py worker` runs jobs until it is killed, and `peer.py produce MODE N KIND PAD`
submits N jobs and prints its rate. The harness also puts its own module `common` on the path: that module knows the server,
the concurrency, the body of a job and the loop of the producer. No result is saved to Postgres, since no peer does that.
"""

import asyncio
import gc
import importlib
import logging
import random
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

import msgspec
import structlog
import uvloop

from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.redis.connection import connect, connect_blocking, connect_sync
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
from shared.runtime.worker.worker import Worker

Row = tuple[int, int, float, str]
"""Arguments of one job: the kind of its body, its number, the time it was submitted and its padding."""
USERS = 200
PLAN = Plan(
    tokens_per_day=10**12,
    tokens_per_month=10**12,
    requests_per_minute=10**7,
    concurrent_jobs=10**6,
    unfinished_jobs=10**7,
)
POLICY = JobPolicy()


class Harness(Protocol):
    """What the harness's module `common` offers."""

    URL: str
    CONC: int

    async def body(self, kind: int, i: int, t: float, pad: str, /) -> None: ...

    def produce_main(
        self,
        open_: Callable[[], Awaitable[None]],
        one: Callable[[int, int, float, str], Awaitable[None]],
        bulk: Callable[[Sequence[Row]], Awaitable[None]],
        /,
    ) -> None: ...


class NoResults:
    """Saves nothing and has nothing to restore."""

    async def save(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def save_records(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def remove_records(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def remove(self, user: UserId, job_id: JobId) -> bool: ...

    async def find(self, job_id: JobId) -> JobSnapshot | None: ...

    async def find_step(self, user: UserId, content: str, needed: ItemCounts) -> bytes | None: ...

    async def find_collection(self, user: UserId, job_id: JobId) -> JobSnapshot | None: ...

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]:
        return []


class Producer:
    """Submits the harness's jobs. Its store is opened inside the event loop that uses it."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    async def open(self) -> None:
        self._store = JobStore(connect(self._harness.URL, name="produce"), shards=1, policy=POLICY)

    async def one(self, kind: int, number: int, submitted: float, padding: str) -> None:
        text = msgspec.json.encode((kind, number, submitted, padding)).decode()
        submission = Submission(
            id=new_job_id(int(time.time() * 1000), random.randbytes(RANDOM_BYTES)),
            user=UserId(f"user-{number % USERS}"),
            kind=Kind.TEXT,
            payload=encode_input(AiInput(text=text)),
            plan_name="bench",
            plan=PLAN,
            hold_tokens=1_000,
        )
        await self._store.submit(submission, now=time.time())

    async def bulk(self, rows: Sequence[Row]) -> None:
        await asyncio.gather(*(self.one(*row) for row in rows))


async def work(harness: Harness) -> None:
    """Run jobs until the process is killed."""
    name = f"bench-{secrets.token_hex(3)}"

    async def run_body(job_input: JobInput, context: AttemptContext) -> Outcome:
        assert isinstance(job_input, AiInput)
        await harness.body(*msgspec.json.decode(job_input.text, type=Row))
        return Done(Text(language="en", text="done"), "model-1", "offline")

    redis = connect(harness.URL, name=name)
    blocking = connect_blocking(harness.URL, name=reader_name(name), block_seconds=POLICY.block_seconds)
    renewing = connect_sync(harness.URL, name=f"{name}:renew", timeout_seconds=POLICY.renew_seconds)
    stream = JobStream(redis, blocking, StreamName.AI, consumer=name, shards=1, policy=POLICY)
    renewer = LeaseRenewer(renewing, consumer=name, policy=POLICY, monotonic=time.monotonic)
    metrics = JobMetrics(Meter("bench"), StreamName.AI, ["bench"])
    provider = OfflineProvider()
    worker = Worker(
        stream,
        AttemptStore(redis),
        MaintenanceStore(redis),
        NoResults(),
        renewer,
        {Kind.TEXT: run_body},
        lambda job: provider,
        concurrency=harness.CONC,
        policy=POLICY,
        clock=time.time,
        monotonic=time.monotonic,
        jitter=random.random,
        metrics=metrics,
    )
    await stream.ensure_groups()
    renewer.start()
    gc.freeze()
    await worker.run()


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    harness = cast("Harness", importlib.import_module("common"))
    if sys.argv[1] == "worker":
        uvloop.run(work(harness))
    else:
        producer = Producer(harness)
        harness.produce_main(producer.open, producer.one, producer.bulk)


if __name__ == "__main__":
    main()
