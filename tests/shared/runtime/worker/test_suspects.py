"""A job whose next crash would be its last runs beside no other such job (decision 20)."""

import asyncio

from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.job_harness import JobHarness, succeed

from shared.adapters.redis.connection import end
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobId, JobState, LeasedJob
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput


async def crash(harness: JobHarness, jobs: list[LeasedJob], owner: str) -> None:
    """Make the jobs look as if their owner had died: nobody renews their leases."""
    for job in jobs:
        await harness.age(job, owner=owner)


async def crash_twice(harness: JobHarness, count: int) -> list[JobId]:
    """Submit `count` jobs and let two owners die with all of them, so that all are suspects."""
    ids = [(await harness.submit()).id for _ in range(count)]
    leased = await harness.lease(harness.stream("w1"))
    await crash(harness, leased, "w1")
    claimed = await harness.stream("w2").claim(0, 100)
    assert len(claimed) == count
    await crash(harness, claimed, "w2")
    return ids


def ids_of(leased: list[LeasedJob]) -> list[JobId]:
    return [one.id for one in leased]


async def test_of_several_suspects_each_owner_gets_one(harness: JobHarness) -> None:
    first, second, third = await crash_twice(harness, 3)

    assert ids_of(await harness.stream("w3").claim(0, 100)) == [first]
    assert ids_of(await harness.stream("w3").claim(0, 100, with_suspect=False)) == []
    assert ids_of(await harness.stream("w4").claim(0, 100)) == [second]
    assert ids_of(await harness.stream("w5").claim(0, 100)) == [third]


async def test_a_suspect_that_waits_stays_with_its_dead_owner_and_may_be_claimed_at_once(
    harness: JobHarness,
) -> None:
    _, second = await crash_twice(harness, 2)
    await harness.stream("w3").claim(0, 1, with_suspect=False)

    assert await harness.owners() == ["w2", "w2"]
    assert (await harness.record(second)).state is JobState.RUNNING
    assert len(await harness.stream("w3").claim(0, 100)) == 1


async def test_only_the_job_that_kills_its_owners_becomes_a_dead_letter(harness: JobHarness) -> None:
    killer, *innocent = await crash_twice(harness, 4)
    done = set[JobId]()
    for number in range(3, 10):
        owner = f"w{number}"
        for one in await harness.stream(owner).claim(0, 100):
            if one.id == killer:
                await crash(harness, [one], owner)
            else:
                done.add(one.id)

    assert done == set(innocent)
    assert [letter.id for letter in await harness.dead_letters.list(limit=10)] == [killer]


async def test_other_jobs_of_a_dead_owner_are_claimed_together_with_a_suspect(harness: JobHarness) -> None:
    suspects = await crash_twice(harness, 2)
    fresh = [(await harness.submit()).id for _ in range(3)]
    await crash(harness, await harness.lease(harness.stream("w2")), "w2")

    assert ids_of(await harness.stream("w3").claim(0, 100)) == [suspects[0], *fresh]


async def test_the_next_suspect_is_claimed_as_soon_as_one_is_done(real_harness: JobHarness) -> None:
    harness = real_harness
    harness.policy = replace(harness.policy, sweep_seconds=10 * DEADLINE_SECONDS)
    ids = await crash_twice(harness, 3)
    together = list[int]()
    is_over = asyncio.Event()

    async def count(job_input: JobInput, context: AttemptContext) -> Outcome:
        together.append(len(worker.slots))
        if len(together) == len(ids):
            is_over.set()
        return await succeed(job_input, context)

    worker = harness.worker(count, consumer="w3")
    await harness.swept_just_now()
    sweeping = asyncio.create_task(worker.maintenance.run())
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await is_over.wait()
            await worker.slots.wait_until_idle()
    finally:
        await end(sweeping)
    assert together == [1, 1, 1]
    assert [(await harness.record(job_id)).state for job_id in ids] == [JobState.SUCCEEDED] * 3
