"""A process knows the server's time even if its own clock is wrong."""

import time

from tests.job_harness import JobHarness

from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.jobs.job import StreamName
from shared.runtime.worker.server_clock import ServerClock

WRONG = 300.0


def wrong_clock() -> float:
    return time.time() - WRONG


async def test_a_lease_sets_the_clock(real_harness: JobHarness) -> None:
    clock = ServerClock(clock=wrong_clock, monotonic=time.monotonic)
    stream = JobStream(
        real_harness.redis,
        real_harness.redis,
        StreamName.AI,
        consumer="w1",
        shards=1,
        policy=real_harness.policy,
        on_time=clock.set,
    )
    assert abs(clock.now() - wrong_clock()) < 1

    await real_harness.submit()
    await real_harness.lease(stream)

    assert abs(clock.now() - time.time()) < WRONG / 10


def test_the_clock_runs_on_between_leases() -> None:
    now = 5.0
    clock = ServerClock(clock=lambda: 0.0, monotonic=lambda: now)
    clock.set(1_000.0)
    now = 7.5
    assert clock.now() == 1_002.5
