"""A worker takes jobs for its free slots, owns each until it is settled, and hands back what it cannot finish."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, SUMMARY_PROMPT, make_final_job, make_plan
from tests.fakes import FakeProvider
from tests.job_life import SUMMARY, JobLife, MemoryResults, succeed
from tests.lease_thief import ROUNDS, LeaseThief
from tests.servers import RealRedis

from shared.adapters.redis import keys
from shared.adapters.redis.job_stream import Entry
from shared.domain.errors import (
    NoUsableText,
    ProviderBusy,
    ProviderGarbled,
    ProviderRefused,
    StoreUnavailable,
    StudyError,
    Unexpected,
)
from shared.domain.generation.handler import AttemptContext, Handler
from shared.domain.jobs.job import JobState, Kind, LeasedJob, StreamName
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Fail, Outcome, Retry
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import SummaryDraft
from shared.domain.usage import Usage
from shared.runtime.worker.consumer import Consumer
from shared.runtime.worker.lease_renewer import LeaseRenewer


@asynccontextmanager
async def running(consumer: Consumer, heartbeat: LeaseRenewer | None = None) -> AsyncGenerator[None]:
    if heartbeat:
        heartbeat.start()
    live = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        consumer.stop()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await live
            if heartbeat:
                await heartbeat.stop()


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


async def test_a_successful_job_is_saved_and_settled(life: JobLife) -> None:
    job = await life.submit()
    assert await life.consumer().drain() == 1

    assert (await life.record(job.id)).state is JobState.SUCCEEDED
    row = life.results.rows[job.id]
    assert (row.state, row.attempt, row.user, row.model) == (JobState.SUCCEEDED, 1, ADA, "model-1")
    assert row.result == b'{"object":"summary","language":"en","summary":"Short.","key_points":[]}'
    assert row.windows


async def test_a_job_is_retried_after_a_retryable_error(life: JobLife) -> None:
    job = await life.submit()
    assert await life.consumer(failing(ProviderBusy(), ProviderGarbled())).drain() == 3
    record = await life.record(job.id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 3)


async def test_the_last_allowed_attempt_makes_a_dead_letter(life: JobLife) -> None:
    job = await life.submit()
    assert await life.consumer(failing(*(ProviderBusy() for _ in range(9)))).drain() == 5

    record = await life.record(job.id)
    assert record.state is JobState.FAILED
    assert record.problem == ProviderBusy().problem
    assert [letter.id for letter in await life.dead.list(limit=5)] == [job.id]
    assert await life.budget() == [(0, 0), (0, 0)]


async def test_a_permanent_error_fails_the_job_at_once(life: JobLife) -> None:
    job = await life.submit()
    assert await life.consumer(failing(ProviderRefused())).drain() == 1
    record = await life.record(job.id)
    assert (record.state, record.problem) == (JobState.FAILED, ProviderRefused().problem)
    assert await life.dead.list(limit=5) == []


async def test_a_reported_failure_keeps_its_reason_and_releases_the_budget(life: JobLife) -> None:
    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Fail(NoUsableText().problem)

    job = await life.submit()
    await life.consumer(handle).drain()
    assert life.results.rows[job.id].problem == NoUsableText().problem
    assert await life.budget() == [(0, 0), (0, 0)]


async def test_a_bug_becomes_a_retry_without_the_text_of_the_exception(life: JobLife) -> None:
    job = await life.submit()
    await life.consumer(failing(*(RuntimeError("secret text") for _ in range(9)))).drain()
    record = await life.record(job.id)
    assert record.problem is not None
    assert record.problem.code == "internal_error"
    assert "secret" not in str(record.problem)


async def test_a_retry_that_is_not_counted_spends_no_attempt(life: JobLife) -> None:
    turns = iter(range(12))

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        if next(turns) < 10:
            return Retry(StoreUnavailable().problem, after=0, counted=False)
        return SUMMARY

    life.policy = replace(life.policy, retry=replace(life.policy.retry, cap_seconds=0.0))
    job = await life.submit()
    await life.consumer(handle).drain()
    record = await life.record(job.id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 11)


async def test_a_step_is_paid_for_once_over_all_attempts(life: JobLife) -> None:
    provider = FakeProvider()
    errors = [ProviderBusy(), RuntimeError("bug")]

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        completion = await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        assert completion.value.summary
        if errors:
            raise errors.pop(0)
        return SUMMARY

    job = await life.submit()
    assert await life.consumer(handle, provider=provider).drain() == 3
    assert len(provider.prompts) == 1
    assert (await life.record(job.id)).usage == Usage(100, 10)
    assert await life.budget() == [(110, 0), (110, 0)]


async def test_the_cost_of_a_failed_call_is_charged(life: JobLife) -> None:
    provider = FakeProvider(faults=lambda prompt: ProviderGarbled(usage=Usage(50, 5)))

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return SUMMARY

    await life.submit()
    assert await life.consumer(handle, provider=provider).drain() == 5
    assert await life.budget() == [(275, 0), (275, 0)]


async def test_a_job_makes_no_call_beyond_its_hold(life: JobLife) -> None:
    provider = FakeProvider(faults=lambda prompt: ProviderGarbled(usage=Usage(50, 5)))

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return SUMMARY

    job = await life.submit(hold_tokens=100)
    assert await life.consumer(handle, provider=provider).drain() == 3
    record = await life.record(job.id)
    assert len(provider.prompts) == 2
    assert record.problem is not None
    assert record.problem.code == "hold_spent"


async def test_a_result_saved_before_a_crash_is_adopted_without_a_call(life: JobLife) -> None:
    job = await life.submit()
    leased = await life.lease_one(life.stream("dead"))
    life.results.rows[job.id] = make_final_job(id=job.id, attempt=1, usage=Usage(7, 3))
    await life.age(leased, owner="dead")

    handler = HeldHandler()
    worker = life.worker(handler, consumer="w2")
    worker.runner.start(await life.stream("w2").claim(0, 10))
    await worker.slots.wait_until_idle()
    assert handler.attempts == []
    record = await life.record(job.id)
    assert (record.state, record.usage) == (JobState.SUCCEEDED, Usage(7, 3))


async def test_a_kind_of_a_newer_release_is_parked_and_not_failed(life: JobLife) -> None:
    job = await life.submit()
    await life.command("HSET", keys.record(0, job.id), "v", 99)
    await life.consumer().drain()
    record = await life.record(job.id)
    assert record.state is JobState.QUEUED
    assert record.problem is not None
    assert record.problem.code == "unknown_wire"
    assert record.retry_at is not None


async def test_an_attempt_over_its_limit_is_stopped_and_counts(life: JobLife) -> None:
    life.policy = replace(life.policy, attempt_seconds=0.05, retry=replace(life.policy.retry, max_attempts=2))
    handler = HeldHandler()
    job = await life.submit()
    assert await life.consumer(handler).drain() == 2
    record = await life.record(job.id)
    assert (record.state, handler.cancelled) == (JobState.FAILED, 2)
    assert record.problem is not None
    assert record.problem.code == "attempt_timed_out"


async def test_no_more_jobs_are_taken_than_there_are_slots(real_life: JobLife) -> None:
    handler = HeldHandler()
    plan = make_plan(concurrent_jobs=10)
    jobs = [await real_life.submit(plan=plan) for _ in range(5)]
    worker = real_life.worker(handler, concurrency=2)
    async with running(worker.consumer):
        await handler.begun.wait()
        assert len(worker.slots) <= 2
        assert await real_life.count_pending() <= 2
        handler.open.set()
        for job in jobs:
            await real_life.final(job.id)
    assert len(handler.attempts) == 5


async def test_jobs_of_every_shard_are_read_with_fewer_slots_than_shards(real_life: JobLife) -> None:
    life = JobLife(real_life.place, real_life.redis, shards=8, policy=real_life.policy)
    jobs = [await life.submit(user=f"user-{i}") for i in range(24)]
    assert len({keys.shard_of(job.user, 8) for job in jobs}) > 4
    async with running(life.consumer(concurrency=3)):
        for job in jobs:
            record = await life.final(job.id, job.user)
            assert record.state is JobState.SUCCEEDED
    await life.close()


async def test_stopping_hands_back_jobs_that_do_not_finish_in_time(real_life: JobLife) -> None:
    handler = HeldHandler()
    job = await real_life.submit()
    consumer = real_life.consumer(handler, consumer="w1")
    async with running(consumer):
        await handler.begun.wait()
    record = await real_life.record(job.id)
    assert (record.state, handler.cancelled) == (JobState.QUEUED, 1)

    handler.open.set()
    assert await real_life.consumer(handler, consumer="w2").drain() == 1
    assert handler.attempts == [1, 2]
    assert real_life.results.rows[job.id].attempt == 2
    (leased_failures,) = await real_life.command("HMGET", keys.record(0, job.id), "failures")
    assert leased_failures == b"0"


async def test_stopping_an_idle_worker_is_quick_although_it_waits_for_work(real_life: JobLife) -> None:
    real_life.policy = replace(real_life.policy, block_seconds=10 * DEADLINE_SECONDS)
    consumer = real_life.consumer()
    live = asyncio.create_task(consumer.run())
    await consumer.ready.wait()
    consumer.stop()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await live


async def test_a_cancelled_job_stops_its_provider_call(real_life: JobLife) -> None:
    real_life.policy = replace(real_life.policy, renew_seconds=0.1)
    handler, heartbeat = HeldHandler(), real_life.heartbeat()
    job = await real_life.submit()
    worker = real_life.worker(handler, heartbeat=heartbeat)
    async with running(worker.consumer, heartbeat):
        await handler.begun.wait()
        await real_life.store.cancel(ADA, job.id)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await worker.slots.wait_until_idle()
    assert handler.cancelled == 1
    assert (await real_life.record(job.id)).state is JobState.CANCELLED
    assert job.id not in real_life.results.rows


async def test_a_blocked_event_loop_keeps_its_leases(real_life: JobLife) -> None:
    real_life.policy = replace(real_life.policy, renew_seconds=0.05)
    thief = LeaseThief(real_life)

    async def block(job_input: JobInput, context: AttemptContext) -> Outcome:
        thief.run()  # blocks the loop, with no await in it
        return SUMMARY

    job = await real_life.submit()
    heartbeat = real_life.heartbeat()
    async with running(real_life.consumer(block, heartbeat=heartbeat), heartbeat):
        record = await real_life.final(job.id)
    assert thief.claims == [0] * ROUNDS
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)


async def test_the_lease_of_a_hung_attempt_is_not_renewed_for_ever(real_life: JobLife) -> None:
    real_life.policy = replace(real_life.policy, attempt_seconds=-1.0, settle_grace_seconds=0.0)
    job_id = (await real_life.submit()).id
    job = await real_life.lease_one(real_life.stream())
    assert job.id == job_id
    heartbeat = real_life.heartbeat()
    heartbeat.hold(job, lambda: None)
    await real_life.age(job)
    heartbeat.renew()
    assert [one.id for one in await real_life.stream("w2").claim(0, 10)] == [job_id]


async def test_a_missing_group_is_made_again_and_nothing_is_skipped(real_life: JobLife) -> None:
    async with running(real_life.consumer()):
        await real_life.final((await real_life.submit()).id)
        await real_life.command("FLUSHALL")
        job = await real_life.submit()
        assert (await real_life.final(job.id)).state is JobState.SUCCEEDED


async def test_a_worker_survives_a_restart_of_redis(real_life: JobLife) -> None:
    server = real_life.place
    assert isinstance(server, RealRedis)
    async with running(real_life.consumer()):
        await real_life.final((await real_life.submit()).id)
        server.server.stop()
        server.server.start()
        job = await real_life.submit()
        assert (await real_life.final(job.id)).state is JobState.SUCCEEDED


async def test_a_worker_survives_a_failover_with_cut_connections_and_a_read_only_server(
    real_life: JobLife,
) -> None:
    """The address stays the same: connections drop, and for a while the server takes no writes."""
    is_running, may_end = asyncio.Event(), asyncio.Event()

    async def wait_for_word(job_input: JobInput, context: AttemptContext) -> Outcome:
        is_running.set()
        await may_end.wait()
        return SUMMARY

    async with running(real_life.consumer(wait_for_word)):
        job = await real_life.submit()
        await is_running.wait()
        await real_life.command("REPLICAOF", "127.0.0.1", "1")
        try:
            await real_life.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            may_end.set()
            with pytest.raises(StoreUnavailable):
                await real_life.submit()
        finally:
            await real_life.command("REPLICAOF", "NO", "ONE")
        later = await real_life.submit()
        for one in (job, later):
            record = await real_life.final(one.id)
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


async def test_while_postgres_is_away_the_job_is_kept_and_nothing_is_paid_twice(life: JobLife) -> None:
    provider, results = FakeProvider(), SickResults(away=3)

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return SUMMARY

    job = await life.submit()
    await life.consumer(handle, provider=provider, results=results).drain()
    assert len(provider.prompts) == 1
    assert results.rows[job.id].state is JobState.SUCCEEDED
    assert (await life.record(job.id)).state is JobState.SUCCEEDED


class ChoosyResults(MemoryResults):
    """Refuses every result, as Postgres refuses one that it cannot store."""

    async def save(self, jobs: Sequence[JobSnapshot]) -> None:
        if any(job.result for job in jobs):
            raise Unexpected
        await super().save(jobs)


async def test_a_result_that_cannot_be_kept_ends_its_job_as_failed(life: JobLife) -> None:
    results = ChoosyResults()
    job = await life.submit()
    assert await life.consumer(results=results).drain() == 1
    assert (await life.record(job.id)).state is JobState.FAILED
    assert results.rows[job.id].state is JobState.FAILED


async def test_a_lease_with_a_lost_reply_is_requested_again(real_life: JobLife) -> None:
    """Nobody renews such a lease: it would be claimed like that of a dead worker, and counted as a crash."""
    job, handler = await real_life.submit(), HeldHandler(is_open=True)
    stream = real_life.stream()
    consumer = real_life.consumer(handler, stream=stream)
    lease, losses = stream.lease, [StoreUnavailable(retry_after=0)]

    async def lose_first_answer(entries: Sequence[Entry]) -> list[LeasedJob]:
        leased = await lease(entries)
        if losses:
            raise losses.pop()
        return leased

    stream.lease = lose_first_answer
    async with running(consumer), asyncio.timeout(DEADLINE_SECONDS):
        await handler.begun.wait()
    assert (await real_life.record(job.id)).state is JobState.SUCCEEDED
    assert (handler.attempts, losses) == ([1], [])


async def test_a_job_claimed_while_its_lease_reply_is_lost_runs_once(real_life: JobLife) -> None:
    """An entry that was read but not leased for long is claimed like any other, perhaps by its own reader."""
    await real_life.submit()
    handler = HeldHandler()
    stream = real_life.stream()
    worker = real_life.worker(handler, stream=stream)
    lease, retried = stream.lease, asyncio.Event()

    async def claim_first(entries: Sequence[Entry]) -> list[LeasedJob]:
        if handler.attempts:
            leased = await lease(entries)
            retried.set()
            return leased
        await real_life.age_entry(entries[0].id, stream.stream)
        worker.runner.start(await stream.claim(0, 10))
        await handler.begun.wait()
        raise StoreUnavailable(retry_after=0)

    stream.lease = claim_first
    async with running(worker.consumer), asyncio.timeout(DEADLINE_SECONDS):
        await retried.wait()
        handler.open.set()
    assert handler.attempts == [1]


async def test_every_kind_has_a_stream_that_a_worker_reads(life: JobLife) -> None:
    jobs = [await life.submit(kind=kind) for kind in Kind]
    for stream in StreamName:
        await life.consumer(succeed, consumer=f"w-{stream}", stream=stream).drain()
    states = [(await life.record(job.id)).state for job in jobs]
    assert states == [JobState.SUCCEEDED] * len(jobs)
