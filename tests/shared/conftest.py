"""The job life, on each kind of Redis in turn, and on a server process that a test may break."""

from collections.abc import AsyncIterator

import pytest
from tests.job_life import JobLife
from tests.servers import RealRedis, RedisPlace

from shared.adapters.redis.client import RedisClient


@pytest.fixture
async def life(redis_place: RedisPlace, redis: RedisClient) -> AsyncIterator[JobLife]:
    job_life = JobLife(redis_place, redis)
    yield job_life
    await job_life.close()


@pytest.fixture
async def real_life(redis_server: RealRedis, real_redis: RedisClient) -> AsyncIterator[JobLife]:
    job_life = JobLife(redis_server, real_redis)
    yield job_life
    await job_life.close()
