"""After Redis lost everything, budgets are restored once from Postgres, on top of what was used since."""

import asyncio
import time
from typing import Any, cast

import pytest
from tests.factories import ADA, BOB, SUMMARY_PROMPT, make_final_job
from tests.job_harness import SUMMARY, JobHarness
from tests.servers import flush

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis import keys
from shared.adapters.redis.connection import call
from shared.domain.budgets import expiries
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import SummaryDraft
from shared.domain.usage import Usage
from shared.runtime.worker.maintenance import budget_restoring

COST = 110
"""Tokens that one call of the fake provider costs."""
CARL = UserId("carl")


async def spend(job_input: JobInput, context: AttemptContext) -> Outcome:
    await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
    return SUMMARY


@pytest.fixture
async def charged(harness: JobHarness, result_store: ResultStore) -> JobHarness:
    """A life in which two users had jobs, whose rows are in Postgres, before Redis lost everything."""
    cast(Any, harness).results = result_store
    for user in (ADA, ADA, BOB):
        await harness.submit(user=user)
    await harness.consumer(spend).drain()
    assert (await harness.budget(ADA), await harness.budget(BOB)) == ([(2 * COST, 0)] * 2, [(COST, 0)] * 2)
    await flush(harness.redis)
    return harness


async def sweep(harness: JobHarness, consumer: str = "w1") -> None:
    """Sweep as if no other process held the lock."""
    await call(harness.redis, "DEL", keys.sweep(0, harness.stream(consumer).stream))
    await harness.worker(consumer=consumer).maintenance.sweep()


async def test_lost_budgets_are_restored_to_what_was_used(charged: JobHarness) -> None:
    assert await charged.budget(ADA) == [(0, 0)] * 2
    await sweep(charged)
    assert (await charged.budget(ADA), await charged.budget(BOB)) == ([(2 * COST, 0)] * 2, [(COST, 0)] * 2)
    for window, expires in expiries(time.time()).items():
        left = await call(charged.redis, "PTTL", keys.budget(0, ADA, window))
        assert abs(time.time() * 1000 + left - expires) < 60_000


async def test_usage_since_the_loss_is_kept_and_counted_once(charged: JobHarness) -> None:
    await charged.submit(user=ADA)
    await charged.consumer(spend).drain()  # its row is in Postgres too
    held = await charged.submit(user=ADA)
    await sweep(charged)
    assert await charged.budget(ADA) == [(3 * COST, held.hold_tokens)] * 2


async def test_concurrent_and_repeated_restoring_adds_nothing_twice(charged: JobHarness) -> None:
    await asyncio.gather(*(sweep(charged, f"w{i}") for i in range(4)))
    for _ in range(2):
        await call(charged.redis, "HDEL", keys.since(0), "restored")  # as if it had died before the end
        await sweep(charged)
    assert await charged.budget(ADA) == [(2 * COST, 0)] * 2


async def test_a_late_row_is_added_by_a_second_restoring(
    charged: JobHarness, result_store: ResultStore
) -> None:
    """The attempt was under way when Redis lost everything, so its settlement found no record."""
    await result_store.save([_earlier(CARL)])
    await sweep(charged)
    await result_store.save([_earlier(CARL)])
    await sweep(charged)
    assert await charged.budget(CARL) == [(7, 0)] * 2  # not asked again and again
    long_ago = int(time.time() * 1000) - 421_000
    await call(charged.redis, "HSET", keys.since(0), "at", long_ago, "restored", long_ago + 1)
    await sweep(charged)
    assert await charged.budget(CARL) == [(14, 0)] * 2


async def test_users_beyond_the_first_page_are_restored(
    charged: JobHarness, result_store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_restoring, "MAX_RESTORED", 3)
    users = [UserId(f"user-{i}") for i in range(5)]
    await result_store.save([_earlier(user) for user in users])
    await sweep(charged)
    assert [await charged.budget(user) for user in users] == [[(7, 0)] * 2] * 5


def _earlier(user: UserId) -> JobSnapshot:
    """A job that ended an hour ago and cost seven tokens."""
    now = time.time()
    return make_final_job(
        user=user, created_at=now - 3_600, finished_at=now, usage=Usage(5, 2), windows=tuple(expiries(now))
    )
