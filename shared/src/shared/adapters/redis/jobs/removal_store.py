"""Removes jobs, their events and what else is kept about a user. Every call does a bounded amount of work."""

from collections.abc import AsyncGenerator, Sequence
from typing import cast

from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, call_each, call_many
from shared.adapters.redis.jobs.job_store import read_records
from shared.domain.jobs.job import JobId, StreamName, UserId
from shared.domain.jobs.job_id import accepted_at
from shared.domain.jobs.job_snapshot import JobSnapshot

PAGE = 500
"""Events or members that one command looks at."""
CLOCK_SECONDS = 600
"""How far the clock that a job's id was made by may be ahead of that of Redis, which names the events."""
KEPT_MS = 60_000
"""How long a removed record stays after its row is written, in milliseconds: a lost reply to its submission is repeated
within seconds."""

ALREADY, UNKNOWN, UNFINISHED = 2, 0, -1
"""Replies of remove.lua."""


class Removed(Struct, frozen=True):
    """A job that has been removed from Redis, and whose row remains to be written."""

    job: JobSnapshot
    is_repeated: bool
    """Whether an earlier call had removed it."""


class RemovalStore:
    """Every method raises `StoreUnavailable` when Redis is unreachable."""

    def __init__(self, redis: RedisClient, *, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def remove(self, user: UserId, ids: Sequence[JobId]) -> list[Removed]:
        """Cancel the jobs that are unfinished, and remove them. Returns those that have a record of this user."""
        shard = keys.shard_of(user, self._shards)
        calls = [(keys.record(shard, job_id), (job_id, user)) for job_id in ids]
        replies = await scripts.run_many(self._redis, scripts.REMOVE, calls)
        unfinished = [one for one, reply in zip(calls, replies, strict=True) if _count(reply) == UNFINISHED]
        if unfinished:
            await scripts.run_many(self._redis, scripts.CANCEL, unfinished)
            await scripts.run_many(self._redis, scripts.REMOVE, unfinished)
        known = {
            job_id: reply == ALREADY for job_id, reply in zip(ids, replies, strict=True) if reply != UNKNOWN
        }
        jobs = await read_records(self._redis, shard, list(known))
        return [Removed(job, known[job.id]) for job in jobs if job.is_erased]

    async def confirm(self, user: UserId, ids: Sequence[JobId]) -> None:
        """The rows of removed jobs are written, so that their records are needed no more."""
        shard = keys.shard_of(user, self._shards)
        if ids:
            commands = [("PEXPIRE", keys.record(shard, job_id), KEPT_MS) for job_id in ids]
            await call_many(self._redis, [("ZREM", keys.unsaved(shard), *ids), *commands])

    async def forget_events(self, user: UserId, job_id: JobId, kind: str) -> None:
        """Delete a removed job's events from both logs, and tell `removed`."""
        key = keys.user_events(keys.shard_of(user, self._shards), user)
        start = str(max(0, int((accepted_at(job_id) - CLOCK_SECONDS) * 1000)))
        while start:
            start = await scripts.run(
                self._redis, scripts.FORGET_EVENTS, key, job_id, user, kind, start, PAGE
            )

    async def jobs_of(self, user: UserId) -> AsyncGenerator[list[JobId]]:
        """Yield ids of the user's jobs that Redis knows, page by page: unfinished ones, those whose rows are not written,
        and those in the event log. An id may come again. The caller removes the jobs of a page before the next one, and their
        events are then deleted, so that no later call goes through them."""
        shard = keys.shard_of(user, self._shards)
        for stream in StreamName:
            members = await call(self._redis, "ZRANGE", keys.live(shard, user, stream), 0, -1)
            for start in range(0, len(members), PAGE):
                yield [JobId(member.decode()) for member in members[start : start + PAGE]]
        async for unsaved in self._pages_of(keys.unsaved(shard)):
            yield await self._owned_by(user, [keys.record(shard, JobId(one)) for one in unsaved], unsaved)
        async for logged in self._logged(keys.user_events(shard, user)):
            yield logged

    async def _logged(self, log: str) -> AsyncGenerator[list[JobId]]:
        start = "-"
        while page := await call(self._redis, "XRANGE", log, start, "+", "COUNT", PAGE):
            yield list({JobId(fields[b"event"].split(b" ", 1)[0].decode()): None for _, fields in page})
            await call(self._redis, "XDEL", log, *(entry for entry, _ in page))
            start = f"({page[-1][0].decode()}"

    async def _pages_of(self, key: str) -> AsyncGenerator[list[str]]:
        cursor = 0
        while True:
            raw_cursor, members = await call(self._redis, "ZSCAN", key, cursor, "COUNT", PAGE)
            cursor = int(raw_cursor)
            yield [member.decode() for member, _ in members]
            if cursor == 0:
                return

    async def _owned_by(self, user: UserId, names: Sequence[str], ids: Sequence[str]) -> list[JobId]:
        """Those of the ids whose hash names the user."""
        if not ids:
            return []
        owners = await call_each(self._redis, [("HGET", name, "user") for name in names])
        return [JobId(one) for one, owner in zip(ids, owners, strict=True) if owner == user.encode()]

    async def forget_user(self, user: UserId, windows: Sequence[str]) -> tuple[int, int]:
        """Charge the holds of chats under way in full, and forget the event log and the budgets. Returns the number of
        keys and of holds."""
        shard = keys.shard_of(user, self._shards)
        holds = 0
        async for ids in self._pages_of(keys.holds(shard)):
            for hold_id in await self._owned_by(user, [keys.hold(shard, one) for one in ids], ids):
                key = keys.hold(shard, hold_id)
                tokens = await call(self._redis, "HGET", key, "tokens")
                holds += await scripts.run(self._redis, scripts.RELEASE_HOLD, key, hold_id, int(tokens or 0))
        log = keys.user_events(shard, user)
        return await scripts.run(
            self._redis, scripts.FORGET_USER, log, user, keys.pseudonym(user), *windows
        ), holds


def _count(reply: object) -> int:
    """The number that a script replied. Raises its error."""
    if isinstance(reply, Exception):
        raise reply
    return cast(int, reply)
