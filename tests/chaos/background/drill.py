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
from shared.adapters.redis.job_store import JobStore
from shared.domain.jobs.job import JobId, JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.payload import AiInput, encode_input
from shared.domain.jobs.submission import Submission
from shared.domain.usage import Usage

WORKERS = 4
JOBS_AT_ONCE = 8
CALL_SECONDS = 2.0
"""How long the server takes for each response."""
POLL_SECONDS = 0.1
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
    """Jobs that needed more than one attempt."""
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

    async def run(self, kills: int, *, tell: Callable[[int], None]) -> Count:
        for number in range(1, kills + 1):
            await self._top_up()
            worker = await self._busy_worker()
            await asyncio.sleep(self._random.uniform(0, CALL_SECONDS / 2))
            worker.send_kill()
            await worker.gone()
            await worker.start()
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

    async def _busy_worker(self) -> Service:
        """A worker that holds a job and lives."""
        while True:
            await self._top_up()
            owners = [await self._owner(job_id) for job_id in self._unfinished]
            busy = [worker for worker in self._workers if any(f"-{worker.pid}-" in name for name in owners)]
            if busy:
                return self._random.choice(busy)
            await asyncio.sleep(POLL_SECONDS)

    async def _owner(self, job_id: JobId) -> str:
        state, owner = await call(self._redis, "HMGET", keys.record(0, job_id), "state", "owner")
        return owner.decode() if state == b"running" else ""

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
            interrupted=sum(job.attempt > 1 for job in jobs),
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
