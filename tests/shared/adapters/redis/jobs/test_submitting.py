"""What submit promises: accepted means stored whole, refused means nothing was written."""

import asyncio
import time
from typing import Any

import pytest
from tests.factories import ADA, BOB, make_plan, make_submission
from tests.job_harness import JobHarness, settled

from shared.adapters.redis import keys
from shared.domain.errors import (
    BudgetExceeded,
    IdempotencyConflict,
    LimitReached,
    Overloaded,
    RateLimited,
    TooManyJobs,
)
from shared.domain.jobs.job import JobState, Kind, StreamName
from shared.domain.jobs.job_policy import JobPolicy


async def test_an_accepted_job_has_a_record_a_hold_an_entry_and_an_event(harness: JobHarness) -> None:
    job = await harness.submit(hold_tokens=700)

    record = await harness.record(job.id)
    assert (record.state, record.attempt, record.held) == (JobState.QUEUED, 0, 700)
    assert await harness.budget() == [(0, 700), (0, 700)]
    assert await harness.count_entries() == 1
    assert len(await harness.command("XRANGE", keys.job_events(0, job.id), "-", "+")) == 1
    assert await harness.store.unfinished(ADA) == [job.id]


async def test_the_same_submission_asked_twice_is_one_job(harness: JobHarness) -> None:
    job = await harness.submit()
    again = await harness.store.submit(job, now=time.time())

    assert (again.job_id, again.is_replay) == (job.id, False)
    assert await harness.count_entries() == 1
    assert await harness.budget() == [(0, 1_000), (0, 1_000)]


async def test_a_known_idempotency_key_gives_back_the_first_job_and_charges_nothing(
    harness: JobHarness,
) -> None:
    first = await harness.submit(idempotency_key="k", fingerprint="f")
    second = make_submission(idempotency_key="k", fingerprint="f")
    again = await harness.store.submit(second, now=time.time())

    assert (again.job_id, again.is_replay) == (first.id, True)
    assert await harness.budget() == [(0, 1_000), (0, 1_000)]
    assert await harness.count_entries() == 1


async def test_an_idempotency_key_with_another_body_is_a_conflict(harness: JobHarness) -> None:
    await harness.submit(idempotency_key="k", fingerprint="f")
    with pytest.raises(IdempotencyConflict):
        await harness.submit(idempotency_key="k", fingerprint="other")


async def test_an_idempotency_key_belongs_to_its_user(harness: JobHarness) -> None:
    await harness.submit(idempotency_key="k", fingerprint="f")
    theirs = make_submission(user=BOB, idempotency_key="k", fingerprint="other")
    assert not (await harness.store.submit(theirs, now=time.time())).is_replay


async def test_a_hundred_equal_requests_at_once_are_one_job(harness: JobHarness) -> None:
    requests = [make_submission(idempotency_key="k", fingerprint="f") for _ in range(100)]
    accepted = await asyncio.gather(*(harness.store.submit(one, now=time.time()) for one in requests))

    assert len({one.job_id for one in accepted}) == 1
    assert sum(not one.is_replay for one in accepted) == 1
    assert await harness.budget() == [(0, 1_000), (0, 1_000)]


@pytest.mark.parametrize(
    ("overrides", "refusal"),
    [
        ({"hold_tokens": 5_001, "plan": make_plan(tokens_per_day=5_000)}, BudgetExceeded),
        ({"hold_tokens": 5_001, "plan": make_plan(tokens_per_month=5_000)}, BudgetExceeded),
        ({"plan": make_plan(requests_per_minute=0)}, RateLimited),
        ({"plan": make_plan(unfinished_jobs=0)}, TooManyJobs),
    ],
)
async def test_a_refusal_writes_nothing(
    harness: JobHarness, overrides: dict[str, Any], refusal: type[LimitReached]
) -> None:
    with pytest.raises(refusal):
        await harness.submit(**overrides)
    assert await harness.key_names() == set()


async def test_a_budget_refusal_says_what_is_left_and_when_it_resets(harness: JobHarness) -> None:
    plan = make_plan(tokens_per_day=1_500)
    await harness.submit(plan=plan)
    with pytest.raises(BudgetExceeded) as refused:
        await harness.submit(plan=plan)

    params = refused.value.params
    assert (params["window"], params["left"], params["needed"]) == ("day", 500, 1_000)
    assert str(params["resets_at"]).endswith("T00:00:00.000Z")
    assert 0 < (refused.value.retry_after or 0) <= 86_400


async def test_a_full_backlog_refuses_and_writes_nothing(harness: JobHarness) -> None:
    harness.store = type(harness.store)(harness.redis, shards=1, policy=JobPolicy(backlog_entries=1))
    await harness.submit()
    before = await harness.key_names()
    with pytest.raises(Overloaded):
        await harness.submit(user=BOB)
    assert await harness.key_names() == before


@pytest.mark.slow
async def test_a_thousand_at_once_against_room_for_fifty_admit_exactly_fifty(harness: JobHarness) -> None:
    plan = make_plan(tokens_per_day=50_000)
    outcomes = await asyncio.gather(
        *(harness.submit(plan=plan) for _ in range(1_000)), return_exceptions=True
    )

    refused = [one for one in outcomes if isinstance(one, BudgetExceeded)]
    assert (len(outcomes) - len(refused), len(refused)) == (50, 950)
    assert await harness.budget() == [(0, 50_000), (0, 50_000)]


async def test_jobs_over_the_cap_wait_in_the_users_own_list_and_enter_as_others_end(
    harness: JobHarness,
) -> None:
    plan = make_plan(concurrent_jobs=2)
    jobs = [await harness.submit(plan=plan) for _ in range(4)]
    assert await harness.count_entries() == 2

    stream = harness.stream()
    first, _ = await harness.lease(stream)
    await stream.settle([settled(first)], now=time.time())
    assert [leased.id for leased in await harness.lease(stream)] == [jobs[2].id]
    assert await harness.command("LLEN", keys.waiting(0, ADA, StreamName.AI)) == 1


@pytest.mark.slow
async def test_one_users_ten_thousand_jobs_do_not_stand_before_anothers_one(harness: JobHarness) -> None:
    plan = make_plan(concurrent_jobs=4)
    await asyncio.gather(*(harness.submit(plan=plan) for _ in range(500)))
    await harness.submit(user=BOB, plan=plan)

    leased = await harness.lease(harness.stream())
    assert [one.user for one in leased] == [ADA, ADA, ADA, ADA, BOB]


async def test_the_cap_counts_each_stream_for_itself(harness: JobHarness) -> None:
    plan = make_plan(concurrent_jobs=1)
    await harness.submit(plan=plan)
    await harness.submit(plan=plan, kind=Kind.COLLECTION)
    assert await harness.count_entries(StreamName.AI) == 1
    assert await harness.count_entries(StreamName.COLLECTION) == 1


async def test_a_foreign_job_is_as_unknown_as_an_unknown_one(harness: JobHarness) -> None:
    job = await harness.submit()
    assert await harness.store.find(BOB, job.id) is None
    assert await harness.store.cancel(BOB, job.id) is None
    assert (await harness.record(job.id)).state is JobState.QUEUED
