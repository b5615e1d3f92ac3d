"""The duties of the cron: deleting old rows, and removing consumers that are gone."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.job_stream import JobStream
from shared.domain.budgets import DAY_SECONDS
from shared.domain.jobs.job import StreamName
from shared.domain.jobs.job_policy import JobPolicy

log = structlog.get_logger()

GONE_SECONDS = 3600.0
"""A consumer that was silent for this long is removed. One that still lives is registered again by its next read."""
FORGET, PRUNE = "forget_consumers", "prune_results"
"""Names of the duties, as metrics show them."""

Duty = Callable[[], Awaitable[int]]
"""Does its work once, and returns how many things it changed."""


def prune_results(results: ResultStore, *, days: int, clock: Callable[[], float]) -> Duty:
    async def prune() -> int:
        count = await results.prune(before=clock() - days * DAY_SECONDS)
        log.info("results.pruned", count=count)
        return count

    return prune


def forget_consumers(streams: Sequence[JobStream]) -> Duty:
    async def forget() -> int:
        count = sum([await stream.forget(idle_seconds=GONE_SECONDS) for stream in streams])
        log.info("consumers.removed", count=count)
        return count

    return forget


def open_streams(redis: RedisClient, *, shards: int) -> list[JobStream]:
    """Open the work streams to look after their consumers. Nothing is read from them here."""
    return [
        JobStream(redis, redis, name, consumer="cron", shards=shards, policy=JobPolicy())
        for name in StreamName
    ]
