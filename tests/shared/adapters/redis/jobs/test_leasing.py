"""One owner at a time: lease, renew, claim, and what a late owner can still do, which is nothing."""

import time

import pytest
from tests.factories import ADA, make_plan
from tests.job_harness import JobHarness, settled

from shared.adapters.redis import keys, scripts
from shared.domain.errors import LeaseLost, Problem
from shared.domain.jobs.job import JobState, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.usage import Usage


async def is_lost(harness: JobHarness, job: LeasedJob, owner: str) -> bool:
    """One renewal by an owner; whether it is told that the lease is lost."""
    key = keys.work_stream(job.shard, job.stream)
    (answer,) = await scripts.run(harness.redis, scripts.RENEW, key, owner, job.entry, job.id, job.attempt)
    return answer == 0


async def test_the_first_lease_is_attempt_one(harness: JobHarness) -> None:
    submitted = await harness.submit()
    job = await harness.lease_one(harness.stream())

    assert (job.id, job.user, job.attempt, job.payload) == (submitted.id, ADA, 1, submitted.payload)
    record = await harness.record(job.id)
    assert (record.state, record.attempt) == (JobState.RUNNING, 1)
    assert record.started_at > 0


async def test_jobs_queued_before_the_first_worker_came_are_read(harness: JobHarness) -> None:
    jobs = [await harness.submit() for _ in range(3)]
    leased = await harness.lease(harness.stream())
    assert [one.id for one in leased] == [job.id for job in jobs]


async def test_a_lease_asked_twice_is_the_same_attempt(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    await stream.ensure_groups()
    entries = await stream.read(1, block=False)

    (first,), (again,) = await stream.lease(entries), await stream.lease(entries)
    assert (first.attempt, again.attempt) == (1, 1)


async def test_a_cancelled_job_is_skipped_and_its_entry_is_gone(harness: JobHarness) -> None:
    job = await harness.submit()
    stream = harness.stream()
    await stream.ensure_groups()
    entries = await stream.read(1, block=False)
    await harness.store.cancel(ADA, job.id)

    assert await stream.lease(entries) == []
    assert (await harness.count_entries(), await harness.count_pending()) == (0, 0)


async def test_an_entry_without_a_record_is_removed(harness: JobHarness) -> None:
    job = await harness.submit()
    await harness.command("DEL", keys.record(0, job.id))
    assert await harness.lease(harness.stream()) == []
    assert (await harness.count_entries(), await harness.count_pending()) == (0, 0)


async def test_a_live_lease_is_not_taken(harness: JobHarness) -> None:
    await harness.submit()
    await harness.lease_one(harness.stream("w1"))
    assert await harness.stream("w2").claim(0, 10) == []


async def test_a_stale_lease_goes_to_another_attempt_with_what_was_paid(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream("w1"))
    await harness.attempts.keep(job, "cards/0", b"{}", Usage(7, 3))
    await harness.age(job)

    (taken,) = await harness.stream("w2").claim(0, 10)
    assert (taken.id, taken.attempt, taken.crashes) == (job.id, 2, 1)
    assert taken.steps == {"cards/0": b"{}"}
    assert taken.usage == Usage(7, 3)


async def test_a_late_owner_can_write_nothing(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream("w1")
    job = await harness.lease_one(stream)
    await harness.age(job)
    await harness.stream("w2").claim(0, 10)
    before = await _everything(harness, job)

    assert await stream.settle([settled(job)], now=time.time()) == {job.id: False}
    with pytest.raises(LeaseLost):
        await harness.attempts.keep(job, "cards/0", b"{}", Usage(7, 3))
    with pytest.raises(LeaseLost):
        await harness.attempts.append(job, [("progress", b"{}")], number=1, progress=(1, 2))
    assert await is_lost(harness, job, "w1")
    assert await _everything(harness, job) == before


async def _everything(
    harness: JobHarness, job: LeasedJob
) -> tuple[JobSnapshot, list[tuple[int, int]], object, object]:
    log = await harness.command("XRANGE", keys.job_events(0, job.id), "-", "+")
    return await harness.record(job.id), await harness.budget(), log, await harness.count_pending()


async def test_a_late_owner_that_renews_does_not_take_its_job_back(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream("w1"))
    await harness.age(job)
    await harness.stream("w2").claim(0, 10)

    assert await is_lost(harness, job, "w1")
    assert await harness.owners() == ["w2"]


async def test_a_reader_that_slept_before_its_lease_leaves_the_entry_to_who_claimed_it(
    harness: JobHarness,
) -> None:
    await harness.submit()
    sleeper = harness.stream("w1")
    await sleeper.ensure_groups()
    (entry,) = await sleeper.read(1, block=False)
    await harness.age_entry(entry.id, sleeper.stream)
    (taken,) = await harness.stream("w2").claim(0, 10)

    assert await sleeper.lease([entry]) == []
    assert await harness.owners() == ["w2"]
    await harness.age(taken, owner="w2")
    assert [one.attempt for one in await harness.stream("w3").claim(0, 10)] == [2]


@pytest.mark.parametrize("delay", [0, 30])
async def test_a_reader_that_slept_through_a_retry_cannot_lease_its_old_entry(
    harness: JobHarness, delay: float
) -> None:
    await harness.submit()
    sleeper, other = harness.stream("w1"), harness.stream("w2")
    await sleeper.ensure_groups()
    (entry,) = await sleeper.read(1, block=False)
    await harness.age_entry(entry.id, sleeper.stream)
    (taken,) = await other.claim(0, 10)
    now = time.time()
    retried = settled(taken, state=JobState.QUEUED, problem=Problem("provider_busy"), retry_at=now + delay)
    await other.settle([retried], now=now)

    assert await sleeper.lease([entry]) == []
    await harness.command("ZADD", keys.due(0), "XX", 1, taken.id)
    await harness.maintenance_store.promote(0)
    assert [one.attempt for one in await harness.lease(other)] == [2]


async def test_renewing_keeps_a_lease_from_being_stale(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream("w1"))
    await harness.age(job)

    assert not await is_lost(harness, job, "w1")
    assert await harness.stream("w2").claim(0, 10) == []


async def test_a_job_read_but_never_leased_is_claimed_without_a_crash(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream("w1")
    await stream.ensure_groups()
    (entry,) = await stream.read(1, block=False)
    await harness.age_entry(entry.id, stream.stream)

    (taken,) = await harness.stream("w2").claim(0, 10)
    assert (taken.attempt, taken.crashes) == (1, 0)


@pytest.mark.slow
async def test_an_orphan_behind_many_live_entries_is_reached(harness: JobHarness) -> None:
    harness.policy = JobPolicy(claim_scan_entries=100)
    plan = make_plan(concurrent_jobs=1_000)
    for _ in range(300):
        await harness.submit(plan=plan)
    stream = harness.stream("w1")
    await stream.ensure_groups()
    leased = [one for _ in range(3) for one in await harness.lease(stream)]
    await harness.age(leased[-1])

    sweeper, claimed = harness.stream("w2"), list[str]()
    for _ in range(300 // 100 + 1):
        claimed += [one.id for one in await sweeper.claim(0, 10)]
    assert claimed == [leased[-1].id]


async def test_deleted_entries_among_the_pending_are_tolerated(harness: JobHarness) -> None:
    await harness.submit()
    await harness.submit()
    leased = await harness.lease(harness.stream("w1"))
    for one in leased:
        await harness.age(one)
    await harness.command("XDEL", keys.work_stream(0, leased[0].stream), leased[0].entry)

    claimed = await harness.stream("w2").claim(0, 10)
    assert [one.id for one in claimed] == [leased[1].id]
    assert await harness.count_pending() == 1


async def test_a_job_that_kills_every_owner_becomes_a_dead_letter(harness: JobHarness) -> None:
    submitted = await harness.submit()
    job = await harness.lease_one(harness.stream("w1"))
    for crash in range(1, 3):
        await harness.age(job, owner=f"w{crash}")
        (taken,) = await harness.stream(f"w{crash + 1}").claim(0, 10)
        job = taken
    await harness.age(job, owner="w3")
    assert await harness.stream("w4").claim(0, 10) == []

    record = await harness.record(submitted.id)
    assert record.state is JobState.FAILED
    assert record.problem is not None
    assert record.problem.code == "worker_crashed"
    assert [letter.id for letter in await harness.dead_letters.list(limit=10)] == [submitted.id]
    assert await harness.budget() == [(0, 0), (0, 0)]
    assert (await harness.count_entries(), await harness.count_pending()) == (0, 0)
    assert [row.id for row in await harness.maintenance_store.unsaved(0)] == [submitted.id]


async def test_one_sweeper_at_a_time_and_a_dead_one_only_for_an_interval(real_harness: JobHarness) -> None:
    first, second = real_harness.stream("w1"), real_harness.stream("w2")
    await real_harness.submit()
    assert await first.sweep(0, interval_seconds=60) is not None
    assert await second.sweep(0, interval_seconds=60) is None
    await real_harness.command("PEXPIRE", keys.sweep(0, first.stream), 0)
    assert await second.sweep(0, interval_seconds=0.05) is not None


async def test_after_nobody_could_renew_owners_get_time_before_anything_is_claimed(
    harness: JobHarness,
) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream("w1"))
    await harness.age(job)
    sweeper = harness.stream("w2")
    found = await sweeper.sweep(0, interval_seconds=0.001)
    assert found is not None
    assert (found.entries, found.may_claim) == (1, False)


async def test_consumers_that_are_gone_and_hold_nothing_are_forgotten(harness: JobHarness) -> None:
    await harness.submit()
    holder, idler = harness.stream("holder"), harness.stream("idler")
    await harness.lease_one(holder)
    await idler.read(1, block=False)

    assert await holder.forget(idle_seconds=-1) <= 1
    names = [one["name"] for one in await harness.command("XINFO CONSUMERS", holder.key(0), keys.GROUP)]
    assert b"holder" in names
    assert await harness.count_pending() == 1


async def test_an_attempt_that_a_lost_write_let_be_leased_twice_has_one_owner(harness: JobHarness) -> None:
    """As after a failover to a node that had not heard of the first lease."""
    await harness.submit()
    job = await harness.lease_one(harness.stream("w1"))
    await harness.command("HSET", keys.record(0, job.id), "owner", "w2")
    assert await is_lost(harness, job, "w1")
    assert not await is_lost(harness, job, "w2")
