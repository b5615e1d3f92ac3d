"""Kills workers in the middle of their calls, again and again, and counts how often each call was executed and charged.

Real servers and real workers; the model server is simulated, and makes background responses.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct
from tests.chaos.fleet.fleet import inherited_environ, until_reading
from tests.chaos.fleet.service import Service
from tests.factories import make_submission
from tests.paths import read_text
from tests.simulators.provider_process import ProviderProcess

from local.data_dir import DataDir
from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer
from local.services.supervised_process import ServiceSpec
from shared.adapters.postgres.migrations import migrate
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, connect
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.jobs.job import JobId, JobState, Kind, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.payload import AiInput, encode_input
from shared.domain.jobs.submission import Submission
from shared.domain.usage import Usage

WORKERS = 4
JOBS_PER_WORKER = 3
JOBS_AT_ONCE = 16
MIN_READY = 3
"""Workers that must be ready before one is killed, or all jobs would gather at the last one."""
MAX_CRASHES = 1
"""A worker is not killed if one of its jobs has crashed more often: another crash would make it a dead letter."""
CALL_SECONDS = 2.0
"""How long the server takes for each response."""
POLL_SECONDS = 0.05
READY_SECONDS = 60.0
END_SECONDS = 180.0
"""Time limit for the jobs that are left after the last kill: a few leases."""
STOP_SECONDS = 40.0
HOLD_TOKENS = 20_000
TEXT = read_text("solar_system.en.txt")[:1_500]
KINDS = (Kind.FLASHCARDS, Kind.QUIZ, Kind.SUMMARY)


class Count(Struct, frozen=True, kw_only=True):
    """What a drill found."""

    kills: int
    jobs: int
    interrupted: int
    """Calls that were in flight at the moment of a kill."""
    succeeded: int
    dead_letters: int
    executions: Mapping[str, int]
    """How often the server executed each step."""
    executed: Usage
    """What the executions of jobs that succeeded cost."""
    charged: Usage
    """What these jobs were charged."""

    @property
    def executions_per_step(self) -> float:
        return sum(self.executions.values()) / len(self.executions)


class Held(Struct, frozen=True):
    """A job and who has it."""

    job_id: JobId
    owner: str
    """The consumer; empty if nobody has it."""
    crashes: int


class Target(Struct, frozen=True):
    """A worker to kill, and the jobs that it has."""

    worker: Service
    job_ids: set[JobId]


class Drill:
    """A fleet of workers and the jobs that they are given."""

    def __init__(
        self, redis: RedisClient, workers: list[Service], provider: ProviderProcess, seed: int
    ) -> None:
        self._redis = redis
        self._store = JobStore(redis, shards=1)
        self._workers = workers
        self._provider = provider
        self._random = random.Random(seed)
        self._kinds = itertools.cycle(KINDS)
        self._unfinished: dict[JobId, Submission] = {}
        self._finished: dict[JobId, JobSnapshot] = {}
        self._interrupted = 0

    async def run(self, kills: int, *, tell: Callable[[int], None]) -> Count:
        for number in range(1, kills + 1):
            target = await self._target()
            if number % 2:  # every other kill comes as soon as possible after a call has begun
                await asyncio.sleep(self._random.uniform(0, CALL_SECONDS / 2))
            target.worker.send_kill()
            await target.worker.gone()
            self._interrupted += len(target.job_ids & self._in_flight())
            await target.worker.start()
            tell(number)
        async with asyncio.timeout(END_SECONDS):
            while self._unfinished:
                await self._collect()
                await asyncio.sleep(POLL_SECONDS)
        return self._count(kills)

    async def _top_up(self) -> None:
        await self._collect()
        while len(self._unfinished) < JOBS_AT_ONCE:
            submission = make_submission(
                user=UserId(f"user-{len(self._finished) + len(self._unfinished)}"),  # each has a budget
                kind=next(self._kinds),
                payload=encode_input(AiInput(text=TEXT)),
                hold_tokens=HOLD_TOKENS,
            )
            await self._store.submit(submission, now=time.time())
            self._unfinished[submission.id] = submission

    async def _collect(self) -> None:
        for job_id, submission in list(self._unfinished.items()):
            snapshot = await self._store.find(submission.user, job_id)
            assert snapshot is not None
            if snapshot.state.is_final:
                self._finished[job_id] = snapshot
                del self._unfinished[job_id]

    async def _target(self) -> Target:
        """A worker with a call in flight."""
        while True:
            await self._top_up()
            ready = [worker for worker in self._workers if worker.is_reading]
            if len(ready) >= MIN_READY and (targets := await self._targets(ready)):
                return self._random.choice(targets)
            await asyncio.sleep(POLL_SECONDS)

    async def _targets(self, ready: list[Service]) -> list[Target]:
        held = [await self._held(job_id) for job_id in self._unfinished]
        in_flight = self._in_flight()
        targets: list[Target] = []
        for worker in ready:
            mine = [one for one in held if f"-{worker.pid}-" in one.owner]
            job_ids = {one.job_id for one in mine}
            if job_ids & in_flight and all(one.crashes <= MAX_CRASHES for one in mine):
                targets.append(Target(worker, job_ids))
        return targets

    async def _held(self, job_id: JobId) -> Held:
        names = ("state", "owner", "crashes")
        state, owner, crashes = await call(self._redis, "HMGET", keys.record(0, job_id), *names)
        return Held(job_id, owner.decode() if state == b"running" else "", int(crashes or 0))

    def _in_flight(self) -> set[JobId]:
        """The jobs with a call that has not ended."""
        calls = self._provider.calls()
        return {JobId(one["call_id"].partition("/")[0]) for one in calls if one["ended_at"] is None}

    def _count(self, kills: int) -> Count:
        calls = self._provider.calls()
        jobs = self._finished.values()
        succeeded = {job.id: job for job in jobs if job.state is JobState.SUCCEEDED}
        executed = [
            Usage(one["prompt_tokens"], one["completion_tokens"])
            for one in calls
            if one["call_id"].partition("/")[0] in succeeded
        ]
        return Count(
            kills=kills,
            jobs=len(jobs),
            interrupted=self._interrupted,
            succeeded=len(succeeded),
            dead_letters=len(jobs) - len(succeeded),
            executions=Counter(one["call_id"] for one in calls),
            executed=sum(executed, Usage()),
            charged=sum((job.usage for job in succeeded.values()), Usage()),
        )


@asynccontextmanager
async def running_drill(
    folder: Path, *, seed: int, is_background: bool = True, knows_keys: bool = True
) -> AsyncGenerator[Drill]:
    """Start servers and workers, and stop them afterwards."""
    data = DataDir(folder)
    async with AsyncExitStack() as opened:
        redis_server = opened.enter_context(RedisServer(data.redis))
        postgres_server = opened.enter_context(PostgresServer(data.postgres, is_durable=False))
        await asyncio.to_thread(migrate, postgres_server.url)
        provider = opened.enter_context(ProviderProcess(latency_seconds=CALL_SECONDS))
        if not knows_keys:
            provider.ignore_idempotency_keys()
        redis = connect(redis_server.url, name="drill")
        opened.push_async_callback(redis.aclose)
        environ = {
            **inherited_environ(),
            **provider.environ,
            "PYTHONUNBUFFERED": "1",
            "ETUDE_REDIS_URL": redis_server.url,
            "ETUDE_POSTGRES_URL": postgres_server.url,
            "ETUDE_CONCURRENCY": str(JOBS_PER_WORKER),
            "ETUDE_MODEL_BACKGROUND": "on" if is_background else "off",
        }
        workers = [_worker(number, environ, folder) for number in range(WORKERS)]
        opened.push_async_callback(_stop, workers)
        for worker in workers:
            await worker.start()
        async with asyncio.timeout(READY_SECONDS):
            for worker in workers:
                await until_reading(worker)
        yield Drill(redis, workers, provider, seed)


def _worker(number: int, environ: Mapping[str, str], folder: Path) -> Service:
    spec = ServiceSpec(
        name=f"ai_worker-{number}", module="ai_worker", environ=environ, stop_seconds=STOP_SECONDS
    )
    return Service(spec, folder)


async def _stop(workers: list[Service]) -> None:
    for worker in workers:
        if worker.is_running:
            worker.send_kill()
            await worker.gone()
