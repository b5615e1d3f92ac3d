"""A job is accepted once it is where it has to be: on the disk of a server that can say so, or with a replica."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.conftest import skipped_without_server
from tests.factories import make_plan, make_submission
from tests.redis_cluster import RedisCluster
from tests.servers import VALKEY, WHEEL, ClusterPlace, NoServer, wheel_valkey

from shared.adapters.redis import durability as confirming
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, nodes
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.errors import BudgetExceeded, NotConfirmed
from shared.domain.jobs.job import UserId
from shared.domain.jobs.submission import Durability

newest = pytest.mark.parametrize("redis_place", [VALKEY], indirect=True)


@pytest.fixture
def store(redis: RedisClient) -> JobStore:
    return JobStore(redis, shards=1, durability=Durability.AOF)


@pytest.fixture
async def unsynced(redis: RedisClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A disk that takes its time."""
    monkeypatch.setitem(confirming.CONFIRMATIONS, Durability.AOF, ("WAITAOF", 1, 0, 100))
    await call(redis, "CONFIG", "SET", "appendfsync", "no")
    yield
    await call(redis, "CONFIG", "SET", "appendfsync", "everysec")


async def count_confirmations(redis: RedisClient) -> int:
    found = await call(redis, "INFO", "commandstats")
    return found.get("cmdstat_waitaof", {"calls": 0})["calls"]


@newest
async def test_a_job_is_accepted_once_it_is_on_the_disk(redis: RedisClient, store: JobStore) -> None:
    await store.submit(make_submission(), now=time.time())
    synced, _ = await call(redis, "WAITAOF", 1, 0, 1)
    assert synced == 1
    assert await count_confirmations(redis) >= 1


@newest
async def test_what_travels_together_is_confirmed_together(redis: RedisClient, store: JobStore) -> None:
    await call(redis, "CONFIG", "RESETSTAT")
    jobs = [make_submission() for _ in range(200)]
    accepted = await asyncio.gather(*(store.submit(job, now=time.time()) for job in jobs))
    assert [one.job_id for one in accepted] == [job.id for job in jobs]
    assert 1 <= await count_confirmations(redis) <= 2


@newest
@pytest.mark.usefixtures("unsynced")
async def test_what_is_not_on_the_disk_in_time_is_not_called_accepted_however_often_it_is_asked(
    redis: RedisClient,
) -> None:
    """Asked again, nothing is new; and the server confirms only what its connection wrote."""
    store = JobStore(redis, shards=1, durability=Durability.AOF)
    first = make_submission(idempotency_key="once", fingerprint="same")
    for job in (first, first, make_submission(idempotency_key="once", fingerprint="same")):
        await cast(Any, redis).connection_pool.disconnect()  # each by a new connection
        with pytest.raises(NotConfirmed) as raised:
            await store.submit(job, now=time.time())
        assert raised.value.params == {"job": first.id}
    assert await store.unfinished(first.user) == [first.id]
    await call(redis, "CONFIG", "SET", "appendfsync", "always")
    assert (await store.submit(first, now=time.time())).job_id == first.id


@newest
@pytest.mark.usefixtures("unsynced")
async def test_a_refusal_needs_no_confirmation(redis: RedisClient) -> None:
    store = JobStore(redis, shards=1, durability=Durability.AOF)
    poor = make_submission(user=UserId("bob"), plan=make_plan(tokens_per_day=1))
    answers = await asyncio.gather(
        store.submit(make_submission(), now=time.time()),
        store.submit(poor, now=time.time()),
        return_exceptions=True,
    )
    assert [type(one) for one in answers] == [NotConfirmed, BudgetExceeded]


@pytest.mark.parametrize("redis_place", [WHEEL], indirect=True)
async def test_a_server_that_cannot_confirm_is_not_believed(store: JobStore) -> None:
    with pytest.raises(NotConfirmed):
        await store.submit(make_submission(), now=time.time())


@pytest.mark.process
async def test_each_node_of_a_cluster_confirms_what_it_accepted(tmp_path: Path) -> None:
    with skipped_without_server():
        if (binary := wheel_valkey()) is None:
            raise NoServer("no valkey on this machine")
    cluster = await asyncio.to_thread(RedisCluster(tmp_path, binary=binary, replicas=0).__enter__)
    client = ClusterPlace(cluster).connect()
    try:
        store = JobStore(client, shards=8, durability=Durability.AOF)
        jobs = [make_submission(user=UserId(f"user-{i}")) for i in range(40)]
        refused = await asyncio.gather(
            *(store.submit(job, now=time.time()) for job in jobs), return_exceptions=True
        )
        assert {type(one) for one in refused} == {NotConfirmed}  # they keep no file yet
        for node in await nodes(client):
            await call(node, "CONFIG", "SET", "appendonly", "yes")
        accepted = await asyncio.gather(*(store.submit(job, now=time.time()) for job in jobs))
        assert [one.job_id for one in accepted] == [job.id for job in jobs]
        assert all([await count_confirmations(node) for node in await nodes(client)])
    finally:
        await client.aclose()
        cluster.stop()
