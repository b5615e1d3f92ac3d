"""What one server cannot show: jobs of eight shards on three nodes, and what happens when one of the nodes is killed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from msgspec.structs import replace
from redis.exceptions import ResponseError
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.job_harness import POLICY, JobHarness, settled
from tests.servers import ClusterPlace, Servers, flush

from shared.adapters.redis import keys
from shared.adapters.redis.connection import call, call_each, call_many
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.topology.cluster import Cluster, Slots, SyncCluster, is_cluster
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import JobState, UserId
from shared.domain.jobs.submission import Submission
from shared.runtime.worker.consumer import Consumer

SHARDS = 8
USERS = [UserId(f"user-{i}") for i in range(40)]
"""Enough to live in every shard."""


async def _harness(place: ClusterPlace, **policy: Any) -> AsyncIterator[JobHarness]:
    client = place.connect()
    await flush(client)
    harness = JobHarness(place, client, shards=SHARDS, policy=replace(POLICY, **policy))
    yield harness
    await harness.close()
    await client.aclose()


@pytest.fixture
async def harness(servers: Servers) -> AsyncIterator[JobHarness]:
    with skipped_without_server():
        place = servers.cluster()
    async for one in _harness(place, block_seconds=10 * DEADLINE_SECONDS):
        yield one


@pytest.fixture
async def fragile(servers: Servers) -> AsyncIterator[JobHarness]:
    """On a cluster of its own, with a replica for each node."""
    with skipped_without_server():
        place = servers.cluster(replicas=1)
    async for one in _harness(place):
        yield one
    place.cluster.stop()


def test_a_url_names_nodes_that_share_a_user_and_a_password() -> None:
    slots = Slots("rediss+cluster://ada:secret@one:7000,two:7001/")
    assert slots.informants() == ["rediss://ada:secret@one:7000", "rediss://ada:secret@two:7001"]
    assert is_cluster("redis+cluster://one:7000")
    assert not is_cluster("redis://one:7000")


def test_nodes_are_learnt_with_their_replicas_and_may_have_an_address_of_version_six_or_no_name() -> None:
    slots = Slots("redis+cluster://[::1]:7000")
    slots.learn(
        [(0, 9_999, [b"", 7000], [b"::2", 7003]), (10_000, 16_383, [b"two", 7001])], slots.informants()[0]
    )
    assert slots.primaries == ["redis://[::1]:7000", "redis://two:7001"]
    assert slots.informants() == ["redis://[::1]:7000", "redis://two:7001", "redis://[::2]:7003"]
    assert slots.informants(["redis://[::1]:7000"])[-1] == "redis://[::1]:7000"
    assert slots.owner(("GET", "foo")) == "redis://two:7001"  # slot 12182
    assert slots.owner(("EVALSHA", "sha", 1, "bar")) == "redis://[::1]:7000"  # slot 5061
    assert slots.owner(("PING",)) == "redis://[::1]:7000"


async def submit_all(harness: JobHarness) -> list[Submission]:
    """One job of each user, all at once."""
    return await asyncio.gather(*(harness.submit(user=user) for user in USERS))


async def test_jobs_of_every_shard_are_accepted_run_and_leave_nothing(harness: JobHarness) -> None:
    jobs = await submit_all(harness)
    assert {harness.store.shard_of(job.user) for job in jobs} == set(range(SHARDS))
    assert await harness.consumer().drain() == len(jobs)
    assert {(await harness.record(job.id, job.user)).state for job in jobs} == {JobState.SUCCEEDED}
    for shard in range(SHARDS):
        assert (await harness.count_entries(shard=shard), await harness.count_pending(shard=shard)) == (0, 0)
    assert {held for user in USERS for _, held in await harness.budget(user)} == {0}


async def test_the_shards_live_on_all_three_nodes(harness: JobHarness) -> None:
    await submit_all(harness)
    found = await harness.command_everywhere("KEYS", "*:stream:ai")
    assert sum(len(names) for names in found) == SHARDS
    assert all(found)


async def test_a_blocked_read_is_ended_by_a_job_of_any_shard(harness: JobHarness) -> None:
    stream = harness.stream()
    await stream.ensure_groups()
    for user in {harness.store.shard_of(user): user for user in USERS}.values():
        reading = asyncio.create_task(stream.read(100, block=True))
        job = await harness.submit(user=user)
        async with asyncio.timeout(DEADLINE_SECONDS):  # the block is ten times as long
            (entry,) = await reading
        assert (entry.job_id, entry.shard) == (job.id, harness.store.shard_of(user))


async def test_reads_while_jobs_arrive_take_no_more_than_asked_and_lose_none(harness: JobHarness) -> None:
    stream = harness.stream()
    await stream.ensure_groups()
    submitting = asyncio.gather(*(harness.submit(user=user) for user in USERS * 5))
    read: Counter[str] = Counter()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(read) < 5 * len(USERS):
            entries = await stream.read(10, block=True)
            assert len(entries) <= 10
            read.update(entry.job_id for entry in entries)
    assert set(read) == {job.id for job in await submitting}
    assert set(read.values()) == {1}
    assert sum([await harness.count_pending(shard=shard) for shard in range(SHARDS)]) == len(read)


async def test_waking_ends_the_reads_of_all_shards(harness: JobHarness) -> None:
    stream = harness.stream()
    await stream.ensure_groups()
    reading = asyncio.create_task(stream.read(100, block=True))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not reading.done():
            await stream.wake()
    assert await reading == []


async def test_leases_of_every_shard_are_renewed_by_one_thread(harness: JobHarness) -> None:
    await submit_all(harness)
    stream, lease_renewer = harness.stream(), harness.lease_renewer()
    leased = await harness.lease(stream)
    assert len(leased) == len(USERS)
    for one in leased:
        await harness.age(one)
        lease_renewer.hold(one, lambda: None)
    await asyncio.to_thread(lease_renewer.renew)
    for shard in range(SHARDS):
        assert await harness.stream("w2").claim(shard, 100) == []


async def test_a_client_with_an_old_view_of_the_cluster_is_sent_on(harness: JobHarness) -> None:
    await call(harness.redis, "SET", "{s0}:n", 1)
    slots = cast(Cluster, cast(Any, harness.redis)).slots
    sent_on = 0
    for one in slots.primaries:
        host, _, port = one.rpartition("@")[2].partition(":")
        believed = [(0, 16_383, [host.encode(), int(port)])]
        slots.learn(believed, one)
        assert await call_many(harness.redis, [("GET", "{s0}:n"), ("EXISTS", "{s1}:n")]) == [b"1", 0]
        slots.learn(believed, one)
        assert await call(harness.redis, "GET", "{s0}:n") == b"1"
        sent_on += len(slots.primaries) == 3
    assert sent_on == 2


async def test_the_renewal_thread_is_sent_on_too(harness: JobHarness) -> None:
    renewing = cast(SyncCluster, cast(Any, harness.place.connect_sync()))
    for node in cast(ClusterPlace, harness.place).cluster.nodes:
        renewing.slots.learn([(0, 16_383, [b"127.0.0.1", node.port])], "")
        assert await asyncio.to_thread(renewing.execute_command, "SET", "{s0}:n", 1)
    renewing.close()


async def test_a_node_that_hangs_does_not_keep_the_others_jobs(harness: JobHarness) -> None:
    cluster = cast(ClusterPlace, harness.place).cluster
    stream = harness.stream()
    await stream.ensure_groups()
    hung = cluster.owner(keys.tag(harness.store.shard_of(USERS[0])))
    user = next(user for user in USERS if cluster.owner(keys.tag(harness.store.shard_of(user))) is not hung)
    reading = asyncio.create_task(stream.read(100, block=True))
    job = await harness.submit(user=user)
    assert [entry.job_id for entry in await reading] == [job.id]
    hung.process.pause()
    try:
        reading = asyncio.create_task(stream.read(100, block=True))
        job = await harness.submit(user=user)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert [entry.job_id for entry in await reading] == [job.id]
    finally:
        hung.process.resume()
    later = await harness.submit(user=USERS[0])
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert [entry.job_id for entry in await stream.read(100, block=True)] == [later.id]


async def test_an_error_is_the_answer_of_its_own_command(harness: JobHarness) -> None:
    wrong, right = await call_each(harness.redis, [("INCR", "{s0}:n", "too many"), ("INCR", "{s1}:n")])
    assert isinstance(wrong, ResponseError)
    assert right == 1
    with pytest.raises(ResponseError):
        await call_many(harness.redis, [("INCR", "{s0}:n", "too many"), ("INCR", "{s1}:n")])


async def test_after_a_node_is_killed_its_jobs_are_claimed_read_and_heard_of_on_its_successor(
    fragile: JobHarness,
) -> None:
    cluster = cast(ClusterPlace, fragile.place).cluster

    # Whoever listens is at the node that will die, and so is the user's shard.
    event_log = EventLog(fragile.redis, shards=SHARDS)
    listening = asyncio.create_task(event_log.run())
    await anext(event_log.tail(USERS[0], heartbeat_seconds=0))
    victim = next(node for node in cluster.nodes if node.ask("CLIENT", "LIST", "TYPE", "PUBSUB"))
    homes = {user: cluster.owner(keys.tag(fragile.store.shard_of(user))) for user in USERS}
    user = next(user for user in USERS if homes[user] is victim)
    neighbour = next(user for user in USERS if homes[user] is not victim)
    shard = fragile.store.shard_of(user)
    hearing = asyncio.create_task(_hear(event_log, user, jobs=3))

    # A worker that will be gone with a job, and one that goes on.
    orphan = await fragile.submit(user=user)
    (leased,) = await fragile.lease(fragile.stream("gone"))
    lease_renewer = fragile.lease_renewer("survivor")
    survivor = fragile.consumer(consumer="survivor", lease_renewer=lease_renewer)
    lease_renewer.start()
    working = asyncio.create_task(survivor.run())
    first = await fragile.submit(user=user)
    await _is_done(fragile, first)

    await asyncio.to_thread(cluster.kill, victim)
    answers = await asyncio.gather(
        fragile.submit(user=user), fragile.submit(user=neighbour), return_exceptions=True
    )
    assert isinstance(answers[0], StoreUnavailable)
    assert isinstance(answers[1], Submission)
    await asyncio.to_thread(cluster.wait_for_successor)

    # Claimed from the copy, with its attempt, and settled there once.
    await fragile.age(leased, owner="gone")
    second = fragile.stream("second")
    (claimed,) = await second.claim(shard, 10)
    assert (claimed.id, claimed.attempt) == (orphan.id, 2)
    assert await second.settle([settled(leased)], now=0) == {orphan.id: False}
    assert await second.settle([settled(claimed)], now=0) == {orphan.id: True}

    # The worker reads on, renews on, and the listener has missed nothing.
    last = await fragile.submit(user=user)
    await _is_done(fragile, last)
    await _is_done(fragile, answers[1])
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert sorted(await hearing) == sorted([orphan.id, first.id, last.id])
    await _stop(survivor, working, listening)
    await lease_renewer.stop()


async def _is_done(harness: JobHarness, job: Submission) -> None:
    assert (await harness.final(job.id, job.user)).state is JobState.SUCCEEDED


async def _hear(event_log: EventLog, user: UserId, *, jobs: int) -> list[str]:
    """The ids of so many jobs, as their ends are told."""
    done: list[str] = []
    async with aclosing(event_log.tail(user, heartbeat_seconds=30)) as tail:
        async for event in tail:
            if event is not None and event.name == "done":
                done.append(event.job_id)
            if len(done) == jobs:
                break
    return done


async def _stop(consumer: Consumer, working: asyncio.Task[None], listening: asyncio.Task[None]) -> None:
    consumer.stop()
    listening.cancel()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await working
    await asyncio.wait([listening])
