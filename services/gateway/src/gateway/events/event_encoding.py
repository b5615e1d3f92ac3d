"""How events are sent: problems in the reader's language, times as text."""

from typing import Literal

import msgspec
from msgspec import Struct

from shared.domain.jobs.events import Event, EventName, Finished, StatusChanged
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.timestamps import to_rfc3339
from shared.domain.usage import Usage
from shared.runtime.http.problem_details import ProblemView, view_problem
from shared.runtime.http.sse import encode_event

EXPIRED = encode_event("expired", b"{}")
"""The last event of a stream whose token has expired. The client renews its token and resumes."""


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


def encode(event: Event, language: str) -> bytes:
    return encode_event(event.name, _data(event, language), event.id)


def encode_end(job: JobSnapshot, language: str) -> bytes:
    """The `done` of a job whose log has expired."""
    finished = Finished(job_id=job.id, kind=job.kind, status=job.state, usage=job.usage, problem=job.problem)
    return encode_event(EventName.DONE, _done_data(finished, language))


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
