"""The job life, on each kind of Redis in turn, and on a server process that a test may break."""

from collections.abc import AsyncIterator

import pytest
from tests.job_harness import JobHarness
from tests.servers import RealRedis, RedisPlace

from shared.adapters.redis.client import RedisClient


@pytest.fixture
async def harness(redis_place: RedisPlace, redis: RedisClient) -> AsyncIterator[JobHarness]:
    harness = JobHarness(redis_place, redis)
    yield harness
    await harness.close()


@pytest.fixture
async def real_harness(redis_server: RealRedis, real_redis: RedisClient) -> AsyncIterator[JobHarness]:
    harness = JobHarness(redis_server, real_redis)
    yield harness
    await harness.close()
