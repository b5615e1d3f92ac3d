"""Work streams for workers: read, lease, claim, settle.

Entries carry ids only; the job itself is in its record. Each stream has one consumer group. The script that
acknowledges an entry also deletes it, so a stream holds only the entries of jobs that are ready to run or running.
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
from shared.domain.usage import Usage, consistent_usage

log = structlog.get_logger()

BATCH = 100
"""Maximum number of jobs per script call. It bounds the time a script blocks Redis (1–2 ms) and the use of Lua's stack."""
MAX_DIGITS = 15
"""Maximum number of digits of a number in a record. Such numbers are below 2⁵³, so Lua and JSON represent them exactly."""
TURN_SECONDS = 0.25
"""Longest wait, in seconds, of a blocking read that covers only some of the shards."""


def reader_name(consumer: str) -> str:
    """Return the name of a consumer's blocking connection, by which `wake` finds it."""
    return f"{consumer}:read"


class Entry(Struct, frozen=True):
    """An entry that a consumer read from a stream. The consumer owns the job only after it has leased it."""

    id: EntryId
    job_id: JobId
    shard: int


class JobStream:
    """One work stream over all shards. Every method but `read` raises `StoreUnavailable` when Redis is unreachable."""

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
        """`on_time` is called with the server's time (Unix seconds) whenever jobs are leased."""
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
        """Create missing streams and groups. A group starts at id 0, so that entries added before it are delivered."""
        for shard in range(self.shards):
            try:
                await call(self._redis, "XGROUP CREATE", self.key(shard), keys.GROUP, "0", "MKSTREAM")
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def read(self, count: int, *, block: bool) -> list[Entry]:
        """Read up to `count` new entries. With `block`, waits up to the policy's block time for the first one.

        Raises redis-py's errors, because the caller creates a missing group and waits for an unreachable server.
        """
        asked = self._choose(count)
        # With fewer free slots than shards only some are read, so a long wait would delay the jobs of the others.
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
        """Choose at most `count` streams, because COUNT applies to each stream. The others come first next time."""
        if count >= self.shards:
            return self._order
        chosen, rest = self._order[:count], self._order[count:]
        self._order = rest + chosen
        return chosen

    async def wake(self) -> None:
        """End this consumer's blocking read now, without losing entries that were about to be delivered."""
        for node in await nodes(self._redis):
            for client in await call(node, "CLIENT LIST"):
                if client["name"] == reader_name(self.consumer):
                    await call(node, "CLIENT UNBLOCK", client["id"])

    async def lease(self, entries: Sequence[Entry]) -> list[LeasedJob]:
        """Become the owner of the entries' jobs. Entries that have nothing left to do are deleted."""
        leased: list[LeasedJob] = []
        for shard, batch in _by_shard(entries):
            args = [arg for entry in batch for arg in (entry.id, entry.job_id)]
            reply = await scripts.run(self._redis, scripts.LEASE, self.key(shard), self.consumer, *args)
            leased += await self._to_jobs(shard, reply)
        return leased

    async def sweep(self, shard: int, *, interval_seconds: float) -> SweepReply | None:
        """Become the fleet's sweeper of this interval. Returns None if another consumer is."""
        lease_ms = int(self._policy.lease_seconds * 1000)
        args = (self.consumer, self.stream, int(interval_seconds * 1000), lease_ms)
        return await scripts.run(self._redis, scripts.SWEEP, self.key(shard), *args)

    async def claim(self, shard: int, count: int, *, with_suspect: bool = True) -> list[LeasedJob]:
        """Take over up to `count` jobs whose owner stopped renewing. At most one of them is a suspect (see
        `JobPolicy.is_suspect`). Jobs that crashed too often become dead letters."""
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
        """Write each settlement once. The result is False where the lease was lost and nothing was written."""
        settled: dict[JobId, bool] = {}
        for shard, batch in _by_shard(settlements):
            args = [arg for settlement in batch for arg in _settle_args(settlement, now)]
            codes = await scripts.run(self._redis, scripts.SETTLE, self.key(shard), self.stream, *args)
            settled |= {settlement.job.id: code > 0 for settlement, code in zip(batch, codes, strict=True)}
        return settled

    async def forget(self, *, idle_seconds: float) -> int:
        """Remove idle consumers that have no pending entries. Returns how many were removed."""
        removed = 0
        for shard in range(self.shards):
            removed += await scripts.run(
                self._redis, scripts.REMOVE_IDLE_CONSUMERS, self.key(shard), int(idle_seconds * 1000)
            )
        return removed

    async def _to_jobs(self, shard: int, reply: LeasedReply) -> list[LeasedJob]:
        """Decode each job on its own. Jobs that cannot be decoded are set aside, so that none of them stops the stream."""
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
        args = [arg for job in unreadable for arg in (job[b"entry"], job[b"id"], _undecodable(job))]
        count = await scripts.run(self._redis, scripts.SET_ASIDE, self.key(shard), self.stream, *args)
        log.error("stream.records_unreadable", stream=self.stream, shard=shard, jobs=count)


def _job_id(fields: Mapping[bytes, bytes]) -> JobId:
    """Return the job id of an entry. It is empty if the entry has none; no such job exists, so `lease` deletes the entry."""
    return JobId(fields.get(b"job", b"").decode(errors="replace"))


def _undecodable(fields: Mapping[bytes, Any]) -> str:
    """Return the names of the fields that are not UTF-8 text, each followed by a comma."""
    return "".join(f"{name.decode()}," for name, value in fields.items() if not _is_text(value))


def _is_text(value: object) -> bool:
    try:
        return not isinstance(value, bytes) or bool(value.decode() or True)
    except UnicodeDecodeError:
        return False


def _count(value: bytes) -> int:
    """Parse a whole number from 0 that every store can represent exactly. Raises `ValueError` for anything else."""
    if not value.isdigit() or len(value) > MAX_DIGITS:
        raise ValueError("the number is not a count")
    return int(value)


def _to_job(fields: Mapping[bytes, Any], shard: int, stream: StreamName) -> LeasedJob:
    """Decode a job. Raises `ValueError`, `TypeError` or `AttributeError` if the record is incomplete or not one of ours."""

    def text(name: bytes) -> str:
        return (fields.get(name) or b"").decode()

    if not fields[b"user"]:
        raise ValueError("the record has no user")

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
        usage=_usage(fields),
        plan=text(b"plan"),
        request_id=text(b"request"),
        traceparent=text(b"traceparent"),
        title=text(b"title"),
        windows=tuple(text(b"windows").split(",")),
        held=_count(fields[b"held"]),
        steps=scripts.named(fields[b"steps"] or ()),
    )


def _usage(fields: Mapping[bytes, Any]) -> Usage:
    """The counts of the record. It has the last three only if they are not 0."""
    prompt, completion = _count(fields[b"prompt"]), _count(fields[b"completion"])
    parts = (_count(fields.get(name) or b"0") for name in (b"cached", b"reasoning", b"reused"))
    return consistent_usage(prompt, completion, *parts)


def _settle_args(settlement: Settlement, now: float) -> tuple[Arg, ...]:
    job, usage = settlement.job, settlement.usage
    delay = 0.0 if settlement.retry_at is None else max(0.0, settlement.retry_at - now)
    return (
        *(job.entry, job.id, job.attempt, settlement.state, usage.prompt_tokens, usage.completion_tokens),
        *(settlement.failures, int(delay * 1000)),
        msgspec.json.encode(settlement.problem) if settlement.problem else "",
        "1" if settlement.is_dead else "",
        *(usage.cached_tokens, usage.reasoning_tokens, usage.reused),
    )


S = TypeVar("S", Entry, Settlement)


def _by_shard(items: Sequence[S]) -> list[tuple[int, list[S]]]:
    """Split items into batches of one shard each, because a script may touch one slot only."""
    shards: dict[int, list[S]] = {}
    for item in items:
        shards.setdefault(item.shard if isinstance(item, Entry) else item.job.shard, []).append(item)
    return [
        (shard, same[i : i + BATCH]) for shard, same in shards.items() for i in range(0, len(same), BATCH)
    ]
