"""The eight faults of the system this one replaces, one test each, named after the fault: they fail when its cure is removed.

1 clients polled · 2 workers polled the database · 3 a hung job ran for ever · 4 nothing was retried · 5 errors had no
type · 6 nothing could be seen · 7 two workers took one job · 8 tokens had no limit
"""

import asyncio
import time
from typing import Any

import pytest
import structlog
from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA
from tests.gateway.desk import PLANS, SUMMARY, Desk, listen
from tests.job_harness import SUMMARY as DONE
from tests.job_harness import JobHarness, settled
from tests.lease_thief import ROUNDS, LeaseThief

from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.error_messages import MESSAGES
from shared.domain.errors import NoUsableText, StudyError
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobId, JobState
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.jobs.retry_policy import RetryPolicy
from shared.domain.provider_errors import ProviderBusy
from shared.runtime.worker.consumer import Consumer


async def submit(desk: Desk, **claims: Any) -> JobId:
    answer = await desk.client(**claims).post("/api/ai", json=SUMMARY)
    assert answer.status_code == 202, answer.text
    return JobId(answer.json()["id"])


async def test_1_clients_polled(desk: Desk, harness: JobHarness) -> None:
    """Changes are pushed to who listens; who polls all the same is told when to come back, and costs next to nothing."""
    client = desk.client()
    async with listen(client, "/api/events") as heard:
        job_id = await submit(desk)
        await harness.consumer(results=desk.parts.results).drain()
        async with asyncio.timeout(DEADLINE_SECONDS):
            told = [await heard.next() for _ in range(3)]
    assert [event.name for event in told if event] == ["status", "status", "done"]

    waiting = await submit(desk)
    first = await client.get(f"/api/ai/{waiting}")
    again = await client.get(f"/api/ai/{waiting}", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.headers["Retry-After"], again.status_code, again.content) == ("2", 304, b"")
    done = await client.get(f"/api/ai/{job_id}")
    assert "Retry-After" not in done.headers


async def test_2_workers_polled_the_database(
    harness: JobHarness, result_store: ResultStore, postgres_url: str
) -> None:
    """An idle worker waits in a blocking read: nothing to Postgres, hardly anything to Redis."""
    harness.policy = replace(harness.policy, block_seconds=5.0)
    consumer = harness.consumer(results=result_store)
    observer = await connect_postgres(postgres_url)
    try:
        since = await observer.fetchval("SELECT clock_timestamp()")
        live = asyncio.create_task(consumer.run())
        await consumer.ready.wait()
        before = await _count_commands(harness)
        await asyncio.wait([live], timeout=3.0)  # the span over which silence is measured
        commands = await _count_commands(harness) - before
        asked = await observer.fetchval(ASKED_SINCE, since)
        consumer.stop()
        await live
    finally:
        await observer.close()
    assert asked == 0
    assert commands <= 3


ASKED_SINCE = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND query_start > $1"""


async def _count_commands(harness: JobHarness) -> int:
    stats = await harness.command("INFO", "commandstats")
    return sum(facts["calls"] for facts in stats.values()) - stats.get("cmdstat_info", {"calls": 0})["calls"]


async def test_3_a_hung_job_ran_for_ever(harness: JobHarness) -> None:
    """An attempt over its limit is stopped; the job of an owner that died is taken over, well before that limit."""
    harness.policy = replace(
        harness.policy, attempt_seconds=0.1, retry=RetryPolicy(base_seconds=0.0, max_attempts=2)
    )
    hung = await harness.submit()
    await harness.consumer(_hang).drain()
    record = await harness.record(hung.id)
    assert record.problem is not None
    assert (record.state, record.problem.code) == (JobState.FAILED, "attempt_timed_out")

    orphan = await harness.submit()
    leased = await harness.lease_one(harness.stream("dead"))
    await harness.age(leased, owner="dead", seconds=harness.policy.lease_seconds + 1)
    heir = harness.worker(consumer="heir")
    heir.runner.start(await harness.stream("heir").claim(0, 10))
    await heir.slots.wait_until_idle()
    assert (await harness.record(orphan.id)).state is JobState.SUCCEEDED


async def _hang(job_input: JobInput, context: AttemptContext) -> Outcome:
    await asyncio.Event().wait()
    return DONE


async def test_4_nothing_was_retried(harness: JobHarness) -> None:
    """A temporary fault is tried again, not before the provider's Retry-After; N attempts allowed are N attempts."""
    faults: list[StudyError] = [ProviderBusy(retry_after=0.3), ProviderBusy()]
    begun: list[float] = []

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        begun.append(time.monotonic())
        if faults:
            raise faults.pop(0)
        return DONE

    job = await harness.submit()
    consumer = harness.consumer(handle)
    await _drain_with_retries(harness, consumer)
    assert (await harness.record(job.id)).state is JobState.SUCCEEDED
    assert len(begun) == 3
    assert begun[1] - begun[0] >= 0.3

    faults += [ProviderBusy() for _ in range(99)]
    doomed = await harness.submit()
    await _drain_with_retries(harness, consumer)
    assert (await harness.record(doomed.id)).state is JobState.FAILED
    assert len(begun) == 3 + harness.policy.retry.max_attempts


async def _drain_with_retries(harness: JobHarness, consumer: Consumer) -> None:
    await consumer.drain()
    while (wait := await harness.maintenance_store.promote(0)) is not None or await harness.count_entries():
        await asyncio.sleep(wait or 0.0)  # the retry's own time
        await consumer.drain()


@pytest.mark.parametrize(("language", "index"), [("fr", 0), ("en", 1)])
async def test_5_errors_had_no_type(desk: Desk, harness: JobHarness, language: str, index: int) -> None:
    """A failure has a stable code, a word to the reader in their language, and says whether to try again."""

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Fail(NoUsableText().problem)

    job_id = await submit(desk)
    await harness.consumer(handle, results=desk.parts.results).drain()
    shown = await desk.client().get(f"/api/ai/{job_id}", headers={"Accept-Language": language})
    error = shown.json()["error"]
    words = MESSAGES[language]["no_usable_text"]
    assert (error["code"], error["title"], error["detail"]) == ("no_usable_text", words.title, words.detail)
    assert error["retryable"] is False

    missing = await desk.client().get("/api/ai/unknown", headers={"Accept-Language": language})
    assert missing.headers["Content-Type"] == "application/problem+json"
    assert missing.json()["code"] == "not_found"
    assert missing.json()["title"] == MESSAGES[language]["not_found"].title


async def test_6_nothing_could_be_seen(desk: Desk, harness: JobHarness) -> None:
    """What happens to a job is on one line each, with its id; a store that is away is named where one looks first."""
    job = await harness.submit()
    with structlog.testing.capture_logs() as lines:
        leased = await harness.lease_one(harness.stream("dead"))
        await harness.age(leased, owner="dead")
        heir = harness.worker(consumer="heir")
        await harness.command("DEL", "{s0}:sweep:ai")
        await harness.command("HSET", "{s0}:sweep:seen:ai", "at", int(time.time() * 1000), "claim_from", 0)
        await heir.maintenance.sweep()
        await heir.slots.wait_until_idle()
    told = {line["event"]: line for line in lines}
    assert told["job.claimed"]["job_id"] == job.id
    assert told["job.settled"]["state"] == JobState.SUCCEEDED

    ready = await desk.anonymous().get("/readyz")
    assert ready.status_code == 200
    assert {"redis", "postgres"} <= set(ready.json())


async def test_7_two_workers_took_one_job(harness: JobHarness) -> None:
    """Of many who want it one owns it; and an owner that comes back late changes nothing."""
    job = await harness.submit()
    streams = [harness.stream(f"w{number}") for number in range(5)]
    await streams[0].ensure_groups()
    read = await asyncio.gather(*(stream.read(10, block=False) for stream in streams))
    leases = await asyncio.gather(
        *(stream.lease(entries) for stream, entries in zip(streams, read, strict=True))
    )
    owners = [leased for one in leases for leased in one]
    assert [leased.id for leased in owners] == [job.id]

    late = owners[0]
    owner = next(stream for stream, one in zip(streams, leases, strict=True) if one)
    await harness.age(late, owner=owner.consumer)
    thieves = [stream for stream in streams if stream is not owner]
    claims = await asyncio.gather(*(stream.claim(0, 10) for stream in thieves))
    (taken,) = [leased for one in claims for leased in one]
    assert taken.attempt == 2
    assert await owner.settle([settled(late)], now=time.time()) == {job.id: False}
    assert (await harness.record(job.id)).state is JobState.RUNNING
    assert await harness.budget() == [(0, 1_000), (0, 1_000)]


async def test_7_a_live_job_was_taken_because_its_worker_was_busy(harness: JobHarness) -> None:
    """A worker whose loop is blocked for several leases keeps its job."""
    harness.policy = replace(harness.policy, renew_seconds=0.05)
    thief = LeaseThief(harness)

    async def block(job_input: JobInput, context: AttemptContext) -> Outcome:
        thief.run()  # blocks the loop, with no await in it
        return DONE

    job = await harness.submit()
    lease_renewer = harness.lease_renewer()
    lease_renewer.start()
    await harness.consumer(block, lease_renewer=lease_renewer).drain()
    await lease_renewer.stop()
    assert thief.claims == [0] * ROUNDS
    assert (await harness.record(job.id)).attempt == 1


async def test_8_tokens_had_no_limit(desk: Desk) -> None:
    """However many ask at once, exactly those get in whom the budget covers; the others are told what is left."""
    client = desk.client(plan="small")
    price = (await client.post("/api/ai", json=SUMMARY)).json()["usage"]["held_tokens"]
    room = 30_000 // price - 1
    answers = await asyncio.gather(*(client.post("/api/ai", json=SUMMARY) for _ in range(room + 20)))

    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert (len(accepted), len(refused)) == (room, 20)
    assert all(answer.json()["code"] == "budget_exceeded" for answer in refused)
    assert all("Retry-After" in answer.headers for answer in refused)
    usage = await desk.parts.budgets.allowance(ADA, PLANS["small"], now=time.time())
    assert usage.balances[0].held == (room + 1) * price
