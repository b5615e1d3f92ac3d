"""The duties of the cron: deleting old rows, removing consumers that are gone, and rewriting append-only files."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from redis.exceptions import ResponseError

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, nodes
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.budgets import DAY_SECONDS
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import StreamName
from shared.domain.jobs.job_policy import JobPolicy

log = structlog.get_logger()

GONE_SECONDS = 3600.0
"""A consumer that was silent for this long is removed. One that still lives is registered again by its next read."""
FORGET, PRUNE, REWRITE = "forget_consumers", "prune_results", "rewrite_logs"
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


def rewrite_logs(redis: RedisClient) -> Duty:
    """Have each server write its append-only file anew, so that it no longer holds what was deleted. A server whose file has
    not grown since, or that is at it already, is left alone."""

    async def rewrite() -> int:
        count = 0
        for node in await nodes(redis):
            persistence = await call(node, "INFO", "persistence")
            if is_rewrite_due(persistence):
                try:
                    await call(node, "BGREWRITEAOF")
                    count += 1
                except (ResponseError, StoreUnavailable) as error:  # a hosted Redis may not allow it
                    log.warning("aof.rewrite_refused", error_type=type(error).__name__)
        log.info("aof.rewritten", count=count)
        return count

    return rewrite


def is_rewrite_due(persistence: Mapping[str, Any]) -> bool:
    """Whether a server has an append-only file that has grown since it was last written anew."""
    base, current = (persistence.get(name, 0) for name in ("aof_base_size", "aof_current_size"))
    return base < current and not is_rewriting(persistence)


def is_rewriting(persistence: Mapping[str, Any]) -> bool:
    return bool(persistence["aof_rewrite_in_progress"] or persistence["aof_rewrite_scheduled"])


def open_streams(redis: RedisClient, *, shards: int) -> list[JobStream]:
    """Open the work streams to look after their consumers. Nothing is read from them here."""
    return [
        JobStream(redis, redis, name, consumer="cron", shards=shards, policy=JobPolicy())
        for name in StreamName
    ]
