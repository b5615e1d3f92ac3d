"""The end of an attempt: once, with its budget, its keys and its last event; and what an operator may undo."""

import time

import pytest
from tests.factories import ADA, make_plan
from tests.job_harness import JobHarness, settled

from shared.adapters.redis import keys
from shared.domain.budgets import windows
from shared.domain.errors import BudgetExceeded, LeaseLost, Problem, RateLimited
from shared.domain.jobs.job import JobState, LeasedJob, StreamName
from shared.domain.jobs.settlement import Settlement
from shared.domain.provider_errors import ProviderBusy
from shared.domain.usage import Usage

BUSY = ProviderBusy().problem


def retried(job: LeasedJob, *, after: float) -> Settlement:
    now = time.time()
    return settled(job, state=JobState.QUEUED, problem=BUSY, retry_at=now + after, failures=1)


async def test_a_settled_job_is_charged_what_it_used_and_leaves_the_stream(harness: JobHarness) -> None:
    submitted = await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)

    assert await stream.settle([settled(job)], now=time.time()) == {job.id: True}
    record = await harness.record(submitted.id)
    assert (record.state, record.usage, record.held) == (JobState.SUCCEEDED, Usage(10, 5), 0)
    assert await harness.budget() == [(15, 0), (15, 0)]
    assert (await harness.count_entries(), await harness.count_pending()) == (0, 0)
    assert await harness.store.unfinished(ADA) == []


async def test_settling_twice_charges_once(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    for _ in range(2):
        assert await stream.settle([settled(job)], now=time.time()) == {job.id: True}
    assert await harness.budget() == [(15, 0), (15, 0)]


async def test_another_end_than_the_first_is_refused(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([settled(job)], now=time.time())
    failed = settled(job, state=JobState.FAILED)
    assert await stream.settle([failed], now=time.time()) == {job.id: False}
    assert (await harness.record(job.id)).state is JobState.SUCCEEDED


async def test_everything_of_a_finished_job_expires(harness: JobHarness) -> None:
    base = await harness.key_names()
    job = await harness.submit(idempotency_key="k", fingerprint="f")
    stream = harness.stream()
    leased = await harness.lease_one(stream)
    await harness.attempts.keep(leased, "cards/0", b"{}", Usage(1, 1))
    await stream.settle([settled(leased)], now=time.time())

    left = await harness.key_names() - base
    assert keys.steps(0, job.id) not in left
    for key in left - {keys.work_stream(0, leased.stream), keys.ledger(0), keys.since(0)}:
        assert await harness.command("PTTL", key) > 0, key


async def test_many_are_settled_together_each_for_itself(harness: JobHarness) -> None:
    for _ in range(3):
        await harness.submit()
    stream = harness.stream()
    first, second, third = await harness.lease(stream)
    await harness.store.cancel(ADA, second.id)

    answers = await stream.settle([settled(first), settled(second), settled(third)], now=time.time())
    assert answers == {first.id: True, second.id: False, third.id: True}


async def test_a_retry_waits_for_its_time_and_comes_back_as_the_next_attempt(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([retried(job, after=30)], now=time.time())

    record = await harness.record(job.id)
    assert (record.state, record.problem) == (JobState.QUEUED, BUSY)
    assert record.retry_at == pytest.approx(time.time() + 30, abs=5)
    wait = await harness.maintenance_store.promote(0)
    assert wait == pytest.approx(30, abs=5)
    assert await harness.lease(stream) == []

    await harness.command("ZADD", keys.due(0), 1, job.id)
    assert await harness.maintenance_store.promote(0) is None
    again = await harness.lease_one(stream)
    assert (again.attempt, again.failures) == (2, 1)


async def test_a_retry_without_delay_is_back_at_once(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([retried(job, after=0)], now=time.time())
    assert (await harness.lease_one(stream)).attempt == 2


async def test_a_due_entry_that_means_nothing_does_not_starve_the_others(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([retried(job, after=30)], now=time.time())
    await harness.command("ZADD", keys.due(0), 1, "nonsense", 2, job.id)

    assert await harness.maintenance_store.promote(0) is None
    assert (await harness.lease_one(stream)).id == job.id


async def test_a_step_is_charged_once_however_often_it_is_kept(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream())
    for _ in range(2):
        await harness.attempts.keep(job, "cards/0", b"{}", Usage(7, 3))
    assert (await harness.record(job.id)).usage == Usage(7, 3)


async def test_an_event_asked_twice_is_told_once(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream())
    for _ in range(2):
        await harness.attempts.append(
            job, [("progress", b"1"), ("progress", b"2")], number=1, progress=(2, 9)
        )
    log = await harness.command("XRANGE", keys.job_events(0, job.id), "-", "+")
    told = [fields[b"event"].split(b" ")[-1] for _, fields in log]
    assert told[-2:] == [b"1", b"2"]
    assert len(told) == 4
    record = await harness.record(job.id)
    assert (record.done, record.total) == (2, 9)


async def test_a_cancelled_job_pays_for_its_kept_steps_only(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream())
    await harness.attempts.keep(job, "cards/0", b"{}", Usage(7, 3))
    record = await harness.store.cancel(ADA, job.id)

    assert record is not None
    assert (record.state, record.usage) == (JobState.CANCELLED, Usage(7, 3))
    assert await harness.budget() == [(10, 0), (10, 0)]
    assert (await harness.count_entries(), await harness.count_pending()) == (0, 0)
    with pytest.raises(LeaseLost):
        await harness.attempts.keep(job, "cards/1", b"{}", Usage(7, 3))


async def test_cancelling_a_waiting_job_lets_nobody_else_in(harness: JobHarness) -> None:
    plan = make_plan(concurrent_jobs=1)
    _, second, third = [await harness.submit(plan=plan) for _ in range(3)]
    await harness.store.cancel(ADA, second.id)
    assert await harness.count_entries() == 1
    assert await harness.store.unfinished(ADA) == [third.id, (await harness.lease_one(harness.stream())).id]


async def test_cancelling_a_job_that_was_due_takes_it_out(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([retried(job, after=30)], now=time.time())
    await harness.store.cancel(ADA, job.id)
    assert await harness.command("ZCARD", keys.due(0)) == 0


async def test_cancelling_a_final_job_changes_nothing(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([settled(job)], now=time.time())
    before = await harness.record(job.id)
    assert await harness.store.cancel(ADA, job.id) == before


async def test_what_a_script_made_final_is_saved_by_maintenance(harness: JobHarness) -> None:
    job = await harness.submit()
    await harness.store.cancel(ADA, job.id)
    await harness.worker().maintenance.sweep()

    row = harness.results.rows[job.id]
    assert (row.state, row.user) == (JobState.CANCELLED, ADA)
    assert await harness.maintenance_store.unsaved(0) == []


async def test_a_dead_letter_can_be_replayed_once_with_its_steps(harness: JobHarness) -> None:
    submitted = await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await harness.attempts.keep(job, "cards/0", b"{}", Usage(7, 3))
    dead = settled(
        job, state=JobState.FAILED, problem=Problem("provider_busy"), usage=Usage(7, 3), is_dead=True
    )
    await stream.settle([dead], now=time.time())
    assert await harness.budget() == [(10, 0), (10, 0)]

    assert await harness.dead_letters.replay(job.id, submitted.plan, now=time.time())
    assert not await harness.dead_letters.replay(job.id, submitted.plan, now=time.time())
    assert await harness.budget() == [(10, 1_000), (10, 1_000)]
    (again,) = await harness.lease(stream)
    assert (again.attempt, again.failures, again.steps) == (2, 0, {"cards/0": b"{}"})
    assert again.payload == submitted.payload


async def test_dead_letters_replayed_together_stay_within_their_users_cap(harness: JobHarness) -> None:
    plan = make_plan(concurrent_jobs=1)
    stream = harness.stream()
    jobs = [await harness.submit(plan=make_plan()) for _ in range(3)]
    for one in await harness.lease(stream):
        dead = settled(one, state=JobState.FAILED, problem=BUSY, is_dead=True)
        await stream.settle([dead], now=time.time())
    for job in jobs:
        assert await harness.dead_letters.replay(job.id, plan, now=time.time())
    assert await harness.count_entries() == 1
    assert await harness.command("LLEN", keys.waiting(0, ADA, StreamName.AI)) == 2


async def test_a_hold_is_charged_what_was_used_when_released(harness: JobHarness) -> None:
    now = time.time()
    hold, balances = await harness.budgets.hold(
        ADA, make_plan(), hold_id="h1", tokens=500, expires_in=60, now=now
    )
    assert [balance.held for balance in balances] == [500, 500]
    assert await harness.budgets.release(hold, used=120)
    assert not await harness.budgets.release(hold, used=120)
    assert await harness.budget() == [(120, 0), (120, 0)]


async def test_a_hold_nobody_releases_gives_itself_back(harness: JobHarness) -> None:
    await harness.budgets.hold(ADA, make_plan(), hold_id="h1", tokens=500, expires_in=-1, now=time.time())
    await harness.worker().maintenance.sweep()
    assert await harness.budget() == [(0, 0), (0, 0)]


async def test_holds_obey_the_same_limits_as_jobs(harness: JobHarness) -> None:
    now, plan = time.time(), make_plan(tokens_per_day=100)
    with pytest.raises(BudgetExceeded):
        await harness.budgets.hold(ADA, plan, hold_id="h1", tokens=101, expires_in=60, now=now)
    with pytest.raises(RateLimited):
        await harness.budgets.hold(
            ADA, make_plan(requests_per_minute=0), hold_id="h2", tokens=1, expires_in=60, now=now
        )
    assert await harness.key_names() == set()


async def test_a_charge_after_its_window_is_gone_leaves_no_key_behind(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    window = windows(make_plan(), time.time())[0]
    await harness.command("DEL", keys.budget(0, ADA, window.key))
    await stream.settle([settled(job)], now=time.time())
    assert keys.budget(0, ADA, window.key) not in await harness.key_names()


# -- cached and reasoning tokens --------------------------------------------------------------------------------------

DETAILED = Usage(7, 5, 4, 3)


async def fields_of(harness: JobHarness, job: LeasedJob) -> list[bytes | None]:
    return await harness.command("HMGET", keys.record(0, job.id), "cached", "reasoning")


async def test_cached_and_reasoning_tokens_of_steps_reach_the_next_attempt_and_the_end(
    harness: JobHarness,
) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    for step in ("cards/0", "cards/0", "cards/1"):
        await harness.attempts.keep(job, step, b"{}", DETAILED)
    assert (await harness.record(job.id)).usage == DETAILED + DETAILED
    await stream.settle(
        [settled(job, state=JobState.QUEUED, problem=BUSY, usage=DETAILED + DETAILED)], now=time.time()
    )

    again = await harness.lease_one(stream)
    assert again.usage == DETAILED + DETAILED
    await stream.settle([settled(again, usage=again.usage + DETAILED)], now=time.time())
    assert (await harness.record(job.id)).usage == Usage(21, 15, 12, 9)
    assert await harness.budget() == [(36, 0), (36, 0)]
    log = await harness.command("XRANGE", keys.job_events(0, job.id), "-", "+")
    done = log[-1][1][b"event"]
    assert (
        b'"usage":{"prompt_tokens":21,"completion_tokens":15,"cached_tokens":12,"reasoning_tokens":9}' in done
    )


async def test_the_record_has_no_field_for_a_part_that_is_zero(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await harness.attempts.keep(job, "cards/0", b"{}", Usage(7, 3))
    await stream.settle([settled(job)], now=time.time())
    assert await fields_of(harness, job) == [None, None]


async def test_a_replayed_job_counts_its_parts_anew(harness: JobHarness) -> None:
    submitted = await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([settled(job, state=JobState.FAILED, usage=DETAILED, is_dead=True)], now=time.time())
    assert (await harness.record(job.id)).usage == DETAILED
    assert await harness.dead_letters.replay(job.id, submitted.plan, now=time.time())
    assert (await harness.lease_one(stream)).usage == Usage()
    assert await fields_of(harness, job) == [None, None]


async def test_counts_that_an_older_release_lowered_are_read_consistently(harness: JobHarness) -> None:
    """The release before the parts resets and writes only the whole counts."""
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await harness.attempts.keep(job, "cards/0", b"{}", DETAILED)
    await harness.command("HSET", keys.record(0, job.id), "prompt", 2, "completion", 1)
    assert (await harness.record(job.id)).usage == Usage(2, 1, 2, 1)
    await stream.settle(
        [settled(job, state=JobState.QUEUED, problem=BUSY, usage=Usage(2, 1))], now=time.time()
    )
    assert (await harness.lease_one(stream)).usage == Usage(2, 1, 2, 1)


async def test_a_damaged_part_does_not_break_the_end_of_a_job(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await harness.command("HSET", keys.record(0, job.id), "cached", "0x1F", "reasoning", "-3")
    cancelled = await harness.store.cancel(ADA, job.id)
    assert cancelled is not None
    log = await harness.command("XRANGE", keys.job_events(0, job.id), "-", "+")
    assert b'"usage":{"prompt_tokens":0,"completion_tokens":0}}' in log[-1][1][b"event"]
