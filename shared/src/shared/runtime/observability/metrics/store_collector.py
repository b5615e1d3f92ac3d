"""Collects what Redis and Postgres hold, during a scrape and at no other time.

Only the cron process collects it: a hundred workers would each expose the length of the same stream. The scrape waits in the thread
of the metrics port while the event loop asks the stores, so that the process's own connections, with their time-outs and their
knowledge of clusters, are used.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from shared.adapters.postgres.result_store import DatabaseSurvey
from shared.adapters.redis.connection import RedisClient, nodes
from shared.adapters.redis.stats import (
    LEDGER,
    NodeSurvey,
    ShardSurvey,
    StreamSurvey,
    node_name,
    survey,
    survey_node,
)
from shared.domain.errors import StoreUnavailable
from shared.runtime.observability.metrics.instruments import Family
from shared.runtime.observability.metrics.meter import Meter

log = structlog.get_logger()

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
        survey_database: Callable[[], Awaitable[DatabaseSurvey]],
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
        self._node_metrics.put(zip(map(node_name, found), states, strict=True))
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


class _MetricGroup:
    """Families of one target, which are cleared together."""

    def __init__(self) -> None:
        self._families: list[Family[Any]] = []

    def _own(self, family: Family[Any]) -> Family[Any]:
        self._families.append(family)
        return family

    def clear(self) -> None:
        for family in self._families:
            family.clear()


class _ShardMetrics(_MetricGroup):
    def __init__(self, meter: Meter) -> None:
        super().__init__()

        def gauge(name: str) -> Family[Any]:
            return self._own(meter.gauge(name))

        self._entries = gauge("etude_stream_entries")
        self._pending = gauge("etude_stream_pending_entries")
        self._undelivered = gauge("etude_stream_undelivered_entries")
        self._oldest_undelivered = gauge("etude_stream_oldest_undelivered_age_seconds")
        self._oldest_pending = gauge("etude_stream_oldest_pending_age_seconds")
        self._consumers = gauge("etude_stream_consumers")
        self._due = gauge("etude_due_jobs")
        self._waiting = gauge("etude_waiting_jobs")
        self._dead = gauge("etude_dead_letters")
        self._oldest_dead = gauge("etude_dead_letters_oldest_age_seconds")
        self._ledger = self._own(meter.counter("etude_ledger_jobs_total"))
        self._unaccounted = gauge("etude_ledger_unaccounted_jobs")

    def put(self, surveys: list[ShardSurvey]) -> None:
        for number, shard in enumerate(surveys):
            label = str(number)
            self._due.of(label).set(shard.due)
            self._waiting.of(label).set(shard.waiting)
            self._dead.of(label).set(shard.dead)
            self._oldest_dead.of(label).set(shard.oldest_dead)
            for name, stream in shard.streams.items():
                self._put_stream(stream, name, label)
        for state in LEDGER:
            self._ledger.of(state).value = sum(shard.ledger[state] for shard in surveys)
        self._unaccounted.of().set(sum(shard.unaccounted for shard in surveys))

    def _put_stream(self, stream: StreamSurvey, *labels: str) -> None:
        self._entries.of(*labels).set(stream.entries)
        self._pending.of(*labels).set(stream.pending)
        self._undelivered.of(*labels).set(stream.entries - stream.pending)
        self._oldest_undelivered.of(*labels).set(stream.oldest_undelivered)
        self._oldest_pending.of(*labels).set(stream.oldest_pending)
        stale = sum(silent > STALE_SECONDS for silent in stream.idle)
        self._consumers.of(*labels, "active").set(len(stream.idle) - stale)
        self._consumers.of(*labels, "stale").set(stale)


class _NodeMetrics(_MetricGroup):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._up = meter.gauge("etude_redis_up")
        self._memory_used = self._own(meter.gauge("etude_redis_memory_used_bytes"))
        self._memory_max = self._own(meter.gauge("etude_redis_memory_max_bytes"))
        self._evicted = self._own(meter.counter("etude_redis_evicted_keys_total"))
        self._connected = self._own(meter.gauge("etude_redis_connected_clients"))
        self._blocked = self._own(meter.gauge("etude_redis_blocked_clients"))
        self._aof = self._own(meter.gauge("etude_redis_aof_ok"))
        self._commands = self._own(meter.counter("etude_redis_commands_total"))
        self._rejected = self._own(meter.counter("etude_redis_rejected_connections_total"))

    def put(self, states: Iterable[tuple[str, NodeSurvey | None]]) -> None:
        self.clear()
        for name, state in states:
            self._up.of(name).set(state is not None)
            if state is not None:
                self._put_node(name, state)

    def _put_node(self, name: str, node: NodeSurvey) -> None:
        self._memory_used.of(name).set(node.memory_used)
        self._memory_max.of(name).set(node.memory_max)
        self._evicted.of(name).value = node.evicted_keys
        self._connected.of(name).set(node.connected_clients)
        self._blocked.of(name).set(node.blocked_clients)
        self._aof.of(name).set(node.is_aof_ok)
        self._commands.of(name).value = node.commands
        self._rejected.of(name).value = node.rejected_connections

    def clear(self) -> None:
        super().clear()
        for _, up in self._up.instruments():
            up.set(0)


class _DatabaseMetrics(_MetricGroup):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._up = meter.gauge("etude_postgres_up").of()
        self._connections = self._own(meter.gauge("etude_postgres_connections"))
        self._max_connections = self._own(meter.gauge("etude_postgres_max_connections"))
        self._bytes = self._own(meter.gauge("etude_postgres_database_bytes"))

    def put(self, database: DatabaseSurvey) -> None:
        self._up.set(1)
        self._connections.of().set(database.connections)
        self._max_connections.of().set(database.max_connections)
        self._bytes.of().set(database.size)

    def clear(self) -> None:
        super().clear()
        self._up.set(0)
