"""After everything in Redis is lost, budgets are what Postgres knows again: once, and on top of what was spent since."""

import asyncio
import time
from typing import Any, cast

import pytest
from tests.factories import ADA, BOB, SUMMARY_PROMPT, make_final_job
from tests.job_life import SUMMARY, JobLife
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
"""Of a call of the provider here."""
CARL = UserId("carl")


async def spend(job_input: JobInput, context: AttemptContext) -> Outcome:
    await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
    return SUMMARY


@pytest.fixture
async def charged(life: JobLife, result_store: ResultStore) -> JobLife:
    """Two users have had jobs, which are final and in Postgres; then everything in Redis is gone."""
    cast(Any, life).results = result_store
    for user in (ADA, ADA, BOB):
        await life.submit(user=user)
    await life.consumer(spend).drain()
    assert (await life.budget(ADA), await life.budget(BOB)) == ([(2 * COST, 0)] * 2, [(COST, 0)] * 2)
    await flush(life.redis)
    return life


async def sweep(life: JobLife, consumer: str = "w1") -> None:
    """A turn of a sweeper who finds nobody else at it."""
    await call(life.redis, "DEL", keys.sweep(0, life.stream(consumer).stream))
    await life.worker(consumer=consumer).maintenance.sweep()


async def test_budgets_are_again_what_was_used(charged: JobLife) -> None:
    assert await charged.budget(ADA) == [(0, 0)] * 2
    await sweep(charged)
    assert (await charged.budget(ADA), await charged.budget(BOB)) == ([(2 * COST, 0)] * 2, [(COST, 0)] * 2)
    for window, expires in expiries(time.time()).items():
        left = await call(charged.redis, "PTTL", keys.budget(0, ADA, window))
        assert abs(time.time() * 1000 + left - expires) < 60_000


async def test_what_was_spent_since_is_counted_once_and_stays(charged: JobLife) -> None:
    await charged.submit(user=ADA)
    await charged.consumer(spend).drain()  # its row is in Postgres too
    held = await charged.submit(user=ADA)
    await sweep(charged)
    assert await charged.budget(ADA) == [(3 * COST, held.hold_tokens)] * 2


async def test_nothing_is_added_twice_however_many_restore_and_however_often(charged: JobLife) -> None:
    await asyncio.gather(*(sweep(charged, f"w{i}") for i in range(4)))
    for _ in range(2):
        await call(charged.redis, "HDEL", keys.since(0), "restored")  # as if it had died before the end
        await sweep(charged)
    assert await charged.budget(ADA) == [(2 * COST, 0)] * 2


async def test_a_row_that_came_late_is_added_when_the_last_one_must_have_come(
    charged: JobLife, result_store: ResultStore
) -> None:
    """Its attempt was under way when everything was lost, and its settlement found no record."""
    await result_store.save([_earlier(CARL)])
    await sweep(charged)
    await result_store.save([_earlier(CARL)])
    await sweep(charged)
    assert await charged.budget(CARL) == [(7, 0)] * 2  # not asked again and again
    long_ago = int(time.time() * 1000) - 421_000
    await call(charged.redis, "HSET", keys.since(0), "at", long_ago, "restored", long_ago + 1)
    await sweep(charged)
    assert await charged.budget(CARL) == [(14, 0)] * 2


async def test_more_users_than_fit_a_page_are_all_restored(
    charged: JobLife, result_store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_restoring, "MAX_RESTORED", 3)
    users = [UserId(f"user-{i}") for i in range(5)]
    await result_store.save([_earlier(user) for user in users])
    await sweep(charged)
    assert [await charged.budget(user) for user in users] == [[(7, 0)] * 2] * 5


def _earlier(user: UserId) -> JobSnapshot:
    """A job of an hour ago that cost seven tokens."""
    now = time.time()
    return make_final_job(
        user=user, created_at=now - 3_600, finished_at=now, usage=Usage(5, 2), windows=tuple(expiries(now))
    )
