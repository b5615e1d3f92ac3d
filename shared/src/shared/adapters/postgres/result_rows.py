"""Converts final jobs to rows of Postgres and back. The result of a collection is spread over its tables, byte for byte."""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec
from msgspec import Raw, Struct

from shared.adapters.postgres.connection import Row
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobId, JobState, Kind, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.edits import ItemEdit, apply_edits
from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.usage import consistent_usage


class Parts(Struct, frozen=True, kw_only=True, tag="collection", tag_field="object"):
    """`shared.domain.study.material.Collection` with its items as raw JSON."""

    title: str
    language: str
    flashcards: list[Raw]
    quiz: list[Raw]
    quality: Raw
    text: str


class MadeParts(Struct, frozen=True, kw_only=True):
    """`shared.domain.study.material.MadeItems` with its items as raw JSON."""

    collection_id: str
    language: str
    flashcards: list[Raw]
    quiz: list[Raw]
    quality: Raw


class _Identified(Struct, frozen=True):
    id: str


_identified = msgspec.json.Decoder(_Identified)
_made = msgspec.json.Decoder(MadeParts)
_parts = msgspec.json.Decoder(Parts)
_problem = msgspec.json.Decoder(Problem)
_edits = msgspec.json.Decoder(dict[str, ItemEdit])
_ITEM_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "flashcards": msgspec.json.Decoder(Flashcard),
    "quiz": msgspec.json.Decoder(QuizQuestion),
}


_SQL = resources.files("shared.adapters.postgres") / "sql"


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, with the columns that two statements share filled in."""
    return _read(f"{name}.sql").replace("{job_columns}", _read("fragments/job_columns.sql").strip())


def _read(path: str) -> str:
    return (_SQL / path).read_text(encoding="utf-8")


@cache
def statement_names() -> dict[str, str]:
    """The name of each statement, by its text."""
    names = [path.name.removesuffix(".sql") for path in _SQL.iterdir() if path.name.endswith(".sql")]
    return {statement(name): name for name in sorted(names)}


def is_collection(job: JobSnapshot) -> bool:
    return job.kind == Kind.COLLECTION


def to_parts(job: JobSnapshot) -> Parts | None:
    """The parts of a succeeded collection; None for any other job. Raises `msgspec.DecodeError` if the result is not valid."""
    if not is_collection(job) or job.state is not JobState.SUCCEEDED:
        return None
    return _parts.decode(job.result or b"")


def to_made_items(job: JobSnapshot) -> MadeParts | None:
    """The items that a job has made for a collection. Raises as `to_parts`."""
    if job.kind != Kind.ITEMS or job.state is not JobState.SUCCEEDED:
        return None
    return _made.decode(job.result or b"")


def _kept_result(job: JobSnapshot, result: bytes) -> bytes:
    """What the row of the job keeps: the items that it added to a collection are kept there alone."""
    if job.kind != Kind.ITEMS:
        return result
    made = _made.decode(result)
    ids = [_identified.decode(item).id for item in (*made.flashcards, *made.quiz)]
    added = {"collection_id": made.collection_id, "language": made.language, "item_ids": ids}
    return msgspec.json.encode({"object": "added_items", **added, "quality": made.quality})


def as_columns(rows: Iterable[tuple[object, ...]], width: int) -> list[Sequence[object]]:
    """One array for each column, as `unnest` takes them."""
    columns = list(zip(*rows, strict=True))
    return list(columns) if columns else [()] * width


def job_row(job: JobSnapshot) -> tuple[object, ...]:
    """The parameters of `save_jobs.sql`, in its order."""
    result = None if is_collection(job) or job.result is None else _kept_result(job, job.result).decode()
    problem = None if job.problem is None else msgspec.json.encode(job.problem).decode()
    return (
        *(job.id, clean(job.user), clean(job.kind), job.state.value, job.attempt),
        *(job.created_at, job.started_at, job.finished_at),
        *(clean(job.plan), clean(job.model), job.generated_by, job.fallback_used),
        *(job.usage.prompt_tokens, job.usage.completion_tokens, clean(",".join(job.windows))),
        *(clean(job.title), result, problem),
        *(job.usage.cached_tokens, job.usage.reasoning_tokens, job.usage.reused),
    )


def collection_row(job_id: JobId, parts: Parts) -> tuple[object, ...]:
    return (
        job_id,
        clean(parts.title),
        clean(parts.language),
        clean(parts.text),
        bytes(parts.quality).decode(),
    )


def item_rows(job_id: JobId, items: Sequence[Raw]) -> list[tuple[object, ...]]:
    return [(job_id, position, bytes(item).decode()) for position, item in enumerate(items)]


def step_rows(job: JobSnapshot) -> list[tuple[object, ...]]:
    """The parameters of `save_steps.sql`, one row for each step."""
    return [
        (job.id, step.content, step.asked.cards, step.asked.questions, step.completion) for step in job.steps
    ]


def clean(text: str) -> str:
    """Postgres accepts no NUL in a text. It becomes the replacement character, so that offsets stay right."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def to_snapshot(row: Row) -> JobSnapshot:
    """Convert a row of `find_job.sql`, or of `list_jobs.sql`, which has no result."""
    return JobSnapshot(
        id=JobId(row["id"]),
        user=UserId(row["user_id"]),
        kind=row["kind"],
        state=JobState(row["status"]),
        attempt=row["attempt"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        plan=row["plan"],
        usage=consistent_usage(
            *(row["prompt_tokens"], row["completion_tokens"]),
            *(row["cached_tokens"], row["reasoning_tokens"], row["reused_calls"]),
        ),
        windows=tuple(row["windows"]),
        model=row["model"],
        generated_by=row["generated_by"],
        fallback_used=row["fallback_used"],
        title=row["title"],
        revision=row["revision"],
        result=_result(row),
        problem=None if row["error"] is None else _problem.decode(row["error"]),
    )


def _result(row: Row) -> bytes | None:
    fields: dict[str, Any] = dict(row)
    if (result := fields.get("result")) is not None:
        return result.encode()
    if fields.get("source_text") is None:
        return None
    is_edited = row["item_edits"] or row["added_cards"] or row["added_questions"]
    return msgspec.json.encode(
        Parts(
            title=row["title"],
            language=row["language"],
            flashcards=_edited(row, "flashcards", "added_cards") if is_edited else _raw(row["flashcards"]),
            quiz=_edited(row, "quiz", "added_questions") if is_edited else _raw(row["quiz"]),
            quality=Raw(row["quality"]),
            text=row["source_text"],
        )
    )


def _raw(items: Sequence[str]) -> list[Raw]:
    return [Raw(item) for item in items]


def _edited(row: Row, made: str, added: str) -> list[Raw]:
    """The items of one type as their user has changed them."""
    decode = _ITEM_DECODERS[made].decode
    edits = _edits.decode(row["item_edits"] or "{}")
    items = apply_edits(list(map(decode, row[made])), list(map(decode, row[added])), edits)
    return [Raw(msgspec.json.encode(item)) for item in items]
