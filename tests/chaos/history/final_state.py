"""What a run leaves behind: in Redis, in Postgres, with the provider, in the logs."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct
from tests.chaos.fleet.fleet import SHARDS, Fleet
from tests.chaos.fleet.service import Service
from tests.chaos.history.history import Called, Complained, Counted, Left, Line, Logged, Saved, Settled, Told

from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import StreamName, UserId

USER_LOG_CAP = 10_000
"""Of the scripts' prelude: a user's log forgets the oldest of more events, which are in the logs of the jobs."""
COMPLAINTS = ("warning", "error", "critical")
"""Levels of lines that say that something is wrong."""
ROWS = """
    SELECT id::text, user_id, kind, status, attempt, prompt_tokens + completion_tokens AS tokens, windows,
           extract(epoch FROM created_at)::float8 AS created_at, extract(epoch FROM finished_at)::float8 AS finished_at,
           coalesce(error->>'code', '') AS code
    FROM async_jobs ORDER BY id
"""


async def read_left(redis: RedisClient) -> Left:
    """What is still to be done; nothing, when the fleet is at rest."""
    lengths: dict[str, int] = {"entries": 0, "pending": 0, "due": 0, "holds": 0, "unsaved": 0}
    lasting: list[str] = []
    for shard in range(SHARDS):
        for stream in StreamName:
            lengths["entries"] += await call(redis, "XLEN", keys.work_stream(shard, stream))
            lengths["pending"] += await _count_pending(redis, keys.work_stream(shard, stream))
        for name, key in (("due", keys.due), ("holds", keys.holds), ("unsaved", keys.unsaved)):
            lengths[name] += await call(redis, "ZCARD", key(shard))
    lengths |= {"waiting": 0, "live": 0}
    async for key in _keys(redis):
        if await call(redis, "PTTL", key) == -1:
            lasting.append(key)
        for name in ("waiting", "live"):
            lengths[name] += key.startswith("{s") and f":{name}:" in key
    return Left(lengths=lengths, lasting_keys=tuple(sorted(lasting)))


async def is_at_rest(redis: RedisClient) -> bool:
    """Cheaper than `read_left`: every unfinished job is live, and what is final is saved."""
    for shard in range(SHARDS):
        if any([await call(redis, "ZCARD", key(shard)) for key in (keys.due, keys.unsaved)]):
            return False
        for stream in StreamName:
            if await call(redis, "XLEN", keys.work_stream(shard, stream)):
                return False
    return True


async def has_holds(redis: RedisClient) -> bool:
    return any([await call(redis, "ZCARD", keys.holds(shard)) for shard in range(SHARDS)])


async def let_holds_expire(redis: RedisClient) -> int:
    """Bring on the end of every hold that is left when nobody asks any more: those of processes that were killed.
    They would end by themselves after five minutes. Returns how many there are."""
    count = 0
    for shard in range(SHARDS):
        for hold in await call(redis, "ZRANGE", keys.holds(shard), 0, -1):
            count += await call(redis, "ZADD", keys.holds(shard), "XX", "CH", 0, hold)
    return count


async def last_events(redis: RedisClient, users: Sequence[str]) -> dict[str, str]:
    """Id of each user's last event, for those who have any."""
    last: dict[str, str] = {}
    for user in users:
        log = keys.user_events(keys.shard_of(UserId(user), SHARDS), UserId(user))
        for event_id, _ in await call(redis, "XREVRANGE", log, "+", "-", "COUNT", 1):
            last[user] = event_id.decode()
    return last


async def read_aftermath(fleet: Fleet, users: Sequence[str]) -> AsyncGenerator[Line]:
    yield await read_left(fleet.redis)
    async for told in _read_logs(fleet.redis, users):
        yield told
    async for counted in _read_budgets(fleet.redis):
        yield counted
    for saved in await _read_rows(fleet.postgres_server.url):
        yield saved
    now = fleet.clock()
    for each in fleet.provider.calls():
        yield msgspec.convert({**each, "ended_at": each["ended_at"] or now}, Called)


def read_process_logs(fleet: Fleet) -> list[Line]:
    return [line for service in fleet.services for line in _read_process_log(service)]


def _read_process_log(service: Service) -> Iterator[Line]:
    lines = list(service.read_lines())
    for event, count in sorted(Counter(line.event for line in lines).items()):
        yield Logged(service=service.name, event=event, count=count)
    complaints = Counter((int(line.ts.timestamp()), line.event) for line in lines if line.level in COMPLAINTS)
    for (second, event), count in sorted(complaints.items()):
        yield Complained(at=second, service=service.name, event=event, count=count)
    for line in lines:
        if line.event == "chat.settled":
            tokens = line.prompt_tokens + line.completion_tokens
            yield Settled(at=line.ts.timestamp(), request_id=line.request_id, tokens=tokens)


class _Data(Struct, omit_defaults=True):
    """What the checker wants of an event's data."""

    status: str = ""
    attempt: int = 0
    problem: dict[str, Any] = {}
    retry_at: float = 0.0


async def _read_logs(redis: RedisClient, users: Sequence[str]) -> AsyncGenerator[Told]:
    for user in users:
        log = keys.user_events(keys.shard_of(UserId(user), SHARDS), UserId(user))
        entries = await call(redis, "XRANGE", log, "-", "+")
        if len(entries) >= USER_LOG_CAP:
            entries = await _read_job_logs(redis, user)
        for event_id, fields in entries:
            job_id, name, data = fields[b"event"].split(b" ", 2)
            about = msgspec.json.decode(data, type=_Data)
            yield Told(
                user=user,
                event_id=event_id.decode(),
                job_id=job_id.decode(),
                name=name.decode(),
                status=about.status,
                attempt=about.attempt,
                code=about.problem.get("code", ""),
                retry_at=about.retry_at,
            )


async def _read_job_logs(redis: RedisClient, user: str) -> list[Any]:
    """The same events, of all the user's jobs, in order."""
    entries: list[Any] = []
    async for key in _keys(redis):
        record, found, _ = key.partition(":events")
        if found and ":job:" in record and await call(redis, "HGET", record, "user") == user.encode():
            entries += await call(redis, "XRANGE", key, "-", "+")
    return sorted(entries, key=lambda entry: tuple(map(int, entry[0].split(b"-"))))


async def _read_budgets(redis: RedisClient) -> AsyncGenerator[Counted]:
    async for key in _keys(redis):
        _, _, rest = key.partition(":user:")
        user, found, window = rest.partition(":budget:")
        if found:
            used, held = await call(redis, "HMGET", key, "used", "held")
            yield Counted(user=user, window=window, used=int(used or 0), held=int(held or 0))


async def _read_rows(url: str) -> list[Saved]:
    connection = await connect_postgres(url)
    try:
        rows = await connection.fetch(ROWS)
    finally:
        await connection.close()
    return [
        Saved(
            job_id=row["id"],
            user=row["user_id"],
            kind=row["kind"],
            state=row["status"],
            attempt=row["attempt"],
            tokens=row["tokens"],
            windows=tuple(row["windows"]),
            created_at=row["created_at"],
            finished_at=row["finished_at"],
            code=row["code"],
        )
        for row in rows
    ]


async def _count_pending(redis: RedisClient, stream: str) -> int:
    if not await call(redis, "EXISTS", stream):
        return 0
    return int((await call(redis, "XPENDING", stream, keys.GROUP))["pending"])


async def _keys(redis: RedisClient) -> AsyncGenerator[str]:
    async for key in cast(Any, redis).scan_iter(count=1_000):
        yield key.decode()
