"""Jobs for their submitters: accept, read, cancel. Each change is one script, so that it happens whole or not at all."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast
from zlib import crc32

import msgspec
from redis.exceptions import ResponseError

from shared.adapters.batcher import Batcher
from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import Arg, RedisClient
from shared.adapters.redis.connection import RETRY_AFTER_SECONDS, call, call_each, call_many
from shared.adapters.redis.durability import CONFIRMATIONS, Unconfirmed
from shared.domain.budgets import KEPT_MS, Balance, Plan, Window, windows
from shared.domain.errors import (
    BudgetExceeded,
    IdempotencyConflict,
    NotConfirmed,
    Overloaded,
    Problem,
    RateLimited,
    TooManyJobs,
    UnreadableRecord,
)
from shared.domain.jobs.job import JobId, JobState, StreamName, UserId
from shared.domain.jobs.job_id import accepted_at
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.payload import WIRE_VERSION
from shared.domain.jobs.submission import Accepted, Durability, Submission
from shared.domain.timestamps import to_rfc3339
from shared.domain.usage import consistent_usage

STREAMS = ",".join(StreamName)

BATCHES_UNDER_WAY = 32
"""Maximum number of batches that wait for confirmation. Each holds a connection, so this is half of MAX_CONNECTIONS."""
TOGETHER_SECONDS = 0.05
"""Longest time, in seconds, that a batch is gathered while another waits for its confirmation."""


class JobStore:
    """Records of jobs. Every method raises `StoreUnavailable` when Redis is unreachable."""

    def __init__(
        self,
        redis: RedisClient,
        *,
        shards: int,
        policy: JobPolicy | None = None,
        durability: Durability = Durability.MEMORY,
    ) -> None:
        self._redis = redis
        self._shards = shards
        self._policy = policy or JobPolicy()
        self._confirm = CONFIRMATIONS[durability]
        self._submissions = Batcher(
            self._send,
            in_flight=BATCHES_UNDER_WAY if self._confirm else 1,
            linger_seconds=TOGETHER_SECONDS,
            fails_waiting=True,
        )

    def shard_of(self, user: UserId) -> int:
        return keys.shard_of(user, self._shards)

    async def submit(self, submission: Submission, *, now: float) -> Accepted:
        """Accept a job: write its record, hold, idempotency key and stream entry in one step. Submissions that arrive
        while a call is under way share the next round trip.

        Raises `BudgetExceeded`, `RateLimited`, `TooManyJobs`, `Overloaded` or `IdempotencyConflict` if nothing was
        written, and `NotConfirmed` if the job was written but its durability was not confirmed in time.
        """
        return _accepted(submission, await self._submissions.add((submission, now)), self._policy, now)

    async def _send(self, batch: Sequence[tuple[Submission, float]]) -> list[Any]:
        calls = [self._submit_call(submission, now) for submission, now in batch]
        return await scripts.run_many(self._redis, scripts.SUBMIT, calls, confirm=self._confirm)

    def _submit_call(self, job: Submission, now: float) -> tuple[str, list[Arg]]:
        plan, stream = job.plan, job.kind.stream
        args: list[Arg] = [
            *(job.id, job.user, job.kind, WIRE_VERSION, stream, job.payload),
            *(job.plan_name, job.request_id, job.title, job.hold_tokens),
            *(
                plan.requests_per_minute,
                plan.concurrent_jobs,
                plan.unfinished_jobs,
                self._policy.backlog_entries,
            ),
            *(
                job.idempotency_key,
                job.fingerprint,
                int(now // 60),
                job.traceparent,
                STREAMS,
                keys.pseudonym(job.user),
            ),
            *window_args(windows(plan, now)),
        ]
        return keys.work_stream(self.shard_of(job.user), stream), args

    async def find(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        """Return the job, or None if it is unknown, expired or another user's."""
        found = await self.find_many(user, [job_id])
        return found[0] if found else None

    async def find_many(self, user: UserId, ids: Sequence[JobId]) -> list[JobSnapshot]:
        """Return those of the jobs that exist and are this user's. Payloads are not fetched, because they can be large."""
        found = await read_records(self._redis, self.shard_of(user), ids)
        return [job for job in found if job.user == user]

    async def is_known_key(self, user: UserId, key: str) -> bool:
        """Whether a job was submitted with this idempotency key."""
        return bool(await call(self._redis, "EXISTS", keys.idempotency(self.shard_of(user), user, key)))

    async def unfinished(self, user: UserId) -> list[JobId]:
        """Return the ids of the user's unfinished jobs, newest first."""
        shard = self.shard_of(user)
        rows = await call_many(
            self._redis, [("ZRANGE", keys.live(shard, user, stream), 0, -1) for stream in StreamName]
        )
        return sorted((JobId(job_id.decode()) for row in rows for job_id in row), reverse=True)

    async def cancel(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        """Cancel a job; a running provider call stops at the next lease renewal. Returns the job as it is afterwards: a
        final job is unchanged. Returns None if the job is unknown or another user's."""
        key = keys.record(self.shard_of(user), job_id)
        if not await scripts.run(self._redis, scripts.CANCEL, key, job_id, user):
            return None
        return await self.find(user, job_id)


def window_args(current: Sequence[Window]) -> list[Arg]:
    """Return the script arguments of each window: key, limit (tokens) and expiry (Unix ms)."""
    return [
        arg
        for window in current
        for arg in (window.key, window.limit, int(window.resets_at * 1000) + KEPT_MS)
    ]


def to_balances(current: Sequence[Window], counts: Sequence[int]) -> tuple[Balance, ...]:
    """Pair windows with the used and held tokens of a script's reply, which has the same order."""
    return tuple(
        Balance(window, used=counts[2 * i], held=counts[2 * i + 1]) for i, window in enumerate(current)
    )


def raise_refusal(code: int, balances: Sequence[Balance], plan: Plan, *, tokens: int, now: float) -> None:
    """Raise the error of a script's refusal code (see submit.lua, hold_tokens.lua). Other codes raise nothing."""
    if code == -2:
        raise RateLimited(retry_after=math.ceil(60 - now % 60), limit=plan.requests_per_minute)
    if code <= -5:
        balance = balances[-code - 5]
        window = balance.window
        raise BudgetExceeded(
            retry_after=math.ceil(window.resets_at - now),
            window=window.name,
            left=balance.left,
            needed=tokens,
            resets_at=to_rfc3339(window.resets_at),
        )


def _accepted(job: Submission, answer: list[Any] | Unconfirmed, policy: JobPolicy, now: float) -> Accepted:
    if isinstance(answer, Unconfirmed):
        accepted = _accepted(job, answer.answer, policy, now)  # a refusal raises: it wrote nothing to confirm
        raise NotConfirmed(job=accepted.job_id, retry_after=RETRY_AFTER_SECONDS)
    reply = scripts.SUBMIT.read(answer)
    code, balances = reply.code, to_balances(windows(job.plan, now), reply.counts)
    if code == -1:
        raise IdempotencyConflict
    if code == -3:
        raise TooManyJobs(limit=job.plan.unfinished_jobs, retry_after=10)
    if code == -4:
        raise Overloaded(retry_after=policy.overload_retry_seconds)
    raise_refusal(code, balances, job.plan, tokens=job.hold_tokens, now=now)
    return Accepted(
        job_id=JobId(reply.job.decode()),
        is_replay=code == 2,
        balances=balances,
        requests_left=max(0, job.plan.requests_per_minute - reply.requests),
    )


Fields = Mapping[str, str]
SHOWN = (
    *("user", "kind", "state", "attempt", "failures", "created", "started", "finished"),
    *(
        "done",
        "total",
        "held",
        "prompt",
        "completion",
        "cached",
        "reasoning",
        "reused",
        "problem",
        "retry_at",
        "title",
    ),
    *("plan", "windows", "removed"),
)
"""Fields of the record that `to_snapshot` reads."""


def _named(row: Sequence[bytes | None] | Exception) -> Fields:
    """Return the fields of a record by name. A key that holds no hash has none. Raises the error of an unreachable server."""
    if isinstance(row, ResponseError):
        return {}
    if isinstance(row, Exception):
        raise row
    return {name: _text(value) for name, value in zip(SHOWN, row, strict=True) if value is not None}


async def read_records(redis: RedisClient, shard: int, ids: Sequence[JobId]) -> list[JobSnapshot]:
    """Return those of the jobs that have a record, whichever user they belong to, in one round trip."""
    if not ids:
        return []
    rows = await call_each(redis, [("HMGET", keys.record(shard, job_id), *SHOWN) for job_id in ids])
    found = [(job_id, _named(row)) for job_id, row in zip(ids, rows, strict=True)]
    return [to_snapshot(job_id, fields) for job_id, fields in found if fields]


async def read_record(redis: RedisClient, shard: int, job_id: JobId) -> JobSnapshot | None:
    """Return a job whichever user it belongs to, or None if it has no record."""
    try:
        row = cast(dict[bytes, bytes], await call(redis, "HGETALL", keys.record(shard, job_id)))
    except ResponseError:  # the key holds no hash
        return None
    fields = {_text(name): _text(value) for name, value in row.items() if name != b"payload"}
    return to_snapshot(job_id, fields) if fields else None


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def to_snapshot(job_id: JobId, fields: Fields) -> JobSnapshot:
    """Convert a record, the hash that submit.lua creates, to a snapshot. A record that cannot be read becomes a failed job
    with the problem `unreadable_record`."""
    try:
        return _to_snapshot(job_id, fields)
    except (ValueError, KeyError):  # msgspec's errors are subclasses of `ValueError`
        return JobSnapshot(
            id=job_id,
            user=UserId(fields.get("user", "")),
            kind=fields.get("kind", ""),
            state=JobState.FAILED,
            attempt=0,
            created_at=accepted_at(job_id),
            started_at=0.0,
            finished_at=accepted_at(job_id),
            plan=fields.get("plan", ""),
            problem=UnreadableRecord().problem,
        )


def _to_snapshot(job_id: JobId, fields: Fields) -> JobSnapshot:
    state = JobState(fields["state"])
    problem = fields.get("problem")
    is_due = state is JobState.QUEUED and "retry_at" in fields
    changing = ("state", "attempt", "failures", "done", "total", "retry_at", "prompt", "completion")
    return JobSnapshot(
        id=job_id,
        user=UserId(fields["user"]),
        kind=fields["kind"],
        state=state,
        attempt=int(fields["attempt"]),
        created_at=int(fields["created"]) / 1000,
        started_at=int(fields["started"]) / 1000,
        finished_at=int(fields.get("finished", 0)) / 1000,
        done=int(fields.get("done", 0)),
        total=int(fields.get("total", 0)),
        plan=fields["plan"],
        held=int(fields["held"]),
        usage=consistent_usage(
            *(int(fields["prompt"]), int(fields["completion"])),
            *(int(fields.get(name, 0)) for name in ("cached", "reasoning", "reused")),
        ),
        windows=tuple(fields["windows"].split(",")),
        problem=msgspec.json.decode(problem, type=Problem) if problem else None,
        retry_at=int(fields["retry_at"]) / 1000 if is_due else None,
        title=fields.get("title", ""),
        is_erased="removed" in fields,
        version=crc32("|".join(fields.get(name, "") for name in changing).encode()),
    )
