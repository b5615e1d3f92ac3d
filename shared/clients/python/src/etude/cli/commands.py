"""The commands of a learner: submit, follow, list, show, export, cancel, remove."""

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from etude import api_requests as api
from etude.api_models import Collection, ExportFormat, File, Job, JobKind, Options, Usage
from etude.cli.context import CliContext, context_of
from etude.cli.failure import ExitCode, Failure
from etude.cli.input_files import read_source, read_text
from etude.cli.job_progress import follow
from etude.cli.rendering import show_collection, show_job, show_jobs, show_result, show_usage
from etude.client import Client
from etude.errors import NotFound
from etude.request import Request
from etude.study_material import Difficulty, Level

T = TypeVar("T")
STDOUT = Path("-")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the API's JSON, and nothing else, on stdout.")]
LanguageOption = Annotated[
    str | None,
    typer.Option(help="Language tag of the material (fr, pt-BR); the default is that of the source."),
]
FlashcardCount = Annotated[int | None, typer.Option(min=0, help="How many flashcards to make.")]
QuestionCount = Annotated[int | None, typer.Option(min=0, help="How many quiz questions to make.")]
DifficultyOption = Annotated[Difficulty | None, typer.Option(help="How demanding the items are.")]
LevelOption = Annotated[Level | None, typer.Option(help="For whom a model writes.")]
ModelOption = Annotated[str | None, typer.Option(help="A model that your plan allows.")]
RegenerateFlag = Annotated[
    bool, typer.Option("--regenerate", help="Buy anew what you have bought before from the same text.")
]


def ai(
    context: typer.Context,
    kind: Annotated[JobKind, typer.Argument(help="What to make.")],
    file: Annotated[str, typer.Argument(help="A text file; - reads stdin.")],
    language: LanguageOption = None,
    flashcards: FlashcardCount = None,
    questions: QuestionCount = None,
    difficulty: DifficultyOption = None,
    level: LevelOption = None,
    model: ModelOption = None,
    regenerate: RegenerateFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make flashcards, a quiz, a summary, an explanation, an outline or a study note of a text."""
    run = context_of(context)
    text = read_text(file, run.terminal.stdin)
    options = Options(
        language=language,
        flashcards=flashcards,
        questions=questions,
        difficulty=difficulty,
        level=level,
        model=model,
        regenerate=regenerate,
    )
    with run.client() as client:
        job_id = client.submit_job(kind, text, options=options).id
        follow(run.terminal.err, client.job_events(job_id), job_id=job_id, name=kind)
        raw = client.send(api.get_job(job_id).raw())
    job = api.get_job(job_id).decode(raw)
    if job.status != "succeeded":
        raise Failure(ExitCode.REFUSED, str(job.error or f"the job is {job.status}"))
    if as_json:
        run.print_json(raw)
    elif job.result:
        show_result(run.terminal.out, job.result, generated_by=job.generated_by)


def collection(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="A text or a document: PDF, DOCX, PPTX, ODT, ODP, RTF, EPUB, HTML, CSV, SRT, VTT, IPYNB; - reads stdin."
        ),
    ],
    title: Annotated[str, typer.Option(help="Title of the collection.")] = "",
    language: LanguageOption = None,
    flashcards: FlashcardCount = None,
    questions: QuestionCount = None,
    difficulty: DifficultyOption = None,
    level: LevelOption = None,
    model: ModelOption = None,
    regenerate: RegenerateFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a study collection of a document: flashcards and a quiz, each with its quote."""
    run = context_of(context)
    source = read_source(file, run.terminal.stdin)
    options = Options(
        language=language,
        flashcards=flashcards,
        questions=questions,
        difficulty=difficulty,
        level=level,
        model=model,
        regenerate=regenerate,
    )
    with run.client() as client:
        collection_id = _create(client, source, title, options).id
        events = client.collection_events(collection_id)
        follow(run.terminal.err, events, job_id=collection_id, name="collection")
        raw = client.send(api.get_collection(collection_id).raw())
    made = api.get_collection(collection_id).decode(raw)
    if made.status != "ready":
        raise Failure(ExitCode.REFUSED, str(made.error or f"the collection is {made.status}"))
    if as_json:
        run.print_json(raw)
    else:
        show_collection(run.terminal.out, made)


def jobs(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="[ID]", help="Show this one, with its result.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """List your newest jobs, or show one."""
    run = context_of(context)
    with run.client() as client:
        if job_id:
            _show_one(run, client, job_id, as_json=as_json)
        elif as_json:
            run.print_json(client.send(api.list_jobs().raw()))
        else:
            show_jobs(run.terminal.out, _newest(client))


def export(
    context: typer.Context,
    collection_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the collection.")],
    file_format: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="What the file is for.")
    ] = ExportFormat.APKG,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; - writes to stdout; named by the collection's id if not given.",
        ),
    ] = None,
) -> None:
    """Take a collection to Anki, Quizlet, Moodle, QTI, a spreadsheet, paper or another program."""
    run = context_of(context)
    with run.client() as client:
        content = _find(client, api.export_collection(collection_id, file_format=file_format))
    if content is None:
        raise _unknown(collection_id)
    path = output or Path(f"{collection_id}.{file_format.suffix}")
    if path == STDOUT:
        run.terminal.stdout.write(content)
        run.terminal.stdout.flush()
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"{path} cannot be written ({error.strerror})") from None
    run.terminal.out.print(f"{path} ({len(content)} bytes)", highlight=False)


def cancel(
    context: typer.Context, job_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the job.")]
) -> None:
    """Cancel a job. Unused tokens go back to the budget. A job that has ended is unchanged."""
    run = context_of(context)
    with run.client() as client:
        job = _find(client, api.get_job(job_id))
        if job and job.finished_at is None:
            job = client.cancel_job(job_id)
        status = job.status if job else _cancel_collection(client, job_id)
    if status is None:
        raise _unknown(job_id)
    run.terminal.out.print(f"{job_id} is {status}")


def rm(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the job or collection.")],
) -> None:
    """Remove a job or a collection, with all that was made of it. One that has not ended is cancelled first."""
    run = context_of(context)
    with run.client() as client:
        job = _find(client, api.delete_job(job_id))
        if job and _find(client, api.get_job(job_id)):  # it was unfinished, and is cancelled now
            client.delete_job(job_id)
        if job is None:
            _remove_collection(client, job_id)
    run.terminal.out.print(f"{job_id} is removed")


def usage(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show what is left of your budget, and until when."""
    run = context_of(context)
    with run.client() as client:
        raw = client.send(api.get_usage().raw())
    if as_json:
        run.print_json(raw)
    else:
        show_usage(run.terminal.out, msgspec.json.decode(raw, type=Usage))


def _create(client: Client, source: str | File, title: str, options: Options) -> Collection:
    if isinstance(source, File):
        return client.upload_collection(source, title=title, options=options)
    return client.create_collection(source, title=title, options=options)


def _cancel_collection(client: Client, collection_id: str) -> str | None:
    """The status afterwards; None when there is no such collection. A ready one is kept: to delete it is to lose it."""
    found = _find(client, api.get_collection(collection_id))
    if found is None or found.status != "processing":
        return found and found.status
    client.delete_collection(collection_id)
    return "cancelled"


def _remove_collection(client: Client, collection_id: str) -> None:
    try:
        client.delete_collection(collection_id)
    except NotFound:
        raise _unknown(collection_id) from None


def _show_one(run: CliContext, client: Client, job_id: str, *, as_json: bool) -> None:
    out = run.terminal.out
    if raw := _find(client, api.get_job(job_id).raw()):
        if as_json:
            run.print_json(raw)
        else:
            show_job(out, api.get_job(job_id).decode(raw))
        return
    raw = _find(client, api.get_collection(job_id).raw())
    if raw is None:
        raise _unknown(job_id)
    if as_json:
        run.print_json(raw)
        return
    found = api.get_collection(job_id).decode(raw)
    show_job(out, _as_job(found))
    if found.status == "ready":
        show_collection(out, found)


def _find(client: Client, request: Request[T]) -> T | None:
    try:
        return client.send(request)
    except NotFound:
        return None


def _newest(client: Client) -> list[Job]:
    rows = [*client.list_jobs().data, *map(_as_job, client.list_collections().data)]
    return sorted(rows, key=lambda row: row.id, reverse=True)


def _as_job(row: Collection) -> Job:
    return Job(
        id=row.id,
        kind="collection",
        status=row.status,
        created_at=row.created_at,
        usage=row.usage,
        generated_by=row.generated_by,
        error=row.error,
    )


def _unknown(job_id: str) -> Failure:
    return Failure(ExitCode.REFUSED, f"there is no job {job_id} of yours")
