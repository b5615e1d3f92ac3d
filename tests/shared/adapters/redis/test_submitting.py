"""What submit promises: accepted means stored whole, refused means nothing was written."""

import asyncio
import time
from typing import Any

import pytest
from tests.factories import ADA, BOB, make_plan, make_submission
from tests.job_life import JobLife, settled

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


async def test_an_accepted_job_has_a_record_a_hold_an_entry_and_an_event(life: JobLife) -> None:
    job = await life.submit(hold_tokens=700)

    record = await life.record(job.id)
    assert (record.state, record.attempt, record.held) == (JobState.QUEUED, 0, 700)
    assert await life.budget() == [(0, 700), (0, 700)]
    assert await life.count_entries() == 1
    assert len(await life.command("XRANGE", keys.job_events(0, job.id), "-", "+")) == 1
    assert await life.store.unfinished(ADA) == [job.id]


async def test_the_same_submission_asked_twice_is_one_job(life: JobLife) -> None:
    job = await life.submit()
    again = await life.store.submit(job, now=time.time())

    assert (again.job_id, again.is_replay) == (job.id, False)
    assert await life.count_entries() == 1
    assert await life.budget() == [(0, 1_000), (0, 1_000)]


async def test_a_known_idempotency_key_gives_back_the_first_job_and_charges_nothing(life: JobLife) -> None:
    first = await life.submit(idempotency_key="k", fingerprint="f")
    second = make_submission(idempotency_key="k", fingerprint="f")
    again = await life.store.submit(second, now=time.time())

    assert (again.job_id, again.is_replay) == (first.id, True)
    assert await life.budget() == [(0, 1_000), (0, 1_000)]
    assert await life.count_entries() == 1


async def test_an_idempotency_key_with_another_body_is_a_conflict(life: JobLife) -> None:
    await life.submit(idempotency_key="k", fingerprint="f")
    with pytest.raises(IdempotencyConflict):
        await life.submit(idempotency_key="k", fingerprint="other")


async def test_an_idempotency_key_belongs_to_its_user(life: JobLife) -> None:
    await life.submit(idempotency_key="k", fingerprint="f")
    theirs = make_submission(user=BOB, idempotency_key="k", fingerprint="other")
    assert not (await life.store.submit(theirs, now=time.time())).is_replay


async def test_a_hundred_equal_requests_at_once_are_one_job(life: JobLife) -> None:
    requests = [make_submission(idempotency_key="k", fingerprint="f") for _ in range(100)]
    accepted = await asyncio.gather(*(life.store.submit(one, now=time.time()) for one in requests))

    assert len({one.job_id for one in accepted}) == 1
    assert sum(not one.is_replay for one in accepted) == 1
    assert await life.budget() == [(0, 1_000), (0, 1_000)]


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
    life: JobLife, overrides: dict[str, Any], refusal: type[LimitReached]
) -> None:
    with pytest.raises(refusal):
        await life.submit(**overrides)
    assert await life.key_names() == set()


async def test_a_budget_refusal_says_what_is_left_and_when_it_resets(life: JobLife) -> None:
    plan = make_plan(tokens_per_day=1_500)
    await life.submit(plan=plan)
    with pytest.raises(BudgetExceeded) as refused:
        await life.submit(plan=plan)

    params = refused.value.params
    assert (params["window"], params["left"], params["needed"]) == ("day", 500, 1_000)
    assert str(params["resets_at"]).endswith("T00:00:00.000Z")
    assert 0 < (refused.value.retry_after or 0) <= 86_400


async def test_a_full_backlog_refuses_and_writes_nothing(life: JobLife) -> None:
    life.store = type(life.store)(life.redis, shards=1, policy=JobPolicy(backlog_entries=1))
    await life.submit()
    before = await life.key_names()
    with pytest.raises(Overloaded):
        await life.submit(user=BOB)
    assert await life.key_names() == before


@pytest.mark.slow
async def test_a_thousand_at_once_against_room_for_fifty_admit_exactly_fifty(life: JobLife) -> None:
    plan = make_plan(tokens_per_day=50_000)
    outcomes = await asyncio.gather(*(life.submit(plan=plan) for _ in range(1_000)), return_exceptions=True)

    refused = [one for one in outcomes if isinstance(one, BudgetExceeded)]
    assert (len(outcomes) - len(refused), len(refused)) == (50, 950)
    assert await life.budget() == [(0, 50_000), (0, 50_000)]


async def test_jobs_over_the_cap_wait_in_the_users_own_list_and_enter_as_others_end(life: JobLife) -> None:
    plan = make_plan(concurrent_jobs=2)
    jobs = [await life.submit(plan=plan) for _ in range(4)]
    assert await life.count_entries() == 2

    stream = life.stream()
    first, _ = await life.lease(stream)
    await stream.settle([settled(first)], now=time.time())
    assert [leased.id for leased in await life.lease(stream)] == [jobs[2].id]
    assert await life.command("LLEN", keys.waiting(0, ADA, StreamName.AI)) == 1


@pytest.mark.slow
async def test_one_users_ten_thousand_jobs_do_not_stand_before_anothers_one(life: JobLife) -> None:
    plan = make_plan(concurrent_jobs=4)
    await asyncio.gather(*(life.submit(plan=plan) for _ in range(500)))
    await life.submit(user=BOB, plan=plan)

    leased = await life.lease(life.stream())
    assert [one.user for one in leased] == [ADA, ADA, ADA, ADA, BOB]


async def test_the_cap_counts_each_stream_for_itself(life: JobLife) -> None:
    plan = make_plan(concurrent_jobs=1)
    await life.submit(plan=plan)
    await life.submit(plan=plan, kind=Kind.COLLECTION)
    assert await life.count_entries(StreamName.AI) == 1
    assert await life.count_entries(StreamName.COLLECTION) == 1


async def test_a_foreign_job_is_as_unknown_as_an_unknown_one(life: JobLife) -> None:
    job = await life.submit()
    assert await life.store.find(BOB, job.id) is None
    assert await life.store.cancel(BOB, job.id) is None
    assert (await life.record(job.id)).state is JobState.QUEUED
