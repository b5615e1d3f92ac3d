"""Statistics of Redis: jobs and streams of each shard, and the state of each server. One process exports them as metrics."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import StreamName

LEDGER = ("accepted", "succeeded", "failed", "cancelled", "replayed", "dead_lettered")
"""Counters of a shard's ledger, in jobs. stats.lua has the same names."""


class StreamSurvey(Struct, frozen=True):
    """Statistics of one work stream. Ages are in seconds; 0 means that there is no such entry."""

    entries: int
    pending: int
    oldest_pending: float
    oldest_undelivered: float
    idle: list[float]
    """Seconds since each consumer's last interaction with the group."""


class ShardSurvey(Struct, frozen=True):
    """Statistics of one shard, all taken at the same moment. `oldest_dead` is an age in seconds, or 0."""

    due: int
    waiting: int
    dead: int
    oldest_dead: float
    ledger: Mapping[str, int]
    streams: Mapping[StreamName, StreamSurvey]

    @property
    def unaccounted(self) -> int:
        """Accepted and replayed jobs less those that ended, are due, are waiting or are in a stream. A positive number counts
        lost jobs, a negative one jobs that exist twice."""
        admitted = self.ledger["accepted"] + self.ledger["replayed"]
        ended = self.ledger["succeeded"] + self.ledger["failed"] + self.ledger["cancelled"]
        unfinished = sum(stream.entries for stream in self.streams.values()) + self.due + self.waiting
        return admitted - ended - unfinished


async def survey(redis: RedisClient, shard: int) -> ShardSurvey:
    """Return the statistics of one shard. Raises `StoreUnavailable` when Redis is unreachable."""
    found = await scripts.run(redis, scripts.STATS, keys.ledger(shard), *StreamName)
    now, ledger = found["now"], scripts.named(found["ledger"])
    waiting = ledger.pop("waiting")
    return ShardSurvey(
        due=found["due"],
        waiting=waiting,
        dead=found["dead"],
        oldest_dead=_age(now, found["died_at"]),
        ledger=ledger,
        streams={
            StreamName(name): _to_stream(now, scripts.named(stream))
            for name, stream in scripts.named(found["streams"]).items()
        },
    )


def _to_stream(now: int, found: Mapping[str, Any]) -> StreamSurvey:
    return StreamSurvey(
        entries=found["entries"],
        pending=found["pending"],
        oldest_pending=_age(now, _added_at(found["oldest_pending"])),
        oldest_undelivered=_age(now, _added_at(found["oldest_undelivered"])),
        idle=[idle_ms / 1000 for idle_ms in found["idle"]],
    )


def _added_at(entry: bytes) -> int:
    """Return the Unix time in ms that an entry id begins with, or 0 if there is no entry."""
    return int(entry.partition(b"-")[0] or 0)


def _age(now: int, then: int) -> float:
    """Return the age in seconds from two Unix times in ms; a `then` of 0 means that nothing has an age."""
    return max(0, now - then) / 1000 if then else 0.0


class NodeSurvey(Struct, frozen=True):
    """Statistics of one Redis server. Memory is in bytes."""

    memory_used: int
    memory_max: int
    evicted_keys: int
    connected_clients: int
    blocked_clients: int
    is_aof_ok: bool
    commands: int
    rejected_connections: int


async def survey_node(node: RedisClient) -> NodeSurvey:
    """Return the statistics of one server. Raises `StoreUnavailable` when it is unreachable."""
    info = await call(node, "INFO")
    return NodeSurvey(
        memory_used=info["used_memory"],
        memory_max=info["maxmemory"],
        evicted_keys=info["evicted_keys"],
        connected_clients=info["connected_clients"],
        blocked_clients=info["blocked_clients"],
        is_aof_ok=bool(info["aof_enabled"])
        and info["aof_last_write_status"] == "ok"
        and info["aof_last_bgrewrite_status"] == "ok",
        commands=info["total_commands_processed"],
        rejected_connections=info["rejected_connections"],
    )
