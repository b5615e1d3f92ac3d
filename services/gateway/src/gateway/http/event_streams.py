"""Event streams of users and jobs: localised, resumable, and closed when the job ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.metrics import GatewayMetrics
from shared.adapters.redis.event_log import EventLog
from shared.domain.jobs.events import Event, EventName, Finished, StatusChanged
from shared.domain.jobs.job import JobId, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.timestamps import to_rfc3339
from shared.domain.usage import Usage
from shared.runtime.http.problem_details import ProblemView, view_problem
from shared.runtime.http.sse import HEARTBEAT, EventStream, encode_event


class StatusView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of `status`: `queued` (accepted, or waiting after a failed attempt) or `running`."""

    job_id: str
    kind: str
    status: Literal["queued", "running"]
    attempt: int
    error: ProblemView | None = None
    """Why the last attempt failed."""
    retry_at: str | None = None


class DoneView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of `done`, the last event of a job."""

    job_id: str
    kind: str
    status: Literal["succeeded", "failed", "cancelled"]
    usage: Usage
    error: ProblemView | None = None


class EventStreams:
    """Opens streams of the events of a user."""

    def __init__(
        self, log: EventLog, *, heartbeat_seconds: float, closing: asyncio.Event, metrics: GatewayMetrics
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._heartbeat_seconds = heartbeat_seconds
        self._closing = closing

    def follow(
        self, user: UserId, job_id: JobId | None = None, *, after: str | None, language: str
    ) -> EventStream:
        """The events of one job up to its `done`, or of all jobs of the user.

        Without `after` the stream begins at the start of the log, so that nothing is missed.
        """
        tail = self._log.tail(user, job_id=job_id, after=after, heartbeat_seconds=self._heartbeat_seconds)
        return EventStream(self._live(tail, language), self._closing)

    async def for_final_job(
        self, job: JobSnapshot, *, after: str | None, language: str
    ) -> EventStream | None:
        """The logged events of a job that has ended, or None if there are none after `after`.

        Without `after` the stream has at least the `done`, even when the log has expired.
        """
        logged = self._logged(job.user, job.id, after)
        chunks = [_encode(event, language) async for event in logged if event is not None]
        if not chunks and after is not None:
            return None
        return EventStream(_replayed(chunks or [_done_of(job, language)]), self._closing)

    async def _live(self, tail: AsyncGenerator[Event | None], language: str) -> AsyncGenerator[bytes]:
        since = self._metrics.now()
        self._metrics.stream_opened()
        try:
            async with aclosing(tail) as events:
                async for event in events:
                    if event is None:
                        yield HEARTBEAT
                    else:
                        yield _encode(event, language)
                        # the server has asked for the next event, so this one is written
                        self._metrics.event_delivered(event.id, since=since)
        finally:
            self._metrics.stream_closed()

    async def _logged(self, user: UserId, job_id: JobId, after: str | None) -> AsyncGenerator[Event | None]:
        """The events that are in the log now."""
        async with aclosing(self._log.tail(user, job_id=job_id, after=after, heartbeat_seconds=0)) as events:
            async for event in events:
                if event is None:
                    return
                yield event


def _encode(event: Event, language: str) -> bytes:
    return encode_event(event.name, _data(event, language), event.id)


async def _replayed(chunks: list[bytes]) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        yield chunk


def _data(event: Event, language: str) -> bytes:
    """Localises problems and formats times; other events are sent as they are stored."""
    match event.name:
        case EventName.STATUS:
            return _status_data(msgspec.json.decode(event.data, type=StatusChanged), language)
        case EventName.DONE:
            return _done_data(msgspec.json.decode(event.data, type=Finished), language)
        case _:
            return event.data


def _status_data(status: StatusChanged, language: str) -> bytes:
    return msgspec.json.encode(
        StatusView(
            job_id=status.job_id,
            kind=status.kind,
            status=status.status,  # pyright: ignore[reportArgumentType] - the scripts write no other
            attempt=status.attempt,
            error=view_problem(status.problem, language=language) if status.problem else None,
            retry_at=None if status.retry_at is None else to_rfc3339(status.retry_at),
        )
    )


def _done_data(finished: Finished, language: str) -> bytes:
    return msgspec.json.encode(
        DoneView(
            job_id=finished.job_id,
            kind=finished.kind,
            status=finished.status,  # pyright: ignore[reportArgumentType] - the scripts write no other
            usage=finished.usage,
            error=view_problem(finished.problem, language=language) if finished.problem else None,
        )
    )


def _done_of(job: JobSnapshot, language: str) -> bytes:
    finished = Finished(
        job_id=job.id,
        kind=job.kind,
        status=job.state,
        usage=job.usage,
        problem=job.problem,
    )
    return encode_event(EventName.DONE, _done_data(finished, language))
