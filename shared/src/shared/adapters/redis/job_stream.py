"""The work streams as workers see them: read, lease, renew, claim, settle.

A stream only carries ids; what a job is, its record says. One group per stream, created from the beginning, and an
entry is deleted in the script that acknowledges it: the stream is as long as the work is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct
from redis.exceptions import ResponseError

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import Arg, BlockingClient, RedisClient
from shared.adapters.redis.connection import call, nodes
from shared.adapters.redis.scripts import LeasedReply, SweepReply
from shared.domain.errors import WorkerCrashed
from shared.domain.jobs.job import EntryId, JobId, LeasedJob, StreamName, UserId
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.settlement import Settlement
from shared.domain.usage import Usage

log = structlog.get_logger()

BATCH = 100
"""Jobs per script call: a call stays well under a millisecond or two, and Lua's stack is finite."""


MAX_DIGITS = 15
"""Digits of a number in a record: below 2⁵³, which Lua and JSON hold exactly."""
TURN_SECONDS = 0.25
"""How long a read sleeps that asks some of the shards only."""


def reader_name(consumer: str) -> str:
    """The name of a consumer's blocking connection, by which `wake` finds it."""
    return f"{consumer}:read"


class Entry(Struct, frozen=True):
    """What was read from a stream: not ours until leased."""

    id: EntryId
    job_id: JobId
    shard: int


class JobStream:
    """One work stream over all shards. Every method raises `StoreUnavailable` when Redis is away."""

    def __init__(
        self,
        redis: RedisClient,
        blocking: BlockingClient,
        stream: StreamName,
        *,
        consumer: str,
        shards: int,
        policy: JobPolicy,
        on_time: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`on_time` is told the server's time (Unix seconds) with everything that is leased."""
        self._redis = redis
        self._on_time = on_time
        self._blocking = blocking
        self._policy = policy
        self.stream = stream
        self.consumer = consumer
        self.shards = shards
        self._shard_by_key = {keys.work_stream(shard, stream).encode(): shard for shard in range(shards)}
        self._order = list(self._shard_by_key)

    def key(self, shard: int) -> str:
        return keys.work_stream(shard, self.stream)

    async def ensure_groups(self) -> None:
        """Create what is missing of streams and groups, from the beginning: nothing queued before is skipped."""
        for shard in range(self.shards):
            try:
                await call(self._redis, "XGROUP CREATE", self.key(shard), keys.GROUP, "0", "MKSTREAM")
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def read(self, count: int, *, block: bool) -> list[Entry]:
        """Up to `count` new entries; with `block`, waits for the first one for the policy's block time.

        Raises redis-py's errors: the caller heals a missing group, and waits for a server that is away.
        """
        asked = self._choose(count)
        # With fewer free slots than shards only some are asked, so no read may sleep over the others.
        block_seconds = self._policy.block_seconds if len(asked) == self.shards else TURN_SECONDS
        wait = ("BLOCK", int(block_seconds * 1000)) if block else ()
        answer = await self._blocking.execute_command(
            *("XREADGROUP", "GROUP", keys.GROUP, self.consumer, "COUNT", max(1, count // len(asked)), *wait),
            *("STREAMS", *asked, *(">" for _ in asked)),
        )
        return [
            Entry(EntryId(entry.decode()), _job_id(fields), self._shard_by_key[key])
            for key, entries in answer or ()
            for entry, fields in entries
            if fields
        ]

    def _choose(self, count: int) -> list[bytes]:
        """COUNT is per stream: ask no more streams than there are free slots, the others first next time."""
        if count >= self.shards:
            return self._order
        chosen, rest = self._order[:count], self._order[count:]
        self._order = rest + chosen
        return chosen

    async def wake(self) -> None:
        """End this consumer's blocking read now, without losing what it was about to be given."""
        for node in await nodes(self._redis):
            for client in await call(node, "CLIENT LIST"):
                if client["name"] == reader_name(self.consumer):
                    await call(node, "CLIENT UNBLOCK", client["id"])

    async def lease(self, entries: Sequence[Entry]) -> list[LeasedJob]:
        """Become the owner of what was read; entries with nothing left to do disappear here."""
        leased: list[LeasedJob] = []
        for shard, batch in _by_shard(entries):
            args = [arg for entry in batch for arg in (entry.id, entry.job_id)]
            reply = await scripts.run(self._redis, scripts.LEASE, self.key(shard), self.consumer, *args)
            leased += await self._to_jobs(shard, reply)
        return leased

    async def sweep(self, shard: int, *, interval_seconds: float) -> SweepReply | None:
        """Be the fleet's sweeper of this interval. None: another one is."""
        lease_ms = int(self._policy.lease_seconds * 1000)
        args = (self.consumer, self.stream, int(interval_seconds * 1000), lease_ms)
        return await scripts.run(self._redis, scripts.SWEEP, self.key(shard), *args)

    async def claim(self, shard: int, count: int, *, with_suspect: bool = True) -> list[LeasedJob]:
        """Take over up to `count` jobs whose owner is gone, at most one of them a suspect (see `JobPolicy.is_suspect`);
        those that crashed too often become dead letters."""
        policy = self._policy
        problem = msgspec.json.encode(WorkerCrashed(crashes=policy.retry.max_crashes).problem)
        reply = await scripts.run(
            self._redis,
            scripts.CLAIM,
            self.key(shard),
            *(self.consumer, self.stream, int(policy.lease_seconds * 1000), count),
            *(policy.retry.max_crashes, policy.claim_scan_entries, problem, int(with_suspect)),
            policy.retry.suspect_crashes,
        )
        return await self._to_jobs(shard, reply)

    async def settle(self, settlements: Sequence[Settlement], *, now: float) -> dict[JobId, bool]:
        """Write what was decided, each once. False: the lease was lost, nothing was written."""
        settled: dict[JobId, bool] = {}
        for shard, batch in _by_shard(settlements):
            args = [arg for settlement in batch for arg in _settle_args(settlement, now)]
            codes = await scripts.run(self._redis, scripts.SETTLE, self.key(shard), self.stream, *args)
            settled |= {one.job.id: code > 0 for one, code in zip(batch, codes, strict=True)}
        return settled

    async def forget(self, *, idle_seconds: float) -> int:
        """Remove consumers that are gone and hold nothing. Returns how many."""
        removed = 0
        for shard in range(self.shards):
            removed += await scripts.run(
                self._redis, scripts.REMOVE_IDLE_CONSUMERS, self.key(shard), int(idle_seconds * 1000)
            )
        return removed

    async def _to_jobs(self, shard: int, reply: LeasedReply) -> list[LeasedJob]:
        """Decode each job alone. Those that cannot be decoded are set aside: none stops the stream."""
        if reply.jobs:
            self._on_time(reply.now_ms / 1000)
        jobs: list[LeasedJob] = []
        unreadable: list[Mapping[bytes, Any]] = []
        for fields in reply.jobs:
            try:
                jobs.append(_to_job(fields, shard, self.stream))
            except (ValueError, TypeError, AttributeError):
                unreadable.append(fields)
        await self._set_aside(shard, unreadable)
        return jobs

    async def _set_aside(self, shard: int, unreadable: Sequence[Mapping[bytes, Any]]) -> None:
        if not unreadable:
            return
        args = [arg for one in unreadable for arg in (one[b"entry"], one[b"id"], _undecodable(one))]
        count = await scripts.run(self._redis, scripts.SET_ASIDE, self.key(shard), self.stream, *args)
        log.error("stream.records_unreadable", stream=self.stream, shard=shard, jobs=count)


def _job_id(fields: Mapping[bytes, bytes]) -> JobId:
    """The job of an entry. One without a job has the id of none, and its lease removes it."""
    return JobId(fields.get(b"job", b"").decode(errors="replace"))


def _undecodable(fields: Mapping[bytes, Any]) -> str:
    """Names of the fields that are no text, each followed by a comma."""
    return "".join(f"{name.decode()}," for name, value in fields.items() if not _is_text(value))


def _is_text(value: object) -> bool:
    try:
        return not isinstance(value, bytes) or bool(value.decode() or True)
    except UnicodeDecodeError:
        return False


def _count(value: bytes) -> int:
    """A number that every store can hold exactly. Raises `ValueError`."""
    if not value.isdigit() or len(value) > MAX_DIGITS:
        raise ValueError("not a count")
    return int(value)


def _to_job(fields: Mapping[bytes, Any], shard: int, stream: StreamName) -> LeasedJob:
    """Raises `ValueError`, `TypeError` or `AttributeError` for a record that another program wrote, or half of one."""

    def text(name: bytes) -> str:
        return (fields.get(name) or b"").decode()

    if not fields[b"user"]:
        raise ValueError("nobody's job")

    return LeasedJob(
        id=JobId(text(b"id")),
        user=UserId(text(b"user")),
        kind=text(b"kind"),
        version=_count(fields[b"v"]),
        payload=fields[b"payload"] or b"",
        shard=shard,
        stream=stream,
        entry=EntryId(text(b"entry")),
        attempt=_count(fields[b"attempt"]),
        failures=_count(fields[b"failures"]),
        crashes=_count(fields[b"crashes"]),
        created_at=_count(fields[b"created"]) / 1000,
        started_at=_count(fields[b"started"]) / 1000,
        usage=Usage(_count(fields[b"prompt"]), _count(fields[b"completion"])),
        plan=text(b"plan"),
        request_id=text(b"request"),
        traceparent=text(b"traceparent"),
        title=text(b"title"),
        windows=tuple(text(b"windows").split(",")),
        held=_count(fields[b"held"]),
        steps=scripts.named(fields[b"steps"] or ()),
    )


def _settle_args(settlement: Settlement, now: float) -> tuple[Arg, ...]:
    job, usage = settlement.job, settlement.usage
    delay = 0.0 if settlement.retry_at is None else max(0.0, settlement.retry_at - now)
    return (
        *(job.entry, job.id, job.attempt, settlement.state, usage.prompt_tokens, usage.completion_tokens),
        *(settlement.failures, int(delay * 1000)),
        msgspec.json.encode(settlement.problem) if settlement.problem else "",
        "1" if settlement.is_dead else "",
    )


S = TypeVar("S", Entry, Settlement)


def _by_shard(items: Sequence[S]) -> list[tuple[int, list[S]]]:
    """Batches of one shard each: a script touches one slot."""
    shards: dict[int, list[S]] = {}
    for item in items:
        shards.setdefault(item.shard if isinstance(item, Entry) else item.job.shard, []).append(item)
    return [
        (shard, mine[i : i + BATCH]) for shard, mine in shards.items() for i in range(0, len(mine), BATCH)
    ]
