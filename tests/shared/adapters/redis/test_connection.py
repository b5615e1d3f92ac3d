"""What a server says when it cannot take a write now is known for what it is, on the oldest and the newest."""

import time

import pytest
from tests.factories import make_submission
from tests.servers import MACHINE, WHEEL
from tests.shared.adapters.redis.cancellations import check_cancellations

from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.errors import StoreUnavailable

pytestmark = pytest.mark.parametrize("redis_place", [WHEEL, MACHINE], indirect=True)

REFUSALS = {
    "is full": ("maxmemory", "1", "0"),
    "has too few replicas": ("min-replicas-to-write", "1", "0"),
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_a_server_that_takes_no_writes_is_away_and_nothing_is_accepted(
    redis: RedisClient, what: str
) -> None:
    name, broken, well = REFUSALS[what]
    store, submission = JobStore(redis, shards=1), make_submission()
    await call(redis, "CONFIG", "SET", name, broken)
    try:
        with pytest.raises(StoreUnavailable):
            await store.submit(submission, now=time.time())
        assert await store.unfinished(submission.user) == []
    finally:
        await call(redis, "CONFIG", "SET", name, well)
    await store.submit(submission, now=time.time())
    assert await store.unfinished(submission.user) == [submission.id]


async def test_a_server_that_became_a_replica_is_away(redis: RedisClient) -> None:
    await call(redis, "REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(StoreUnavailable):
            await JobStore(redis, shards=1).submit(make_submission(), now=time.time())
    finally:
        await call(redis, "REPLICAOF", "NO", "ONE")


async def test_a_cancelled_command_never_goes_on_wherever_it_is(redis: RedisClient) -> None:
    await check_cancellations(redis)
