"""`etude dead`, on a real Redis."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.etude.command_runner import etude
from tests.factories import make_submission
from tests.job_harness import JobHarness, settled
from tests.servers import RealRedis

from shared.adapters.redis.client import RedisClient
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobId, JobState


@pytest.fixture
async def harness(redis_server: RealRedis, real_redis: RedisClient) -> AsyncIterator[JobHarness]:
    harness = JobHarness(redis_server, real_redis)
    yield harness
    await harness.close()


async def bury(harness: JobHarness) -> JobId:
    """Submit a job and let it end as a dead letter."""
    await harness.store.submit(make_submission(), now=time.time())
    stream = harness.stream()
    job = await harness.lease_one(stream)
    dead = settled(job, state=JobState.FAILED, problem=Problem("provider_busy"), is_dead=True)
    await stream.settle([dead], now=time.time())
    return job.id


async def test_dead_letters_are_listed_with_their_reason(harness: JobHarness):
    job_id = await bury(harness)

    ran = await etude("dead", "list", "--redis-url", harness.place.url)

    assert ran.code == 0
    (line,) = [line for line in ran.out.splitlines() if job_id in line]
    assert "provider_busy" in line
    assert "ada" in line


async def test_a_dead_letter_shows_the_message_of_its_error(harness: JobHarness):
    job_id = await bury(harness)

    ran = await etude("dead", "show", job_id, "--redis-url", harness.place.url, language="fr")

    assert "Le générateur de texte est occupé" in ran.out


async def test_a_replayed_dead_letter_is_queued(harness: JobHarness):
    job_id = await bury(harness)

    replayed = await etude("dead", "replay", job_id, "--redis-url", harness.place.url)
    again = await etude("dead", "replay", job_id, "--redis-url", harness.place.url)

    assert (replayed.code, replayed.out) == (0, f"{job_id} is queued again\n")
    assert (await harness.record(job_id)).state is JobState.QUEUED
    assert (again.code, again.err) == (1, f"etude: {job_id} is no dead letter\n")


async def test_the_stack_file_has_the_address_of_redis(harness: JobHarness, tmp_path: Path):
    (tmp_path / "stack.json").write_text(f'{{"url": "http://unused", "redis_url": "{harness.place.url}"}}')
    job_id = await bury(harness)

    ran = await etude("dead", "list", data_dir=tmp_path)

    assert job_id in ran.out


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [("redis://127.0.0.1:9", 3, "Redis does not answer"), ("http://here", 2, "ETUDE_REDIS_URL")],
)
async def test_an_unreachable_redis_is_one_line(url: str, code: int, said: str):
    ran = await etude("dead", "list", "--redis-url", url)

    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
