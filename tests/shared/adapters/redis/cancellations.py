"""A check that no cancellation of a Redis command is lost, for every kind of connection."""

import asyncio
from itertools import count

from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call


async def check_cancellations(redis: RedisClient) -> None:
    """Cancel a command at every turn of the loop that it takes."""
    await call(redis, "PING")  # the connection is there: what is met is the sending and the reading
    steps = 0
    for steps in count():
        calling = asyncio.create_task(call(redis, "PING"))
        for _ in range(steps):
            await asyncio.sleep(0)
        if not calling.cancel():
            break
        await asyncio.wait([calling])
        assert calling.cancelled(), f"a cancellation after {steps} turns of the loop was lost"
        await call(redis, "PING")
    assert steps > 1
