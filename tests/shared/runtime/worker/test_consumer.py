"""A worker takes jobs for its free slots, owns each until it is settled, and hands back what it cannot finish."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, SUMMARY_PROMPT, TEXT, make_final_job, make_job_id, make_plan
from tests.fakes import FakeProvider
from tests.job_harness import SUMMARY, JobHarness, MemoryResults, succeed
from tests.lease_thief import ROUNDS, LeaseThief
from tests.servers import RealRedis

from shared.adapters.redis import keys
from shared.adapters.redis.jobs.job_stream import Entry
from shared.domain.errors import NoUsableText, StoreUnavailable, StudyError, Unexpected
from shared.domain.generation.handler import AttemptContext, Handler
from shared.domain.jobs.job import JobState, Kind, LeasedJob, StreamName
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Fail, Outcome, Retry
from shared.domain.jobs.payload import ItemsInput, JobInput, encode_input
from shared.domain.provider_errors import ProviderBusy, ProviderGarbled, ProviderRefused
from shared.domain.study.material import SummaryDraft
from shared.domain.usage import Usage
from shared.runtime.worker.consumer import Consumer
from shared.runtime.worker.lease_renewer import LeaseRenewer


@asynccontextmanager
async def running(consumer: Consumer, lease_renewer: LeaseRenewer | None = None) -> AsyncGenerator[None]:
    if lease_renewer:
        lease_renewer.start()
    live = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        consumer.stop()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await live
            if lease_renewer:
                await lease_renewer.stop()


class HeldHandler:
    """A handler that sets `begun` and waits for `open`."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.cancelled = 0
        self.attempts: list[int] = []
        if is_open:
            self.open.set()

    async def __call__(self, job_input: JobInput, context: AttemptContext) -> Outcome:
        self.attempts.append(context.job.attempt)
        self.begun.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return SUMMARY


def failing(*errors: StudyError | Exception) -> Handler:
    """Fails once with each error, then succeeds."""
    left = list(errors)

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        if left:
            raise left.pop(0)
        return SUMMARY

    return handle


async def test_a_successful_job_is_saved_and_settled(harness: JobHarness) -> None:
    job = await harness.submit()
    assert await harness.consumer().drain() == 1

    assert (await harness.record(job.id)).state is JobState.SUCCEEDED
    row = harness.results.rows[job.id]
    assert (row.state, row.attempt, row.user, row.model) == (JobState.SUCCEEDED, 1, ADA, "model-1")
    assert row.result == b'{"object":"summary","language":"en","summary":"Short.","key_points":[]}'
    assert row.windows


async def test_a_job_is_retried_after_a_retryable_error(harness: JobHarness) -> None:
    job = await harness.submit()
    assert await harness.consumer(failing(ProviderBusy(), ProviderGarbled())).drain() == 3
    record = await harness.record(job.id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 3)


async def test_the_last_allowed_attempt_makes_a_dead_letter(harness: JobHarness) -> None:
    job = await harness.submit()
    assert await harness.consumer(failing(*(ProviderBusy() for _ in range(9)))).drain() == 5

    record = await harness.record(job.id)
    assert record.state is JobState.FAILED
    assert record.problem == ProviderBusy().problem
    assert [letter.id for letter in await harness.dead_letters.list(limit=5)] == [job.id]
    assert await harness.budget() == [(0, 0), (0, 0)]


async def test_a_permanent_error_fails_the_job_at_once(harness: JobHarness) -> None:
    job = await harness.submit()
    assert await harness.consumer(failing(ProviderRefused())).drain() == 1
    record = await harness.record(job.id)
    assert (record.state, record.problem) == (JobState.FAILED, ProviderRefused().problem)
    assert await harness.dead_letters.list(limit=5) == []


async def test_a_reported_failure_keeps_its_reason_and_releases_the_budget(harness: JobHarness) -> None:
    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Fail(NoUsableText().problem)

    job = await harness.submit()
    await harness.consumer(handle).drain()
    assert harness.results.rows[job.id].problem == NoUsableText().problem
    assert await harness.budget() == [(0, 0), (0, 0)]


async def test_a_bug_becomes_a_retry_without_the_text_of_the_exception(harness: JobHarness) -> None:
    job = await harness.submit()
    await harness.consumer(failing(*(RuntimeError("secret text") for _ in range(9)))).drain()
    record = await harness.record(job.id)
    assert record.problem is not None
    assert record.problem.code == "internal_error"
    assert "secret" not in str(record.problem)


async def test_a_retry_that_is_not_counted_spends_no_attempt(harness: JobHarness) -> None:
    turns = iter(range(12))

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        if next(turns) < 10:
            return Retry(StoreUnavailable().problem, after=0, counted=False)
        return SUMMARY

    harness.policy = replace(harness.policy, retry=replace(harness.policy.retry, cap_seconds=0.0))
    job = await harness.submit()
    await harness.consumer(handle).drain()
    record = await harness.record(job.id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 11)


async def test_a_step_is_paid_for_once_over_all_attempts(harness: JobHarness) -> None:
    provider = FakeProvider()
    errors = [ProviderBusy(), RuntimeError("bug")]

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        completion = await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        assert completion.value.summary
        if errors:
            raise errors.pop(0)
        return SUMMARY

    job = await harness.submit()
    assert await harness.consumer(handle, provider=provider).drain() == 3
    assert len(provider.prompts) == 1
    assert (await harness.record(job.id)).usage == Usage(100, 10)
    assert await harness.budget() == [(110, 0), (110, 0)]


async def test_the_cost_of_a_failed_call_is_charged(harness: JobHarness) -> None:
    provider = FakeProvider(faults=lambda prompt: ProviderGarbled(usage=Usage(50, 5)))

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return SUMMARY

    await harness.submit()
    assert await harness.consumer(handle, provider=provider).drain() == 5
    assert await harness.budget() == [(275, 0), (275, 0)]


async def test_a_job_makes_no_call_beyond_its_hold(harness: JobHarness) -> None:
    provider = FakeProvider(faults=lambda prompt: ProviderGarbled(usage=Usage(50, 5)))

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return SUMMARY

    job = await harness.submit(hold_tokens=100)
    assert await harness.consumer(handle, provider=provider).drain() == 3
    record = await harness.record(job.id)
    assert len(provider.prompts) == 2
    assert record.problem is not None
    assert record.problem.code == "hold_spent"


async def test_a_result_saved_before_a_crash_is_adopted_without_a_call(harness: JobHarness) -> None:
    job = await harness.submit()
    leased = await harness.lease_one(harness.stream("dead"))
    harness.results.rows[job.id] = make_final_job(id=job.id, attempt=1, usage=Usage(7, 3))
    await harness.age(leased, owner="dead")

    handler = HeldHandler()
    worker = harness.worker(handler, consumer="w2")
    worker.runner.start(await harness.stream("w2").claim(0, 10))
    await worker.slots.wait_until_idle()
    assert handler.attempts == []
    record = await harness.record(job.id)
    assert (record.state, record.usage) == (JobState.SUCCEEDED, Usage(7, 3))


async def test_a_kind_of_a_newer_release_is_parked_and_not_failed(harness: JobHarness) -> None:
    job = await harness.submit()
    await harness.command("HSET", keys.record(0, job.id), "v", 99)
    await harness.consumer().drain()
    record = await harness.record(job.id)
    assert record.state is JobState.QUEUED
    assert record.problem is not None
    assert record.problem.code == "unknown_wire"
    assert record.retry_at is not None


async def test_an_attempt_over_its_limit_is_stopped_and_counts(harness: JobHarness) -> None:
    harness.policy = replace(
        harness.policy, attempt_seconds=0.05, retry=replace(harness.policy.retry, max_attempts=2)
    )
    handler = HeldHandler()
    job = await harness.submit()
    assert await harness.consumer(handler).drain() == 2
    record = await harness.record(job.id)
    assert (record.state, handler.cancelled) == (JobState.FAILED, 2)
    assert record.problem is not None
    assert record.problem.code == "attempt_timed_out"


async def test_no_more_jobs_are_taken_than_there_are_slots(real_harness: JobHarness) -> None:
    handler = HeldHandler()
    plan = make_plan(concurrent_jobs=10)
    jobs = [await real_harness.submit(plan=plan) for _ in range(5)]
    worker = real_harness.worker(handler, concurrency=2)
    async with running(worker.consumer):
        await handler.begun.wait()
        assert len(worker.slots) <= 2
        assert await real_harness.count_pending() <= 2
        handler.open.set()
        for job in jobs:
            await real_harness.final(job.id)
    assert len(handler.attempts) == 5


async def test_jobs_of_every_shard_are_read_with_fewer_slots_than_shards(real_harness: JobHarness) -> None:
    harness = JobHarness(real_harness.place, real_harness.redis, shards=8, policy=real_harness.policy)
    jobs = [await harness.submit(user=f"user-{i}") for i in range(24)]
    assert len({keys.shard_of(job.user, 8) for job in jobs}) > 4
    async with running(harness.consumer(concurrency=3)):
        for job in jobs:
            record = await harness.final(job.id, job.user)
            assert record.state is JobState.SUCCEEDED
    await harness.close()


async def test_stopping_hands_back_jobs_that_do_not_finish_in_time(real_harness: JobHarness) -> None:
    handler = HeldHandler()
    job = await real_harness.submit()
    consumer = real_harness.consumer(handler, consumer="w1")
    async with running(consumer):
        await handler.begun.wait()
    record = await real_harness.record(job.id)
    assert (record.state, handler.cancelled) == (JobState.QUEUED, 1)

    handler.open.set()
    assert await real_harness.consumer(handler, consumer="w2").drain() == 1
    assert handler.attempts == [1, 2]
    assert real_harness.results.rows[job.id].attempt == 2
    (leased_failures,) = await real_harness.command("HMGET", keys.record(0, job.id), "failures")
    assert leased_failures == b"0"


async def test_stopping_an_idle_worker_is_quick_although_it_waits_for_work(real_harness: JobHarness) -> None:
    real_harness.policy = replace(real_harness.policy, block_seconds=10 * DEADLINE_SECONDS)
    consumer = real_harness.consumer()
    live = asyncio.create_task(consumer.run())
    await consumer.ready.wait()
    consumer.stop()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await live


async def test_a_cancelled_job_stops_its_provider_call(real_harness: JobHarness) -> None:
    real_harness.policy = replace(real_harness.policy, renew_seconds=0.1)
    handler, lease_renewer = HeldHandler(), real_harness.lease_renewer()
    job = await real_harness.submit()
    worker = real_harness.worker(handler, lease_renewer=lease_renewer)
    async with running(worker.consumer, lease_renewer):
        await handler.begun.wait()
        await real_harness.store.cancel(ADA, job.id)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await worker.slots.wait_until_idle()
    assert handler.cancelled == 1
    assert (await real_harness.record(job.id)).state is JobState.CANCELLED
    assert job.id not in real_harness.results.rows


async def test_a_blocked_event_loop_keeps_its_leases(real_harness: JobHarness) -> None:
    real_harness.policy = replace(real_harness.policy, renew_seconds=0.05)
    thief = LeaseThief(real_harness)

    async def block(job_input: JobInput, context: AttemptContext) -> Outcome:
        thief.run()  # blocks the loop, with no await in it
        return SUMMARY

    job = await real_harness.submit()
    lease_renewer = real_harness.lease_renewer()
    async with running(real_harness.consumer(block, lease_renewer=lease_renewer), lease_renewer):
        record = await real_harness.final(job.id)
    assert thief.claims == [0] * ROUNDS
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)


async def test_the_lease_of_a_hung_attempt_is_not_renewed_for_ever(real_harness: JobHarness) -> None:
    real_harness.policy = replace(real_harness.policy, attempt_seconds=-1.0, settle_grace_seconds=0.0)
    job_id = (await real_harness.submit()).id
    job = await real_harness.lease_one(real_harness.stream())
    assert job.id == job_id
    lease_renewer = real_harness.lease_renewer()
    lease_renewer.hold(job, lambda: None)
    await real_harness.age(job)
    lease_renewer.renew()
    assert [one.id for one in await real_harness.stream("w2").claim(0, 10)] == [job_id]


async def test_a_missing_group_is_made_again_and_nothing_is_skipped(real_harness: JobHarness) -> None:
    async with running(real_harness.consumer()):
        await real_harness.final((await real_harness.submit()).id)
        await real_harness.command("FLUSHALL")
        job = await real_harness.submit()
        assert (await real_harness.final(job.id)).state is JobState.SUCCEEDED


async def test_a_worker_survives_a_restart_of_redis(real_harness: JobHarness) -> None:
    server = real_harness.place
    assert isinstance(server, RealRedis)
    async with running(real_harness.consumer()):
        await real_harness.final((await real_harness.submit()).id)
        server.server.stop()
        server.server.start()
        job = await real_harness.submit()
        assert (await real_harness.final(job.id)).state is JobState.SUCCEEDED


async def test_a_worker_survives_a_failover_with_cut_connections_and_a_read_only_server(
    real_harness: JobHarness,
) -> None:
    """The address stays the same: connections drop, and for a while the server takes no writes."""
    is_running, may_end = asyncio.Event(), asyncio.Event()

    async def wait_for_word(job_input: JobInput, context: AttemptContext) -> Outcome:
        is_running.set()
        await may_end.wait()
        return SUMMARY

    async with running(real_harness.consumer(wait_for_word)):
        job = await real_harness.submit()
        await is_running.wait()
        await real_harness.command("REPLICAOF", "127.0.0.1", "1")
        try:
            await real_harness.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            may_end.set()
            with pytest.raises(StoreUnavailable):
                await real_harness.submit()
        finally:
            await real_harness.command("REPLICAOF", "NO", "ONE")
        later = await real_harness.submit()
        for one in (job, later):
            record = await real_harness.final(one.id)
            assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)


class SickResults(MemoryResults):
    """Is unavailable for the first `away` calls."""

    def __init__(self, away: int) -> None:
        super().__init__()
        self.away = away

    async def save(self, jobs: Sequence[JobSnapshot]) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable
        await super().save(jobs)


async def test_while_postgres_is_away_the_job_is_kept_and_nothing_is_paid_twice(harness: JobHarness) -> None:
    provider, results = FakeProvider(), SickResults(away=3)

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return SUMMARY

    job = await harness.submit()
    await harness.consumer(handle, provider=provider, results=results).drain()
    assert len(provider.prompts) == 1
    assert results.rows[job.id].state is JobState.SUCCEEDED
    assert (await harness.record(job.id)).state is JobState.SUCCEEDED


class ChoosyResults(MemoryResults):
    """Refuses every result, as Postgres refuses one that it cannot store."""

    async def save(self, jobs: Sequence[JobSnapshot]) -> None:
        if any(job.result for job in jobs):
            raise Unexpected
        await super().save(jobs)


async def test_a_result_that_cannot_be_kept_ends_its_job_as_failed(harness: JobHarness) -> None:
    results = ChoosyResults()
    job = await harness.submit()
    assert await harness.consumer(results=results).drain() == 1
    assert (await harness.record(job.id)).state is JobState.FAILED
    assert results.rows[job.id].state is JobState.FAILED


async def test_a_lease_with_a_lost_reply_is_requested_again(real_harness: JobHarness) -> None:
    """Nobody renews such a lease: it would be claimed like that of a dead worker, and counted as a crash."""
    job, handler = await real_harness.submit(), HeldHandler(is_open=True)
    stream = real_harness.stream()
    consumer = real_harness.consumer(handler, stream=stream)
    lease, losses = stream.lease, [StoreUnavailable(retry_after=0)]

    async def lose_first_answer(entries: Sequence[Entry]) -> list[LeasedJob]:
        leased = await lease(entries)
        if losses:
            raise losses.pop()
        return leased

    stream.lease = lose_first_answer
    async with running(consumer), asyncio.timeout(DEADLINE_SECONDS):
        await handler.begun.wait()
    assert (await real_harness.record(job.id)).state is JobState.SUCCEEDED
    assert (handler.attempts, losses) == ([1], [])


async def test_a_job_claimed_while_its_lease_reply_is_lost_runs_once(real_harness: JobHarness) -> None:
    """An entry that was read but not leased for long is claimed like any other, perhaps by its own reader."""
    await real_harness.submit()
    handler = HeldHandler()
    stream = real_harness.stream()
    worker = real_harness.worker(handler, stream=stream)
    lease, retried = stream.lease, asyncio.Event()

    async def claim_first(entries: Sequence[Entry]) -> list[LeasedJob]:
        if handler.attempts:
            leased = await lease(entries)
            retried.set()
            return leased
        await real_harness.age_entry(entries[0].id, stream.stream)
        worker.runner.start(await stream.claim(0, 10))
        await handler.begun.wait()
        raise StoreUnavailable(retry_after=0)

    stream.lease = claim_first
    async with running(worker.consumer), asyncio.timeout(DEADLINE_SECONDS):
        await retried.wait()
        handler.open.set()
    assert handler.attempts == [1]


async def test_every_kind_has_a_stream_that_a_worker_reads(harness: JobHarness) -> None:
    added = encode_input(ItemsInput(text=TEXT, collection_id=make_job_id()))
    payloads: dict[Kind, dict[str, Any]] = {Kind.ITEMS: {"payload": added}}
    jobs = [await harness.submit(kind=kind, **payloads.get(kind, {})) for kind in Kind]
    for stream in StreamName:
        await harness.consumer(succeed, consumer=f"w-{stream}", stream=stream).drain()
    states = [(await harness.record(job.id)).state for job in jobs]
    assert states == [JobState.SUCCEEDED] * len(jobs)
