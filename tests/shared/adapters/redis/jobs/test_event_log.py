"""What a listener is told: everything, in order, once; whatever happens to the connection in between."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, BOB
from tests.job_harness import JobHarness, settled

from shared.adapters.redis.jobs.event_log import EventLog
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.events import Event
from shared.domain.jobs.job import JobId, LeasedJob

HEARTBEAT = 5.0


@asynccontextmanager
async def listening(harness: JobHarness) -> AsyncGenerator[EventLog]:
    event_log = EventLog(harness.redis, shards=harness.shards)
    running = asyncio.create_task(event_log.run())
    try:
        yield event_log
    finally:
        running.cancel()
        await asyncio.wait([running])


async def collect(
    event_log: EventLog, count: int, *, job_id: JobId | None = None, after: str | None = None
) -> list[Event]:
    told: list[Event] = []
    tail = event_log.tail(ADA, job_id=job_id, after=after, heartbeat_seconds=HEARTBEAT)
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(tail):
        async for event in tail:
            if event is not None:
                told.append(event)
            if len(told) == count:
                break
    return told


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


async def tell(harness: JobHarness, job: LeasedJob, count: int, *, first: int = 1) -> None:
    for number in range(first, first + count):
        await harness.attempts.append(job, [("progress", str(number).encode())], number=number, progress=None)


async def test_a_listener_hears_what_was_and_then_what_happens(harness: JobHarness) -> None:
    await harness.submit()
    stream = harness.stream()
    async with listening(harness) as event_log:
        hearing = asyncio.create_task(collect(event_log, 4))
        job = await harness.lease_one(stream)
        await tell(harness, job, 1)
        await stream.settle([settled(job)], now=0)
        told = await hearing

    assert names(told) == ["status", "status", "progress", "done"]
    assert [event.id for event in told] == sorted({event.id for event in told}, key=_number)
    assert all(event.job_id == job.id for event in told)


async def test_a_jobs_tail_ends_after_its_last_event(harness: JobHarness) -> None:
    submitted = await harness.submit()
    await harness.submit()
    stream = harness.stream()
    async with listening(harness) as event_log:
        first, _ = await harness.lease(stream)
        await stream.settle([settled(first)], now=0)
        tail = event_log.tail(ADA, job_id=submitted.id, heartbeat_seconds=HEARTBEAT)
        told = [event async for event in tail if event]
    assert names(told) == ["status", "status", "done"]
    assert {event.job_id for event in told} == {submitted.id}


async def test_a_listener_that_comes_back_goes_on_where_it_was(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream())
    await tell(harness, job, 5)
    async with listening(harness) as event_log:
        before = await collect(event_log, 4)
    await tell(harness, job, 2, first=6)
    async with listening(harness) as event_log:
        after = await collect(event_log, 5, after=before[-1].id)
    assert [event.data for event in (before + after)[2:]] == [str(i).encode() for i in range(1, 8)]


async def test_the_job_log_and_the_users_log_agree_on_ids(harness: JobHarness) -> None:
    submitted = await harness.submit()
    await harness.lease_one(harness.stream())
    async with listening(harness) as event_log:
        of_user = await collect(event_log, 2)
        of_job = await collect(event_log, 2, job_id=submitted.id)
    assert of_user == of_job


async def test_nobody_hears_another_users_events(harness: JobHarness) -> None:
    await harness.submit(user=BOB)
    submitted = await harness.submit()
    async with listening(harness) as event_log:
        told = await collect(event_log, 1)
    assert [event.job_id for event in told] == [submitted.id]


async def test_a_quiet_time_is_a_heartbeat(harness: JobHarness) -> None:
    async with listening(harness) as event_log:
        tail = event_log.tail(ADA, heartbeat_seconds=0.05)
        async with asyncio.timeout(DEADLINE_SECONDS), aclosing(tail):
            assert await anext(tail) is None


async def test_many_listeners_share_one_connection_and_leave_nothing(real_harness: JobHarness) -> None:
    await real_harness.submit()
    async with listening(real_harness) as event_log:
        hearing = [asyncio.create_task(collect(event_log, 3)) for _ in range(200)]
        await asyncio.sleep(0)  # all of them begin
        assert event_log.listeners == 200
        job = await real_harness.lease_one(real_harness.stream())
        await tell(real_harness, job, 1)
        told = await asyncio.gather(*hearing)
        clients = await real_harness.command("CLIENT LIST")
        assert sum(client["sub"] != "0" for client in clients) == 1
        assert event_log.listeners == 0
    assert all(one == told[0] for one in told)


async def test_a_connection_that_is_killed_loses_and_repeats_nothing(real_harness: JobHarness) -> None:
    await real_harness.submit()
    job = await real_harness.lease_one(real_harness.stream())
    async with listening(real_harness) as event_log:
        hearing = asyncio.create_task(collect(event_log, 62))
        for turn in range(3):
            await tell(real_harness, job, 20, first=1 + 20 * turn)
            await real_harness.command("CLIENT", "KILL", "TYPE", "pubsub")
        told = await hearing
    assert [event.data for event in told[2:]] == [str(i).encode() for i in range(1, 61)]


async def test_a_listener_slower_than_its_queue_loses_nothing(
    harness: JobHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.redis.jobs.event_log.QUEUE", 3)
    await harness.submit()
    job = await harness.lease_one(harness.stream())
    async with listening(harness) as event_log:
        tail = event_log.tail(ADA, heartbeat_seconds=HEARTBEAT)
        async with asyncio.timeout(DEADLINE_SECONDS), aclosing(tail):
            told = [await anext(tail)]
            await tell(harness, job, 30)
            told += [await anext(tail) for _ in range(31)]
    assert [event.data for event in told[2:] if event] == [str(i).encode() for i in range(1, 31)]


async def test_listening_without_redis_says_so(real_harness: JobHarness) -> None:
    event_log = EventLog(real_harness.redis, shards=1)  # and nobody runs it
    tail = event_log.tail(ADA, heartbeat_seconds=0.1)
    with pytest.raises(StoreUnavailable):
        await anext(tail)


def _number(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-"))
