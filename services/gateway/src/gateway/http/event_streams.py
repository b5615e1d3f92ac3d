"""Events as listeners get them: in their language, resumable, and ended when the job is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.http.schemas import rfc3339
from gateway.metrics import GatewayMetrics
from shared.adapters.redis.event_log import EventLog
from shared.domain.jobs.events import Event, EventName, Finished, StatusChanged
from shared.domain.jobs.job import JobId, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.usage import Usage
from shared.runtime.http.problem_details import ProblemView, view_problem
from shared.runtime.http.sse import HEARTBEAT, EventStream, encode_event


class StatusView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """data of `status`: `queued` (accepted, or again after a failed attempt) or `running`."""

    job_id: str
    kind: str
    status: Literal["queued", "running"]
    attempt: int
    error: ProblemView | None = None
    """Why the last attempt failed."""
    retry_at: str | None = None


class DoneView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """data of `done`, the last event of a job."""

    job_id: str
    kind: str
    status: Literal["succeeded", "failed", "cancelled"]
    usage: Usage
    error: ProblemView | None = None


class Listening:
    """Makes streams of a user's events."""

    def __init__(
        self, log: EventLog, *, heartbeat_seconds: float, closing: asyncio.Event, watch: GatewayMetrics
    ) -> None:
        self._log = log
        self._watch = watch
        self._heartbeat_seconds = heartbeat_seconds
        self._closing = closing

    def to_user(self, user: UserId, *, after: str | None, language: str) -> EventStream:
        """Everything of theirs. Without `after` from the log's start, so that nothing is missed after a first look."""
        tail = self._log.tail(user, after=after, heartbeat_seconds=self._heartbeat_seconds)
        return EventStream(self._live(tail, language), self._closing)

    def to_job(self, user: UserId, job_id: JobId, *, after: str | None, language: str) -> EventStream:
        """One job's, until its `done`."""
        tail = self._log.tail(user, job_id=job_id, after=after, heartbeat_seconds=self._heartbeat_seconds)
        return EventStream(self._live(tail, language), self._closing)

    async def to_final(self, job: JobSnapshot, *, after: str | None, language: str) -> EventStream | None:
        """What is left to tell of a job that is over; its `done` at least, for who has heard nothing. None: nothing."""
        logged = self._logged(job.user, job.id, after)
        heard = [_told(event, language) async for event in logged if event is not None]
        if not heard and after is not None:
            return None
        return EventStream(_replayed(heard or [_done_of(job, language)]), self._closing)

    async def _live(self, tail: AsyncGenerator[Event | None], language: str) -> AsyncGenerator[bytes]:
        since = self._watch.now()
        self._watch.stream_began()
        try:
            async with aclosing(tail) as events:
                async for event in events:
                    if event is None:
                        yield HEARTBEAT
                    else:
                        yield _told(event, language)
                        self._watch.heard(event.id, since=since)  # asked for more: it is written
        finally:
            self._watch.stream_ended()

    async def _logged(self, user: UserId, job_id: JobId, after: str | None) -> AsyncGenerator[Event | None]:
        """What stands in the log now."""
        async with aclosing(self._log.tail(user, job_id=job_id, after=after, heartbeat_seconds=0)) as events:
            async for event in events:
                if event is None:
                    return
                yield event


def _told(event: Event, language: str) -> bytes:
    return encode_event(event.name, _data(event, language), event.id)


async def _replayed(chunks: list[bytes]) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        yield chunk


def _data(event: Event, language: str) -> bytes:
    """As the API shows it: problems in the reader's language, times as text. The rest passes as it is."""
    match event.name:
        case EventName.STATUS:
            return _status_data(msgspec.json.decode(event.data, type=StatusChanged), language)
        case EventName.DONE:
            return _done_data(msgspec.json.decode(event.data, type=Finished), language)
        case _:
            return event.data


def _status_data(told: StatusChanged, language: str) -> bytes:
    return msgspec.json.encode(
        StatusView(
            job_id=told.job_id,
            kind=told.kind,
            status=told.status,  # pyright: ignore[reportArgumentType] - the scripts write no other
            attempt=told.attempt,
            error=view_problem(told.problem, language=language) if told.problem else None,
            retry_at=None if told.retry_at is None else rfc3339(told.retry_at),
        )
    )


def _done_data(told: Finished, language: str) -> bytes:
    return msgspec.json.encode(
        DoneView(
            job_id=told.job_id,
            kind=told.kind,
            status=told.status,  # pyright: ignore[reportArgumentType] - the scripts write no other
            usage=told.usage,
            error=view_problem(told.problem, language=language) if told.problem else None,
        )
    )


def _done_of(job: JobSnapshot, language: str) -> bytes:
    told = Finished(
        job_id=job.id,
        kind=job.kind,
        status=job.state,
        usage=job.usage,
        problem=job.problem,
    )
    return encode_event(EventName.DONE, _done_data(told, language))
