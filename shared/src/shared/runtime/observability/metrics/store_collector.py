"""Collects what Redis and Postgres hold, during a scrape and at no other time.

Only the cron process collects it: a hundred workers would each expose the length of the same stream. The scrape waits in the thread
of the metrics port while the event loop asks the stores, so that the process's own connections, with their time-outs and their
knowledge of clusters, are used.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

import structlog

from shared.adapters.postgres.result_store import DatabaseStats
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import nodes, server_address
from shared.adapters.redis.stats import (
    LEDGER,
    NodeSurvey,
    ShardSurvey,
    StreamSurvey,
    survey,
    survey_node,
)
from shared.domain.errors import StoreUnavailable
from shared.runtime.observability.metrics.meter import Meter

log = structlog.get_logger()

S = TypeVar("S")

COLLECT_SECONDS = 4.0
"""Time limit for one store. It is shorter than a scraper's timeout, so that one slow store does not cost the whole scrape."""
LOOP_SECONDS = COLLECT_SECONDS + 1.0
"""Time limit for the event loop. A loop that does not even reach its own time-out is stuck, and the scrape fails."""
STALE_SECONDS = 60.0
"""A consumer is stale after this silence; a live one reads every few seconds."""
REDIS, POSTGRES = "redis", "postgres"


class StoreCollector:
    """Fills the meter at each scrape. `survey_database` raises if Postgres is unavailable."""

    def __init__(
        self,
        meter: Meter,
        redis: RedisClient,
        survey_database: Callable[[], Awaitable[DatabaseStats]],
        *,
        shards: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._survey_database = survey_database
        self._shards = shards
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._successes = meter.gauge("etude_exporter_last_success_timestamp_seconds")
        self._successes.expect([REDIS, POSTGRES])
        self._shard_metrics = _ShardMetrics(meter)
        self._node_metrics = _NodeMetrics(meter)
        self._database_metrics = _DatabaseMetrics(meter)
        meter.before_each_scrape(self._refresh)

    def _refresh(self) -> None:
        """Runs in the thread of the metrics server."""
        asyncio.run_coroutine_threadsafe(self.collect(), self._loop).result(LOOP_SECONDS)

    async def collect(self) -> None:
        """Collect from both stores now. A store that is unavailable is exposed as such within a few seconds."""
        await asyncio.gather(
            self._collect(REDIS, self._collect_redis, self._clear_redis),
            self._collect(POSTGRES, self._collect_postgres, self._database_metrics.clear),
        )

    async def _collect(
        self, target: str, collect: Callable[[], Awaitable[None]], clear: Callable[[], None]
    ) -> None:
        try:
            async with asyncio.timeout(COLLECT_SECONDS):
                await collect()
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the metrics of the other store are exposed
            log.warning("collector.store_unreachable", name=target, error_type=type(error).__name__)
            clear()
        else:
            self._successes.of(target).set(self._clock())

    async def _collect_redis(self) -> None:
        found = await nodes(self._redis)
        states = await asyncio.gather(*map(_state_of, found))
        self._node_metrics.put(zip(map(server_address, found), states, strict=True))
        self._shard_metrics.put([await survey(self._redis, shard) for shard in range(self._shards)])

    def _clear_redis(self) -> None:
        """Remove the values: a missing value is better than an old one."""
        self._shard_metrics.clear()
        self._node_metrics.clear()

    async def _collect_postgres(self) -> None:
        self._database_metrics.put(await self._survey_database())


async def _state_of(node: RedisClient) -> NodeSurvey | None:
    try:
        return await survey_node(node)
    except StoreUnavailable:
        return None


class _Readings(Generic[S]):
    """Metrics that are read from one kind of survey, each by a function; they are cleared together."""

    def __init__(self, meter: Meter, metrics: Mapping[str, Callable[[S], float]]) -> None:
        self._metrics = [(meter.of_type(name), read) for name, read in metrics.items()]

    def put(self, survey: S, *labels: str) -> None:
        for family, read in self._metrics:
            family.of(*labels).set(read(survey))

    def clear(self) -> None:
        for family, _ in self._metrics:
            family.clear()


class _ShardMetrics:
    def __init__(self, meter: Meter) -> None:
        self._shards = _Readings[ShardSurvey](
            meter,
            {
                "etude_due_jobs": lambda shard: shard.due,
                "etude_waiting_jobs": lambda shard: shard.waiting,
                "etude_dead_letters": lambda shard: shard.dead,
                "etude_dead_letters_oldest_age_seconds": lambda shard: shard.oldest_dead,
            },
        )
        self._streams = _Readings[StreamSurvey](
            meter,
            {
                "etude_stream_entries": lambda stream: stream.entries,
                "etude_stream_pending_entries": lambda stream: stream.pending,
                "etude_stream_undelivered_entries": lambda stream: stream.entries - stream.pending,
                "etude_stream_oldest_undelivered_age_seconds": lambda stream: stream.oldest_undelivered,
                "etude_stream_oldest_pending_age_seconds": lambda stream: stream.oldest_pending,
            },
        )
        self._consumers = meter.gauge("etude_stream_consumers")
        self._ledger = meter.counter("etude_ledger_jobs_total")
        self._unaccounted = meter.gauge("etude_ledger_unaccounted_jobs")

    def put(self, surveys: list[ShardSurvey]) -> None:
        for number, shard in enumerate(surveys):
            self._shards.put(shard, str(number))
            for name, stream in shard.streams.items():
                self._streams.put(stream, name, str(number))
                stale = sum(silent > STALE_SECONDS for silent in stream.idle)
                self._consumers.of(name, str(number), "active").set(len(stream.idle) - stale)
                self._consumers.of(name, str(number), "stale").set(stale)
        for state in LEDGER:
            self._ledger.of(state).set(sum(shard.ledger[state] for shard in surveys))
        self._unaccounted.of().set(sum(shard.unaccounted for shard in surveys))

    def clear(self) -> None:
        for metrics in (self._shards, self._streams, self._consumers, self._ledger, self._unaccounted):
            metrics.clear()


class _NodeMetrics:
    def __init__(self, meter: Meter) -> None:
        self._up = meter.gauge("etude_redis_up")
        self._nodes = _Readings[NodeSurvey](
            meter,
            {
                "etude_redis_memory_used_bytes": lambda node: node.memory_used,
                "etude_redis_memory_max_bytes": lambda node: node.memory_max,
                "etude_redis_evicted_keys_total": lambda node: node.evicted_keys,
                "etude_redis_connected_clients": lambda node: node.connected_clients,
                "etude_redis_blocked_clients": lambda node: node.blocked_clients,
                "etude_redis_aof_ok": lambda node: node.is_aof_ok,
                "etude_redis_commands_total": lambda node: node.commands,
                "etude_redis_rejected_connections_total": lambda node: node.rejected_connections,
            },
        )

    def put(self, states: Iterable[tuple[str, NodeSurvey | None]]) -> None:
        self.clear()
        for name, state in states:
            self._up.of(name).set(state is not None)
            if state is not None:
                self._nodes.put(state, name)

    def clear(self) -> None:
        self._nodes.clear()
        for _, up in self._up.instruments():
            up.set(0)


class _DatabaseMetrics:
    def __init__(self, meter: Meter) -> None:
        self._up = meter.gauge("etude_postgres_up").of()
        self._database = _Readings[DatabaseStats](
            meter,
            {
                "etude_postgres_connections": lambda database: database.connections,
                "etude_postgres_max_connections": lambda database: database.max_connections,
                "etude_postgres_database_bytes": lambda database: database.size,
            },
        )

    def put(self, database: DatabaseStats) -> None:
        self._up.set(1)
        self._database.put(database)

    def clear(self) -> None:
        self._up.set(0)
        self._database.clear()
