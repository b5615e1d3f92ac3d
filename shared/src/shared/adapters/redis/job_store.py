"""Jobs as their submitters see them: accepted, looked at, cancelled. Each change is one script, whole or not at all."""

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
from shared.domain.usage import Usage

STREAMS = ",".join(StreamName)

BATCHES_UNDER_WAY = 32
"""Batches that wait for their confirmation at most, each on a connection of its own: half of MAX_CONNECTIONS."""
TOGETHER_SECONDS = 0.05
"""Seconds for which the next batch is gathered at most while one waits for its confirmation."""


class JobStore:
    """The records of jobs. Every method raises `StoreUnavailable` when Redis is away."""

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
        """Accept a job: record, hold, idempotency key and stream entry in one step. Submissions that arrive while a
        call is under way share the next round trip.

        Raises `BudgetExceeded`, `RateLimited`, `TooManyJobs`, `Overloaded`, `IdempotencyConflict`: nothing was written;
        and `NotConfirmed`: it was, but perhaps not yet where it has to be.
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
            *(job.idempotency_key, job.fingerprint, int(now // 60), job.traceparent, STREAMS),
            *window_args(windows(plan, now)),
        ]
        return keys.work_stream(self.shard_of(job.user), stream), args

    async def find(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        """The record, if it lives and is this user's."""
        found = await self.find_many(user, [job_id])
        return found[0] if found else None

    async def find_many(self, user: UserId, ids: Sequence[JobId]) -> list[JobSnapshot]:
        """Those of the jobs that live and are this user's. Payloads stay where they are, however often one asks."""
        if not ids:
            return []
        shard = self.shard_of(user)
        rows = await call_each(self._redis, [("HMGET", keys.record(shard, job_id), *SHOWN) for job_id in ids])
        found = [(job_id, _named(row)) for job_id, row in zip(ids, rows, strict=True)]
        return [to_snapshot(job_id, fields) for job_id, fields in found if fields.get("user") == user]

    async def unfinished(self, user: UserId) -> list[JobId]:
        """Ids of the user's unfinished jobs, newest first."""
        shard = self.shard_of(user)
        rows = await call_many(
            self._redis, [("ZRANGE", keys.live(shard, user, stream), 0, -1) for stream in StreamName]
        )
        return sorted((JobId(job_id.decode()) for row in rows for job_id in row), reverse=True)

    async def cancel(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        """End a job at its user's word; its provider call stops within a renewal. The record as it is then:
        a job that was final is unchanged. None: unknown, or another user's."""
        key = keys.record(self.shard_of(user), job_id)
        if not await scripts.run(self._redis, scripts.CANCEL, key, job_id, user):
            return None
        return await self.find(user, job_id)


def window_args(current: Sequence[Window]) -> list[Arg]:
    """Key, limit and expiry (Unix ms) of each window, as the scripts take them."""
    return [
        arg
        for window in current
        for arg in (window.key, window.limit, int(window.resets_at * 1000) + KEPT_MS)
    ]


def to_balances(current: Sequence[Window], counts: Sequence[int]) -> tuple[Balance, ...]:
    """Pair windows with the used and held counts a script answered, in the same order."""
    return tuple(
        Balance(window, used=counts[2 * i], held=counts[2 * i + 1]) for i, window in enumerate(current)
    )


def raise_refusal(code: int, balances: Sequence[Balance], plan: Plan, *, tokens: int, now: float) -> None:
    """Turn a script's refusal code (see submit.lua, hold.lua) into its error; return when it is none."""
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
        accepted = _accepted(job, answer.answer, policy, now)  # a refusal wrote nothing, and is what it is
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
    *("done", "total", "held", "prompt", "completion", "problem", "retry_at", "title"),
    *("plan", "windows"),
)
"""What `to_snapshot` reads."""


def _named(row: Sequence[bytes | None] | Exception) -> Fields:
    """The fields of a record; none of a key that is no record. Raises the error of an unreachable server."""
    if isinstance(row, ResponseError):
        return {}
    if isinstance(row, Exception):
        raise row
    return {name: _text(value) for name, value in zip(SHOWN, row, strict=True) if value is not None}


async def read_record(redis: RedisClient, shard: int, job_id: JobId) -> JobSnapshot | None:
    """The record of a job, whoever's it is; None where there is none."""
    try:
        row = cast(dict[bytes, bytes], await call(redis, "HGETALL", keys.record(shard, job_id)))
    except ResponseError:  # the key is no hash
        return None
    fields = {_text(name): _text(value) for name, value in row.items() if name != b"payload"}
    return to_snapshot(job_id, fields) if fields else None


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def to_snapshot(job_id: JobId, fields: Fields) -> JobSnapshot:
    """Read the hash that submit.lua writes. A record that cannot be read is shown as a failed job that says so."""
    try:
        return _to_snapshot(job_id, fields)
    except (ValueError, KeyError):  # msgspec's errors are `ValueError`
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
        usage=Usage(int(fields["prompt"]), int(fields["completion"])),
        windows=tuple(fields["windows"].split(",")),
        problem=msgspec.json.decode(problem, type=Problem) if problem else None,
        retry_at=int(fields["retry_at"]) / 1000 if is_due else None,
        title=fields.get("title", ""),
        version=crc32("|".join(fields.get(name, "") for name in changing).encode()),
    )
