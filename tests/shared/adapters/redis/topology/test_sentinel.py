"""Real sentinels, a real primary that is killed or hangs, and a job life that goes on at its successor."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, make_submission
from tests.job_harness import JobHarness, settled, succeed
from tests.redis_sentinel import WatchedRedis
from tests.servers import MACHINE, VALKEY, WHEEL, Servers, WatchedPlace

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.connection import call, connect, is_away
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.topology.sentinel import is_sentinel, read_url
from shared.domain.errors import StoreUnavailable
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobState, StreamName
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput
from shared.runtime.worker.store_retry import until_available


@pytest.fixture(params=[WHEEL, MACHINE, VALKEY])
async def harness(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[JobHarness]:
    with skipped_without_server():
        place = await asyncio.to_thread(servers.watched, request.param)
    client = place.connect()
    harness = JobHarness(place, client)
    yield harness
    await harness.close()
    await client.aclose()
    place.watched.stop()


def watched(harness: JobHarness) -> WatchedRedis:
    return cast(WatchedPlace, harness.place).watched


def test_a_url_names_the_sentinels_and_what_they_watch() -> None:
    read = read_url("rediss+sentinel://ada:s%40cret@one:7000,two,[::1]:7001/etude?sentinel_password=other")
    assert read.sentinels == [("one", 7000), ("two", 26379), ("::1", 7001)]
    assert (read.name, read.is_tls) == ("etude", True)
    assert read.credentials == {"username": "ada", "password": "s@cret"}
    assert read.sentinel_credentials == {"password": "other"}
    assert read_url("redis+sentinel://one/etude").credentials == {}
    assert is_sentinel("redis+sentinel://one/etude")
    assert not is_sentinel("redis://one/0")


@pytest.mark.parametrize("url", ["redis+sentinel://:secret@one:7000", "redis+sentinel:///etude"])
def test_a_url_without_hosts_or_a_name_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="names its hosts") as refused:
        read_url(url)
    assert "secret" not in str(refused.value)


async def test_after_the_primary_is_killed_jobs_run_are_accepted_and_heard_of_at_its_successor(
    harness: JobHarness,
) -> None:
    servers, is_running, may_end = watched(harness), asyncio.Event(), asyncio.Event()

    async def wait_for_word(job_input: JobInput, context: AttemptContext) -> Outcome:
        is_running.set()
        await may_end.wait()
        return await succeed(job_input, context)

    event_log = EventLog(harness.redis, shards=1)
    listening = asyncio.create_task(event_log.run())
    lease_renewer = harness.lease_renewer()
    consumer = harness.consumer(wait_for_word, lease_renewer=lease_renewer)
    lease_renewer.start()
    working = asyncio.create_task(consumer.run())
    first = await harness.submit()
    hearing = asyncio.create_task(_hear(event_log, jobs=2))
    await is_running.wait()

    # What the replica does not have yet is lost; how much that can be is measured elsewhere.
    primary = servers.primary
    await asyncio.to_thread(primary.ask, "WAIT", 1, 5_000)
    primary.process.kill()
    with pytest.raises(StoreUnavailable):
        await harness.submit()
    await asyncio.to_thread(servers.wait_for_successor, primary)
    second = await until_available(harness.submit, seconds=DEADLINE_SECONDS)

    # The running job ends there at its first attempt, the blocked reader reads on, and the listener misses nothing.
    may_end.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert sorted(await hearing) == sorted([first.id, second.id])
    for job in (first, second):
        record = await harness.record(job.id)
        assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)
    await asyncio.to_thread(lease_renewer.renew)
    consumer.stop()
    await working
    await lease_renewer.stop()
    listening.cancel()
    await asyncio.wait([listening])


async def test_a_primary_that_hung_takes_no_late_write_and_follows_its_successor(harness: JobHarness) -> None:
    servers = watched(harness)
    for server in servers.servers:
        server.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    job = await harness.submit()
    leased = await harness.lease_one(harness.stream("late"))
    old = servers.primary
    straight = connect(servers.url_of(old), name="late")
    await call(straight, "PING")
    store = JobStore(straight, shards=1)

    await asyncio.to_thread(old.ask, "WAIT", 1, 5_000)
    old.process.pause()
    await asyncio.to_thread(servers.wait_for_successor, old)
    new = connect(servers.url_of(servers.primary), name="new")
    await call(new, "CONFIG", "SET", "min-replicas-to-write", 0)  # nobody follows it yet
    await until_available(lambda: harness.age(leased, owner="late"), seconds=DEADLINE_SECONDS)
    (claimed,) = await harness.stream("next").claim(0, 10)
    assert (claimed.id, claimed.attempt) == (job.id, 2)

    # Its owner wakes with its connection to the old one, which has no replica and soon is one.
    old.process.resume()
    refusals = 0
    while old.role == "master":
        with pytest.raises(StoreUnavailable):
            await store.submit(make_submission(), now=time.time())
        refusals += 1
    assert refusals > 0
    with pytest.raises(StoreUnavailable):
        await store.submit(make_submission(), now=time.time())
    # By the sentinels it finds the new one, which refuses it as any late owner.
    late = harness.stream("late")
    assert await late.settle([settled(leased)], now=0) == {job.id: False}
    assert await harness.stream("next").settle([settled(claimed)], now=0) == {job.id: True}
    await straight.aclose()
    await new.aclose()


async def test_pooled_connections_leave_a_primary_that_was_demoted_without_being_told(
    harness: JobHarness,
) -> None:
    """The answer inside a script is enough, on every version."""
    servers = watched(harness)
    old, other = servers.primary, servers.replica
    renewing = harness.place.connect_sync()
    await harness.submit()
    leased = await harness.lease_one(harness.stream())
    lease = (leased.entry, leased.id, leased.attempt)
    assert scripts.run_sync(renewing, scripts.RENEW, keys.work_stream(0, StreamName.AI), "w1", *lease) == [1]
    for one in servers.sentinels:
        one.process.pause()  # so that they neither notice nor cut connections
    other.ask("REPLICAOF", "NO", "ONE")
    old.ask("REPLICAOF", "127.0.0.1", other.port)
    for one in servers.sentinels:
        one.process.resume()
    with pytest.raises(StoreUnavailable):
        await harness.submit()
    with pytest.raises(RedisConnectionError) as refused:
        await asyncio.to_thread(
            scripts.run_sync, renewing, scripts.RENEW, keys.work_stream(0, StreamName.AI), "w1", *lease
        )
    assert is_away(refused.value)
    renewing.close()


async def test_many_that_ask_at_once_ask_once_and_no_sentinel_is_forgotten(harness: JobHarness) -> None:
    servers = watched(harness)
    await asyncio.to_thread(servers.sentinels[0].process.kill)
    client = harness.place.connect()
    await asyncio.gather(*(call(client, "PING") for _ in range(40)))
    await asyncio.to_thread(servers.sentinels[1].process.kill)
    await cast(Any, client).connection_pool.disconnect()
    assert await asyncio.gather(*(call(client, "PING") for _ in range(40))) == [True] * 40
    await client.aclose()


async def _hear(event_log: EventLog, *, jobs: int) -> list[str]:
    """The ids of so many jobs, as their ends are told."""
    done: list[str] = []
    async with aclosing(event_log.tail(ADA, heartbeat_seconds=30)) as tail:
        async for event in tail:
            if event is not None and event.name == "done":
                done.append(event.job_id)
            if len(done) == jobs:
                break
    return done
