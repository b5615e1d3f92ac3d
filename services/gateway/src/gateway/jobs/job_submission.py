"""Submits jobs: prices the input, accepts the job in one step, and waits for its result when the caller prefers to."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TypeVar, TypeVarTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request

from gateway.auth.authenticator import Caller
from gateway.http.request_headers import idempotency_key, wait_seconds
from gateway.http.responses import request_id_of
from gateway.jobs.job_queries import JobQueries
from gateway.metrics import GatewayMetrics
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.llm.token_counter import count_tokens
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.budgets import Plan, WindowName
from shared.domain.errors import NotFound, NotReady, StoreUnavailable, TooLargeForPlan
from shared.domain.generation.hold import fitting_beginning, hold_for
from shared.domain.jobs.job import JobId, JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.payload import CollectionInput, ItemsInput, JobInput, encode_input
from shared.domain.jobs.submission import Accepted, Submission
from shared.domain.tracing import SpanName, Tracer
from shared.runtime.http.disconnect import until_disconnect
from shared.runtime.http.rate_limit_headers import Requests, limit_headers

POLL_SECONDS = 2
"""`Retry-After` of an unfinished job, for callers that poll."""
LARGE_CHARACTERS = 50_000
"""Texts from this length take milliseconds to encode and to count, which a thread does."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Submitted(Struct, frozen=True):
    """The job as its submitter sees it, and the response headers of the submission."""

    job: JobSnapshot
    headers: dict[str, str]


class JobSubmitter:
    def __init__(
        self,
        store: JobStore,
        events: EventLog,
        jobs: JobQueries,
        *,
        clock: Callable[[], float],
        new_id: Callable[[float], JobId],
        closing: asyncio.Event,
        metrics: GatewayMetrics,
        tracer: Tracer,
    ) -> None:
        self._store = store
        self._events = events
        self._jobs = jobs
        self._clock = clock
        self._new_id = new_id
        self._closing = closing
        self._metrics = metrics
        self._tracer = tracer

    async def submit(
        self,
        request: Request,
        caller: Caller,
        kind: Kind,
        job_input: JobInput,
        *,
        repeatable: bytes | None = None,
    ) -> Submitted:
        """`repeatable` is what a repetition with the same idempotency key has to repeat, if it is not the whole input.

        Raises the refusals of `JobStore.submit`, `ModelNotAllowed`, `TooManyItems`, `InvalidIdempotencyKey`, `TooLargeForPlan`,
        and `NotFound` or `NotReady` for a known collection."""
        caller.plan.models.require_allowed(job_input.options.model)
        caller.plan.require_items(job_input.options)
        await self._require_ready(caller, job_input.options.known)
        now = self._clock()
        key = idempotency_key(request)
        payload = await _in_thread_if_large(job_input, encode_input, job_input)
        submission = Submission(
            id=self._new_id(now),
            user=caller.user,
            kind=kind,
            payload=payload,
            plan_name=caller.plan_name,
            plan=caller.plan,
            hold_tokens=await price(kind, job_input, caller.plan),
            request_id=request_id_of(request),
            title=_title_of(job_input),
            idempotency_key=key,
            fingerprint=await _in_thread_if_large(job_input, _fingerprint, kind, repeatable or payload)
            if key
            else "",
        )
        accepted = await self._accept(submission, now)
        self._metrics.accepted(kind, caller.plan_name, is_replay=accepted.is_replay)
        seconds = wait_seconds(request)
        job = await self._find_later(request, submission, accepted, seconds) or _as_accepted(submission, now)
        headers = _headers(job, accepted, caller, now=now)
        if seconds and job.state.is_final:
            headers["Preference-Applied"] = f"wait={seconds:.0f}"
        return Submitted(job, headers)

    async def _require_ready(self, caller: Caller, collections: Sequence[UUID]) -> None:
        for job_id in collections:
            collection = await self._jobs.find(caller.user, str(job_id), (Kind.COLLECTION,))
            if collection is None:
                raise NotFound
            if not collection.state.is_final:
                raise NotReady(retry_after=POLL_SECONDS)

    async def was_submitted(self, request: Request, caller: Caller) -> bool:
        """Whether a job was submitted with the idempotency key of the request."""
        key = idempotency_key(request)
        return bool(key) and await self._store.is_known_key(caller.user, key)

    async def _accept(self, submission: Submission, now: float) -> Accepted:
        with self._tracer.span(SpanName.SUBMIT, kind=submission.kind, job_id=submission.id) as span:
            return await self._store.submit(replace(submission, traceparent=span.traceparent), now=now)

    async def _find_later(
        self, request: Request, submission: Submission, accepted: Accepted, seconds: float
    ) -> JobSnapshot | None:
        """The job as it is after the preferred wait. None when nothing is known beyond its acceptance."""
        if not seconds and not accepted.is_replay:
            return None
        try:
            if seconds:
                await self._until_done(request, submission, accepted.job_id, seconds)
            job = await self._jobs.find(submission.user, accepted.job_id, [submission.kind])
        except StoreUnavailable:
            if accepted.is_replay:
                raise
            return None  # a 503 would mean that nothing was accepted
        if job is None:  # it has been removed meanwhile
            raise NotFound
        return job

    async def _until_done(
        self, request: Request, submission: Submission, job_id: JobId, seconds: float
    ) -> None:
        """Returns when the job is final, the time is over or the client has disconnected."""
        tail = self._events.tail(submission.user, job_id=job_id, heartbeat_seconds=seconds)
        async with aclosing(tail) as events, until_disconnect(request.receive, closing=self._closing):
            try:
                async with asyncio.timeout(seconds):
                    async for _ in events:
                        pass
            except TimeoutError:
                return


async def price(kind: Kind, job_input: JobInput, plan: Plan | None = None) -> int:
    """The tokens to hold for the job. Raises `TooLargeForPlan` if no window of the plan can ever hold so many."""
    return await _in_thread_if_large(job_input, _price, kind, job_input, plan)


async def _in_thread_if_large(job_input: JobInput, work: Callable[[*Ts], T], *args: *Ts) -> T:
    if len(job_input.text) < LARGE_CHARACTERS:
        return work(*args)
    return await run_in_cpu_pool(work, *args)


def _price(kind: Kind, job_input: JobInput, plan: Plan | None) -> int:
    hold = hold_for(kind, job_input, count_tokens)
    if plan is None:
        return hold
    limit, window = min((plan.tokens_per_day, WindowName.DAY), (plan.tokens_per_month, WindowName.MONTH))
    if hold > limit:
        fits = fitting_beginning(kind, job_input.options, job_input.text, limit, count_tokens)
        raise TooLargeForPlan(window=window, limit=limit, needed=hold, characters=fits)
    return hold


def _title_of(job_input: JobInput) -> str:
    """The `title` of the record."""
    match job_input:
        case CollectionInput():
            return job_input.title
        case ItemsInput():
            return job_input.collection_id
        case _:
            return ""


def _fingerprint(kind: Kind, payload: bytes) -> str:
    """Identifies the content of a submission, regardless of how its JSON was formatted."""
    return hashlib.sha256(kind.encode() + b"\0" + payload).hexdigest()


def _as_accepted(submission: Submission, now: float) -> JobSnapshot:
    return JobSnapshot(
        id=submission.id,
        user=submission.user,
        kind=submission.kind,
        state=JobState.QUEUED,
        created_at=now,
        held=submission.hold_tokens,
        title=submission.title,
    )


def _headers(job: JobSnapshot, accepted: Accepted, caller: Caller, *, now: float) -> dict[str, str]:
    requests = Requests(caller.plan.requests_per_minute, accepted.requests_left)
    headers = limit_headers(accepted.balances, now=now, requests=requests)
    if accepted.is_replay:
        headers["Idempotent-Replayed"] = "true"
    if not job.state.is_final:
        headers["Retry-After"] = str(POLL_SECONDS)
    return headers
