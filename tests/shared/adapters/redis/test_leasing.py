"""One owner at a time: lease, renew, claim, and what a late owner can still do, which is nothing."""

import time

import pytest
from tests.factories import ADA, make_plan
from tests.job_life import JobLife, settled

from shared.adapters.redis import keys, scripts
from shared.domain.errors import LeaseLost, Problem
from shared.domain.jobs.job import JobState, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.usage import Usage


async def is_lost(life: JobLife, job: LeasedJob, owner: str) -> bool:
    """One renewal by an owner; whether it is told that the lease is lost."""
    key = keys.work_stream(job.shard, job.stream)
    (answer,) = await scripts.run(life.redis, scripts.RENEW, key, owner, job.entry, job.id, job.attempt)
    return answer == 0


async def test_the_first_lease_is_attempt_one(life: JobLife) -> None:
    submitted = await life.submit()
    job = await life.lease_one(life.stream())

    assert (job.id, job.user, job.attempt, job.payload) == (submitted.id, ADA, 1, submitted.payload)
    record = await life.record(job.id)
    assert (record.state, record.attempt) == (JobState.RUNNING, 1)
    assert record.started_at > 0


async def test_jobs_queued_before_the_first_worker_came_are_read(life: JobLife) -> None:
    jobs = [await life.submit() for _ in range(3)]
    leased = await life.lease(life.stream())
    assert [one.id for one in leased] == [job.id for job in jobs]


async def test_a_lease_asked_twice_is_the_same_attempt(life: JobLife) -> None:
    await life.submit()
    stream = life.stream()
    await stream.ensure_groups()
    entries = await stream.read(1, block=False)

    (first,), (again,) = await stream.lease(entries), await stream.lease(entries)
    assert (first.attempt, again.attempt) == (1, 1)


async def test_a_cancelled_job_is_skipped_and_its_entry_is_gone(life: JobLife) -> None:
    job = await life.submit()
    stream = life.stream()
    await stream.ensure_groups()
    entries = await stream.read(1, block=False)
    await life.store.cancel(ADA, job.id)

    assert await stream.lease(entries) == []
    assert (await life.count_entries(), await life.count_pending()) == (0, 0)


async def test_an_entry_without_a_record_is_removed(life: JobLife) -> None:
    job = await life.submit()
    await life.command("DEL", keys.record(0, job.id))
    assert await life.lease(life.stream()) == []
    assert (await life.count_entries(), await life.count_pending()) == (0, 0)


async def test_a_live_lease_is_not_taken(life: JobLife) -> None:
    await life.submit()
    await life.lease_one(life.stream("w1"))
    assert await life.stream("w2").claim(0, 10) == []


async def test_a_stale_lease_goes_to_another_attempt_with_what_was_paid(life: JobLife) -> None:
    await life.submit()
    job = await life.lease_one(life.stream("w1"))
    await life.steps.keep(job, "cards/0", b"{}", Usage(7, 3))
    await life.age(job)

    (taken,) = await life.stream("w2").claim(0, 10)
    assert (taken.id, taken.attempt, taken.crashes) == (job.id, 2, 1)
    assert taken.steps == {"cards/0": b"{}"}
    assert taken.usage == Usage(7, 3)


async def test_a_late_owner_can_write_nothing(life: JobLife) -> None:
    await life.submit()
    stream = life.stream("w1")
    job = await life.lease_one(stream)
    await life.age(job)
    await life.stream("w2").claim(0, 10)
    before = await _everything(life, job)

    assert await stream.settle([settled(job)], now=time.time()) == {job.id: False}
    with pytest.raises(LeaseLost):
        await life.steps.keep(job, "cards/0", b"{}", Usage(7, 3))
    with pytest.raises(LeaseLost):
        await life.steps.append(job, [("progress", b"{}")], number=1, progress=(1, 2))
    assert await is_lost(life, job, "w1")
    assert await _everything(life, job) == before


async def _everything(
    life: JobLife, job: LeasedJob
) -> tuple[JobSnapshot, list[tuple[int, int]], object, object]:
    log = await life.command("XRANGE", keys.job_events(0, job.id), "-", "+")
    return await life.record(job.id), await life.budget(), log, await life.count_pending()


async def test_a_late_owner_that_renews_does_not_take_its_job_back(life: JobLife) -> None:
    await life.submit()
    job = await life.lease_one(life.stream("w1"))
    await life.age(job)
    await life.stream("w2").claim(0, 10)

    assert await is_lost(life, job, "w1")
    assert await life.owners() == ["w2"]


async def test_a_reader_that_slept_before_its_lease_leaves_the_entry_to_who_claimed_it(life: JobLife) -> None:
    await life.submit()
    sleeper = life.stream("w1")
    await sleeper.ensure_groups()
    (entry,) = await sleeper.read(1, block=False)
    await life.age_entry(entry.id, sleeper.stream)
    (taken,) = await life.stream("w2").claim(0, 10)

    assert await sleeper.lease([entry]) == []
    assert await life.owners() == ["w2"]
    await life.age(taken, owner="w2")
    assert [one.attempt for one in await life.stream("w3").claim(0, 10)] == [2]


@pytest.mark.parametrize("delay", [0, 30])
async def test_a_reader_that_slept_through_a_retry_cannot_lease_its_old_entry(
    life: JobLife, delay: float
) -> None:
    await life.submit()
    sleeper, other = life.stream("w1"), life.stream("w2")
    await sleeper.ensure_groups()
    (entry,) = await sleeper.read(1, block=False)
    await life.age_entry(entry.id, sleeper.stream)
    (taken,) = await other.claim(0, 10)
    now = time.time()
    retried = settled(taken, state=JobState.QUEUED, problem=Problem("provider_busy"), retry_at=now + delay)
    await other.settle([retried], now=now)

    assert await sleeper.lease([entry]) == []
    await life.command("ZADD", keys.due(0), "XX", 1, taken.id)
    await life.room.promote(0)
    assert [one.attempt for one in await life.lease(other)] == [2]


async def test_renewing_keeps_a_lease_from_being_stale(life: JobLife) -> None:
    await life.submit()
    job = await life.lease_one(life.stream("w1"))
    await life.age(job)

    assert not await is_lost(life, job, "w1")
    assert await life.stream("w2").claim(0, 10) == []


async def test_a_job_read_but_never_leased_is_claimed_without_a_crash(life: JobLife) -> None:
    await life.submit()
    stream = life.stream("w1")
    await stream.ensure_groups()
    (entry,) = await stream.read(1, block=False)
    await life.age_entry(entry.id, stream.stream)

    (taken,) = await life.stream("w2").claim(0, 10)
    assert (taken.attempt, taken.crashes) == (1, 0)


@pytest.mark.slow
async def test_an_orphan_behind_many_live_entries_is_reached(life: JobLife) -> None:
    life.policy = JobPolicy(claim_scan_entries=100)
    plan = make_plan(concurrent_jobs=1_000)
    for _ in range(300):
        await life.submit(plan=plan)
    stream = life.stream("w1")
    await stream.ensure_groups()
    leased = [one for _ in range(3) for one in await life.lease(stream)]
    await life.age(leased[-1])

    sweeper, claimed = life.stream("w2"), list[str]()
    for _ in range(300 // 100 + 1):
        claimed += [one.id for one in await sweeper.claim(0, 10)]
    assert claimed == [leased[-1].id]


async def test_deleted_entries_among_the_pending_are_tolerated(life: JobLife) -> None:
    await life.submit()
    await life.submit()
    leased = await life.lease(life.stream("w1"))
    for one in leased:
        await life.age(one)
    await life.command("XDEL", keys.work_stream(0, leased[0].stream), leased[0].entry)

    claimed = await life.stream("w2").claim(0, 10)
    assert [one.id for one in claimed] == [leased[1].id]
    assert await life.count_pending() == 1


async def test_a_job_that_kills_every_owner_becomes_a_dead_letter(life: JobLife) -> None:
    submitted = await life.submit()
    job = await life.lease_one(life.stream("w1"))
    for crash in range(1, 3):
        await life.age(job, owner=f"w{crash}")
        (taken,) = await life.stream(f"w{crash + 1}").claim(0, 10)
        job = taken
    await life.age(job, owner="w3")
    assert await life.stream("w4").claim(0, 10) == []

    record = await life.record(submitted.id)
    assert record.state is JobState.FAILED
    assert record.problem is not None
    assert record.problem.code == "worker_crashed"
    assert [letter.id for letter in await life.dead.list(limit=10)] == [submitted.id]
    assert await life.budget() == [(0, 0), (0, 0)]
    assert (await life.count_entries(), await life.count_pending()) == (0, 0)
    assert [row.id for row in await life.room.unsaved(0)] == [submitted.id]


async def test_one_sweeper_at_a_time_and_a_dead_one_only_for_an_interval(real_life: JobLife) -> None:
    first, second = real_life.stream("w1"), real_life.stream("w2")
    await real_life.submit()
    assert await first.sweep(0, interval_seconds=60) is not None
    assert await second.sweep(0, interval_seconds=60) is None
    await real_life.command("PEXPIRE", keys.sweep(0, first.stream), 0)
    assert await second.sweep(0, interval_seconds=0.05) is not None


async def test_after_nobody_could_renew_owners_get_time_before_anything_is_claimed(life: JobLife) -> None:
    await life.submit()
    job = await life.lease_one(life.stream("w1"))
    await life.age(job)
    sweeper = life.stream("w2")
    found = await sweeper.sweep(0, interval_seconds=0.001)
    assert found is not None
    assert (found.entries, found.may_claim) == (1, False)


async def test_consumers_that_are_gone_and_hold_nothing_are_forgotten(life: JobLife) -> None:
    await life.submit()
    holder, idler = life.stream("holder"), life.stream("idler")
    await life.lease_one(holder)
    await idler.read(1, block=False)

    assert await holder.forget(idle_seconds=-1) <= 1
    names = [one["name"] for one in await life.command("XINFO CONSUMERS", holder.key(0), keys.GROUP)]
    assert b"holder" in names
    assert await life.count_pending() == 1


async def test_an_attempt_that_a_lost_write_let_be_leased_twice_has_one_owner(life: JobLife) -> None:
    """As after a failover to a node that had not heard of the first lease."""
    await life.submit()
    job = await life.lease_one(life.stream("w1"))
    await life.command("HSET", keys.record(0, job.id), "owner", "w2")
    assert await is_lost(life, job, "w1")
    assert not await is_lost(life, job, "w2")
