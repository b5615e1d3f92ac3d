"""What the stores hold, looked at from outside: for the one process that tells it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import StreamName

LEDGER = ("accepted", "succeeded", "failed", "cancelled", "replayed", "dead_lettered")
"""What a ledger counts of jobs; as in survey.lua."""


class StreamSurvey(Struct, frozen=True):
    """One work stream. Ages are in seconds; 0: there is none."""

    entries: int
    pending: int
    oldest_pending: float
    oldest_undelivered: float
    idle: list[float]
    """Seconds since each consumer was last heard of."""


class ShardSurvey(Struct, frozen=True):
    """One shard at one moment."""

    due: int
    waiting: int
    dead: int
    oldest_dead: float
    ledger: Mapping[str, int]
    streams: Mapping[StreamName, StreamSurvey]

    @property
    def unaccounted(self) -> int:
        """Jobs that were let in and neither ended nor are anywhere: lost ones; or, below zero, ones that are twice."""
        let_in = self.ledger["accepted"] + self.ledger["replayed"]
        ended = self.ledger["succeeded"] + self.ledger["failed"] + self.ledger["cancelled"]
        there = sum(stream.entries for stream in self.streams.values()) + self.due + self.waiting
        return let_in - ended - there


async def survey(redis: RedisClient, shard: int) -> ShardSurvey:
    """Raises `StoreUnavailable` when Redis is away."""
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
        oldest_pending=_age(now, _told_at(found["oldest_pending"])),
        oldest_undelivered=_age(now, _told_at(found["oldest_undelivered"])),
        idle=[silent / 1000 for silent in found["idle"]],
    )


def _told_at(entry: bytes) -> int:
    return int(entry.partition(b"-")[0] or 0)


def _age(now: int, then: int) -> float:
    return max(0, now - then) / 1000 if then else 0.0


class NodeSurvey(Struct, frozen=True):
    """One Redis server."""

    memory_used: int
    memory_max: int
    evicted_keys: int
    connected_clients: int
    blocked_clients: int
    is_aof_ok: bool
    commands: int
    rejected_connections: int


async def survey_node(node: RedisClient) -> NodeSurvey:
    """Raises `StoreUnavailable` when it is away."""
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
