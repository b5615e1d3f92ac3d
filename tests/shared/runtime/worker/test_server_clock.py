"""The server's time in a process whose own clock is wrong."""

import time

from tests.job_life import JobLife

from shared.adapters.redis.job_stream import JobStream
from shared.domain.jobs.job import StreamName
from shared.runtime.worker.server_clock import ServerClock

WRONG = 300.0


def wrong_clock() -> float:
    return time.time() - WRONG


async def test_a_lease_sets_it(real_life: JobLife) -> None:
    clock = ServerClock(clock=wrong_clock, monotonic=time.monotonic)
    stream = JobStream(
        real_life.redis,
        real_life.redis,
        StreamName.AI,
        consumer="w1",
        shards=1,
        policy=real_life.policy,
        on_time=clock.set,
    )
    assert abs(clock.now() - wrong_clock()) < 1

    await real_life.submit()
    await real_life.lease(stream)

    assert abs(clock.now() - time.time()) < WRONG / 10


def test_it_goes_on_by_itself() -> None:
    now = 5.0
    clock = ServerClock(clock=lambda: 0.0, monotonic=lambda: now)
    clock.set(1_000.0)
    now = 7.5
    assert clock.now() == 1_002.5
