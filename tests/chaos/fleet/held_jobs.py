"""Which jobs a worker has its hands on: what goes with it when it goes."""

from typing import Any, cast

from tests.chaos.fleet.fleet import SHARDS, Worker

from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import StreamName
from shared.runtime.worker.store_retry import until_available

AWAY_SECONDS = 90.0
"""Longer than any fault keeps Redis away."""


async def jobs_of(redis: RedisClient, worker: Worker) -> tuple[str, ...]:
    """Ids of the jobs whose entries are pending with it. Waits for a Redis that is away."""
    mark = f"-{worker.service.pid}-"

    async def look() -> list[str]:
        return [
            job_id
            for shard in range(SHARDS)
            for stream in StreamName
            for job_id in await _pending_with(redis, keys.work_stream(shard, stream), mark)
        ]

    return tuple(await until_available(look, seconds=AWAY_SECONDS))


async def _pending_with(redis: RedisClient, stream: str, mark: str) -> list[str]:
    if not await call(redis, "EXISTS", stream):
        return []
    jobs: list[str] = []
    pending = await cast(Any, redis).xpending_range(stream, keys.GROUP, min="-", max="+", count=10_000)
    for one in pending:
        if mark in one["consumer"].decode():
            entry = one["message_id"]
            jobs += [
                fields[b"job"].decode() for _, fields in await call(redis, "XRANGE", stream, entry, entry)
            ]
    return jobs
