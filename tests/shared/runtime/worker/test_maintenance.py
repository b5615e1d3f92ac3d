"""Maintenance claims the jobs of dead workers before new ones run, and promotes retries on time."""

import asyncio
import time

from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.job_harness import SUMMARY, JobHarness, succeed

from shared.adapters.redis import keys
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobState, StreamName
from shared.domain.jobs.outcome import Outcome, Retry
from shared.domain.jobs.payload import JobInput
from shared.domain.provider_errors import ProviderBusy
from shared.runtime.worker.maintenance.maintenance import MIN_PAUSE_FRACTION


async def test_a_sweep_runs_the_jobs_of_a_dead_worker(harness: JobHarness) -> None:
    job = await harness.submit()
    leased = await harness.lease_one(harness.stream("dead"))
    worker = harness.worker(consumer="w2")
    await harness.swept_just_now()
    await harness.age(leased, owner="dead")
    await worker.maintenance.sweep()
    await worker.slots.wait_until_idle()
    record = await harness.record(job.id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 2)


async def test_jobs_of_a_dead_worker_come_before_a_backlog(harness: JobHarness) -> None:
    """All slots are taken at the time of the sweep, so the job is claimed for the next slot that is freed."""
    struck = await harness.submit()
    leased = await harness.lease_one(harness.stream("dead"))
    backlog = [await harness.submit() for _ in range(4)]
    ran = list[str]()
    first_runs, may_end, all_ran = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def note(job_input: JobInput, context: AttemptContext) -> Outcome:
        ran.append(context.job.id)
        first_runs.set()
        if len(ran) > len(backlog):
            all_ran.set()
        await may_end.wait()
        return await succeed(job_input, context)

    worker = harness.worker(note, consumer="w2", concurrency=1)
    await harness.swept_just_now()
    await harness.age(leased, owner="dead")
    running = asyncio.create_task(worker.consumer.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        await first_runs.wait()
        await worker.maintenance.sweep()
        may_end.set()
        await all_ran.wait()
        worker.consumer.stop()
        await running
    assert ran == [backlog[0].id, struck.id, *(job.id for job in backlog[1:])]


async def test_a_lone_worker_is_not_blocked_by_its_own_sweep_lock(real_harness: JobHarness) -> None:
    """If its own lock blocked it, its pauses would grow until they looked like an outage."""
    real_harness.policy = replace(real_harness.policy, sweep_seconds=0.2, idle_sweep_seconds=60.0)
    await real_harness.submit()
    await real_harness.lease_one(real_harness.stream("w1"))
    maintenance = real_harness.worker().maintenance
    for _ in range(5):
        assert await maintenance.sweep() == 0.2
        await asyncio.sleep(0.2 * MIN_PAUSE_FRACTION)  # the shortest pause there is
        assert await real_harness.command("EXISTS", keys.sweep(0, StreamName.AI)) == 0


async def test_a_retry_runs_on_time_between_two_sweeps(real_harness: JobHarness) -> None:
    real_harness.policy = replace(
        real_harness.policy, sweep_seconds=10 * DEADLINE_SECONDS, idle_sweep_seconds=10 * DEADLINE_SECONDS
    )
    began = list[float]()

    async def retry_once(job_input: JobInput, context: AttemptContext) -> Outcome:
        began.append(time.monotonic())
        return Retry(ProviderBusy().problem, after=0.3) if len(began) == 1 else SUMMARY

    job = await real_harness.submit()
    worker = real_harness.worker(retry_once)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert (await real_harness.final(job.id)).state is JobState.SUCCEEDED
        worker.consumer.stop()
        await running
    assert began[1] - began[0] >= 0.3
