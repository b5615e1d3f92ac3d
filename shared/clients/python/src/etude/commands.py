"""The commands of a learner: hand in, look, follow, cancel, ask."""

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer

from etude.api_client import Api
from etude.api_models import CollectionPage, CollectionView, JobPage, JobView, UsagePage
from etude.cli_context import Session, session_of
from etude.errors import ExitCode, Failure
from etude.input_files import Document, read_source, read_text
from etude.job_progress import follow
from etude.rendering import plain, show_collection, show_job, show_jobs, show_result, show_usage
from shared.domain.study.material import Difficulty
from shared.domain.text.language import Language


class AiKind(StrEnum):
    """What `etude ai` can make: the kinds of the `ai` stream, spelled out for the command line."""

    FLASHCARDS = "flashcards"
    QUIZ = "quiz"
    SUMMARY = "summary"
    EXPLANATION = "explanation"
    OUTLINE = "outline"
    TEXT = "text"


Json = Annotated[bool, typer.Option("--json", help="Print the API's JSON, and nothing else, on stdout.")]
InLanguage = Annotated[Language | None, typer.Option(help="Of the material; the source's own if not given.")]
Cards = Annotated[int | None, typer.Option(min=0, help="How many flashcards to make.")]
Questions = Annotated[int | None, typer.Option(min=0, help="How many quiz questions to make.")]
Level = Annotated[Difficulty | None, typer.Option(help="How demanding the items are.")]


def ai(
    context: typer.Context,
    kind: Annotated[AiKind, typer.Argument(help="What to make.")],
    file: Annotated[str, typer.Argument(help="A text file; - reads stdin.")],
    language: InLanguage = None,
    flashcards: Cards = None,
    questions: Questions = None,
    difficulty: Level = None,
    as_json: Json = False,
) -> None:
    """Make flashcards, a quiz, a summary, an explanation, an outline or a study note of a text."""
    session = session_of(context)
    text = read_text(file, session.terminal.stdin)
    options = _options(language, flashcards, questions, difficulty)
    with session.api() as api:
        body = {"kind": kind, "input": {"text": text}, "options": options}
        job = api.submit("/api/ai", JobView, json=body)
        follow(session.terminal.err, api, f"/api/ai/{job.id}", name=kind)
        raw = api.get(f"/api/ai/{job.id}", msgspec.Raw)
    job = msgspec.json.decode(raw, type=JobView)
    _check_succeeded(job)
    if as_json:
        session.print_json(raw)
    else:
        show_result(session.terminal.out, job.result, generated_by=job.generated_by)


def collection(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A .txt, .md, .pdf or .docx file; - reads text from stdin.")],
    title: Annotated[str, typer.Option(help="Of the collection.")] = "",
    language: InLanguage = None,
    flashcards: Cards = None,
    questions: Questions = None,
    difficulty: Level = None,
    as_json: Json = False,
) -> None:
    """Make a study collection of a document: flashcards and a quiz, each with its quote."""
    session = session_of(context)
    source = read_source(file, session.terminal.stdin)
    options = _options(language, flashcards, questions, difficulty)
    with session.api() as api:
        made = api.submit("/api/collections", CollectionView, **_collection_body(source, title, options))
        follow(session.terminal.err, api, f"/api/collections/{made.id}", name="collection")
        raw = api.get(f"/api/collections/{made.id}", msgspec.Raw)
    made = msgspec.json.decode(raw, type=CollectionView)
    if made.status != "ready":
        raise Failure(ExitCode.REFUSED, str(made.error or f"the collection is {made.status}"))
    if as_json:
        session.print_json(raw)
    else:
        show_collection(session.terminal.out, made)


def jobs(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="[ID]", help="Show this one, with its result.")] = "",
    as_json: Json = False,
) -> None:
    """List your newest jobs, or show one."""
    session = session_of(context)
    with session.api() as api:
        if job_id:
            _show_one(session, api, job_id, as_json=as_json)
        elif as_json:
            session.print_json(api.get("/api/ai", msgspec.Raw))
        else:
            show_jobs(session.terminal.out, _newest(api))


def cancel(
    context: typer.Context, job_id: Annotated[str, typer.Argument(metavar="ID", help="Of the job.")]
) -> None:
    """End a job. What it did not use goes back to the budget. One that has ended stays as it is."""
    session = session_of(context)
    with session.api() as api:
        status = _cancel_job(api, job_id) or _cancel_collection(api, job_id)
    if status is None:
        raise _unknown(job_id)
    session.terminal.out.print(f"{job_id} is {status}")


def usage(context: typer.Context, as_json: Json = False) -> None:
    """Show what is left of your budget, and until when."""
    session = session_of(context)
    with session.api() as api:
        raw = api.get("/api/usage", msgspec.Raw)
    if as_json:
        session.print_json(raw)
    else:
        show_usage(session.terminal.out, msgspec.json.decode(raw, type=UsagePage))


def _cancel_job(api: Api, job_id: str) -> str | None:
    path = _path("ai", job_id)
    return api.get(path, JobView).status if api.delete(path) else None


def _cancel_collection(api: Api, job_id: str) -> str | None:
    """Looks first: to delete one that is ready is to lose it."""
    path = _path("collections", job_id)
    found = api.find(path, CollectionView)
    if found is None or found.status != "processing":
        return found and found.status
    api.delete(path)
    return "cancelled"


def _show_one(session: Session, api: Api, job_id: str, *, as_json: bool) -> None:
    raw = api.find(_path("ai", job_id), msgspec.Raw)
    if raw is not None:
        if as_json:
            session.print_json(raw)
        else:
            show_job(session.terminal.out, msgspec.json.decode(raw, type=JobView))
        return
    raw = api.find(_path("collections", job_id), msgspec.Raw)
    if raw is None:
        raise _unknown(job_id)
    if as_json:
        session.print_json(raw)
        return
    found = msgspec.json.decode(raw, type=CollectionView)
    show_job(session.terminal.out, _as_job(found))
    if found.status == "ready":
        show_collection(session.terminal.out, found)


def _newest(api: Api) -> list[JobView]:
    made = [_as_job(row) for row in api.get("/api/collections", CollectionPage).data]
    rows = [*api.get("/api/ai", JobPage).data, *made]
    return sorted(rows, key=lambda row: row.id, reverse=True)


def _as_job(row: CollectionView) -> JobView:
    return JobView(
        id=row.id,
        kind="collection",
        status=row.status,
        created_at=row.created_at,
        usage=row.usage,
        generated_by=row.generated_by,
        error=row.error,
    )


def _options(
    language: Language | None, flashcards: int | None, questions: int | None, difficulty: Difficulty | None
) -> dict[str, str | int]:
    wishes = {
        "language": language,
        "flashcards": flashcards,
        "questions": questions,
        "difficulty": difficulty,
    }
    return {name: wish for name, wish in wishes.items() if wish is not None}


def _collection_body(source: str | Document, title: str, options: dict[str, str | int]) -> dict[str, Any]:
    titled = {"title": title} if title else {}
    if isinstance(source, str):
        return {"json": {"text": source, "options": options, **titled}}
    file = (source.name, source.content, source.media_type)
    return {"files": {"file": file}, "data": {"options": msgspec.json.encode(options).decode(), **titled}}


def _path(resource: str, job_id: str) -> str:
    return f"/api/{resource}/{quote(job_id, safe='')}"


def _check_succeeded(job: JobView) -> None:
    if job.status != "succeeded":
        raise Failure(ExitCode.REFUSED, plain(str(job.error or f"the job is {job.status}")))


def _unknown(job_id: str) -> Failure:
    return Failure(ExitCode.REFUSED, f"there is no job {plain(job_id)} of yours")
