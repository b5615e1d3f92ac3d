"""Response schemas of jobs and collections."""

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from shared.domain.jobs.job import JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.material import Flashcard, Quality, QuizQuestion, Result
from shared.domain.timestamps import to_rfc3339
from shared.runtime.http.problem_details import ProblemView, view_problem

COLLECTION_STATUS = {
    JobState.QUEUED: "processing",
    JobState.RUNNING: "processing",
    JobState.SUCCEEDED: "ready",
    JobState.FAILED: "failed",
}
"""A cancelled collection is removed, so it has no status."""


class ProgressView(Struct, frozen=True):
    """Finished parts of all parts. Both are 0 until the number of parts is known."""

    done: int
    total: int


class UsageView(Struct, frozen=True, omit_defaults=True):
    """Tokens used so far, and tokens still held."""

    prompt_tokens: int
    completion_tokens: int
    held_tokens: int
    cached_tokens: int = 0
    """How many of the prompt tokens the server read from its prompt cache; absent if none."""
    reasoning_tokens: int = 0
    """How many of the completion tokens the model spent on thinking; absent if none."""
    reused: int = 0
    """How many calls were not made, because you had bought the same before; absent if none. They cost no tokens."""


class LinksView(Struct, frozen=True):
    self: str
    events: str


class JobView(Struct, frozen=True, kw_only=True):
    """A job. `result` is null until it has succeeded; lists leave it out."""

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
    """Why the job failed; while it is unfinished, why its last attempt failed."""
    links: LinksView


class CollectionView(Struct, frozen=True, kw_only=True):
    """A study collection. Its material is empty until it is `ready`; lists leave it out."""

    id: str
    object: Literal["collection"] = "collection"
    etag: str | None
    """The `ETag` of the collection in this language; null while it is being made, because it cannot be changed then."""
    title: str
    status: Literal["processing", "ready", "failed"]
    language: str | None
    created_at: str
    finished_at: str | None
    progress: ProgressView
    flashcards: list[Flashcard] | UnsetType = UNSET
    quiz: list[QuizQuestion] | UnsetType = UNSET
    quality: Quality | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    """The source text, which the offsets of quotes refer to."""
    job_id: str
    model: str | None
    generated_by: str | None
    usage: UsageView
    error: ProblemView | None
    links: LinksView


class ItemView(Struct, frozen=True, kw_only=True):
    """A card or a question of a collection."""

    object: Literal["item"] = "item"
    collection_id: str
    etag: str
    """The `ETag` of the collection."""
    flashcard: Flashcard | UnsetType = UNSET
    question: QuizQuestion | UnsetType = UNSET


class _Material(Struct, frozen=True):
    """A stored collection, decoded at its first level only: its parts are sent as the bytes that were stored."""

    language: str
    flashcards: Raw
    quiz: Raw
    quality: Raw
    text: Raw


def view_job(job: JobSnapshot, *, language: str, with_result: bool = True) -> JobView:
    """The result is sent as the bytes that were stored."""
    view = JobView(
        id=job.id,
        kind=Kind(job.kind),
        status=job.state,
        created_at=to_rfc3339(job.created_at),
        started_at=_moment(job.started_at),
        finished_at=_moment(job.finished_at),
        attempts=job.attempt,
        progress=ProgressView(job.done, job.total),
        model=job.model or None,
        generated_by=job.generated_by or None,
        fallback_used=job.fallback_used,
        usage=_usage(job),
        error=_error(job, language),
        links=_links("ai", job.id),
    )
    if not with_result:
        return view
    return msgspec.structs.replace(view, result=Raw(job.result) if job.result else None)


def view_collection(job: JobSnapshot, *, language: str, with_material: bool = True) -> CollectionView:
    material = _material(job)
    view = CollectionView(
        id=job.id,
        etag=entity_tag(job, language=language) if job.state.is_final else None,
        title=job.title,
        status=COLLECTION_STATUS[job.state],  # pyright: ignore[reportArgumentType] - the table holds exactly these values
        language=material.language if material else None,
        created_at=to_rfc3339(job.created_at),
        finished_at=_moment(job.finished_at),
        progress=ProgressView(job.done, job.total),
        job_id=job.id,
        model=job.model or None,
        generated_by=job.generated_by or None,
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


def view_item(collection: JobSnapshot, item: Flashcard | QuizQuestion, *, etag: str) -> ItemView:
    shown = {"flashcard" if isinstance(item, Flashcard) else "question": item}
    return ItemView(collection_id=collection.id, etag=etag, **shown)  # pyright: ignore[reportArgumentType] - the name tells the type


def entity_tag(job: JobSnapshot, *, language: str) -> str:
    """A strong entity tag. A final job has the same tag in both stores: only its user changes it, and only its row."""
    if job.state.is_final:
        revision = f"-{job.revision}" if job.revision else ""
        return f'"{job.state}-{job.attempt}{revision}-{language}"'
    return f'"{job.version:x}-{language}"'


def _material(job: JobSnapshot) -> _Material | None:
    if job.kind == Kind.COLLECTION and job.result:
        return msgspec.json.decode(job.result, type=_Material)
    return None


def _moment(moment: float) -> str | None:
    return to_rfc3339(moment) if moment else None


def _usage(job: JobSnapshot) -> UsageView:
    usage = job.usage
    return UsageView(
        usage.prompt_tokens,
        usage.completion_tokens,
        job.held,
        usage.cached_tokens,
        usage.reasoning_tokens,
        usage.reused,
    )


def _error(job: JobSnapshot, language: str) -> ProblemView | None:
    return view_problem(job.problem, language=language) if job.problem else None


def _links(collection: str, job_id: str) -> LinksView:
    path = f"/api/{collection}/{job_id}"
    return LinksView(path, f"{path}/events")
