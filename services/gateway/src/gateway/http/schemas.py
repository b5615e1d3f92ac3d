"""What the API answers with: jobs and collections as their owner sees them, in the reader's language."""

from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from gateway.jobs.job_queries import Seen
from shared.domain.jobs.job import JobState, Kind
from shared.domain.jobs.record import FinalJob, Record
from shared.domain.study.material import Flashcard, Quality, QuizQuestion, Result
from shared.domain.text.language import Language
from shared.domain.usage import Usage
from shared.runtime.http.problem_details import ProblemView, view_problem

COLLECTION_STATUS = {
    JobState.QUEUED: "processing",
    JobState.RUNNING: "processing",
    JobState.SUCCEEDED: "ready",
    JobState.FAILED: "failed",
}
"""A cancelled one is gone."""


class ProgressView(Struct, frozen=True):
    """Parts finished, of how many. Both 0 until that is known."""

    done: int
    total: int


class UsageView(Struct, frozen=True):
    """Tokens: spent so far, and still held."""

    prompt_tokens: int
    completion_tokens: int
    held_tokens: int


class LinksView(Struct, frozen=True):
    self: str
    events: str


class JobView(Struct, frozen=True, kw_only=True):
    """A job. `result` is null until it has succeeded, and left out of lists."""

    id: str
    object: Literal["job"] = "job"
    kind: Kind
    status: JobState
    created_at: str
    started_at: str | None
    finished_at: str | None
    attempts: int
    progress: ProgressView
    model: str | None
    generated_by: str | None
    """`openai`, or `offline` for the generator that needs no model."""
    fallback_used: bool
    usage: UsageView
    result: Result | UnsetType | None = UNSET
    error: ProblemView | None
    """Why it failed; while it is unfinished, why the last attempt did."""
    links: LinksView


class CollectionView(Struct, frozen=True, kw_only=True):
    """A study collection. Its material is empty until it is `ready`, and left out of lists."""

    id: str
    object: Literal["collection"] = "collection"
    title: str
    status: Literal["processing", "ready", "failed"]
    language: Language | None
    created_at: str
    finished_at: str | None
    progress: ProgressView
    flashcards: list[Flashcard] | UnsetType = UNSET
    quiz: list[QuizQuestion] | UnsetType = UNSET
    quality: Quality | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    """The source, which the offsets of every quote refer to."""
    job_id: str
    model: str | None
    generated_by: str | None
    usage: UsageView
    error: ProblemView | None
    links: LinksView


class _Material(Struct, frozen=True):
    """A stored collection, cut at its first level: the parts go out as the bytes they are."""

    title: str
    language: str
    flashcards: Raw
    quiz: Raw
    quality: Raw
    text: Raw


def view_job(seen: Seen, *, language: str, with_result: bool = True) -> JobView:
    """A stored result goes out as the bytes it is."""
    job = seen.job
    view = JobView(
        id=job.id,
        kind=Kind(job.kind),
        status=job.state,
        created_at=rfc3339(job.created_at),
        started_at=_moment(job.started_at),
        finished_at=_moment(job.finished_at),
        attempts=job.attempt,
        progress=_progress(seen),
        model=_made(job, "model"),
        generated_by=_made(job, "generated_by"),
        fallback_used=isinstance(job, FinalJob) and job.fallback_used,
        usage=_usage(job),
        error=_error(job, language),
        links=_links("ai", job.id),
    )
    if not with_result:
        return view
    result = Raw(job.result) if isinstance(job, FinalJob) and job.result else None
    return msgspec.structs.replace(view, result=result)


def view_collection(seen: Seen, *, language: str, with_material: bool = True) -> CollectionView:
    job = seen.job
    material = _material(job)
    view = CollectionView(
        id=job.id,
        title=material.title if material else job.title,
        status=COLLECTION_STATUS[job.state],  # pyright: ignore[reportArgumentType] - the table's values are its three words
        language=Language(material.language) if material else None,
        created_at=rfc3339(job.created_at),
        finished_at=_moment(job.finished_at),
        progress=_progress(seen),
        job_id=job.id,
        model=_made(job, "model"),
        generated_by=_made(job, "generated_by"),
        usage=_usage(job),
        error=_error(job, language),
        links=_links("collections", job.id),
    )
    if not with_material:
        return view
    empty = Raw(b"[]")
    return msgspec.structs.replace(
        view,
        flashcards=material.flashcards if material else empty,
        quiz=material.quiz if material else empty,
        quality=material.quality if material else None,
        text=material.text if material else None,
    )


def rfc3339(moment: float) -> str:
    """Unix seconds as RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entity_tag(seen: Seen, *, language: str) -> str:
    """Strong: changes whenever the answer would. A final job changes no more, wherever it is read from."""
    job = seen.job
    if job.state.is_final or not isinstance(job, Record):
        return f'"{job.state}-{job.attempt}-{language}"'
    return f'"{job.version:x}-{language}"'


def _material(job: Record | FinalJob) -> _Material | None:
    if isinstance(job, FinalJob) and job.kind == Kind.COLLECTION and job.result:
        return msgspec.json.decode(job.result, type=_Material)
    return None


def _moment(moment: float) -> str | None:
    return rfc3339(moment) if moment else None


def _made(job: Record | FinalJob, field: str) -> str | None:
    return getattr(job, field) or None if isinstance(job, FinalJob) else None


def _progress(seen: Seen) -> ProgressView:
    return ProgressView(seen.record.done, seen.record.total) if seen.record else ProgressView(0, 0)


def _usage(job: Record | FinalJob) -> UsageView:
    spent: Usage = job.usage if isinstance(job, FinalJob) else job.spent
    return UsageView(
        spent.prompt_tokens, spent.completion_tokens, 0 if isinstance(job, FinalJob) else job.held
    )


def _error(job: Record | FinalJob, language: str) -> ProblemView | None:
    return view_problem(job.problem, language=language) if job.problem else None


def _links(collection: str, job_id: str) -> LinksView:
    path = f"/api/{collection}/{job_id}"
    return LinksView(path, f"{path}/events")
