"""`etude dead`: dead letters, for operators. Reads Redis directly, and so needs the `operator` extra."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from etude.cli.context import CliContext, context_of
from etude.cli.failure import ExitCode, Failure
from etude.cli.operator_redis import RedisUrl, query_redis
from etude.cli.rendering import list_table, plain
from shared.adapters.redis.jobs.dead_letter_store import DeadLetterStore
from shared.domain.error_messages import localize
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.runtime.config.plans import DEFAULT_PLAN, read_plans

T = TypeVar("T")

Shards = Annotated[
    int, typer.Option(envvar="ETUDE_SHARDS", min=1, help="Number of shards of the deployment.")
]

dead = typer.Typer(no_args_is_help=True, help="Jobs that failed for good: list, show and replay them.")


@dead.command("list")
def list_letters(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    redis_url: RedisUrl = "",
    shards: Shards = 1,
) -> None:
    """List dead letters, newest first."""
    run = context_of(context)
    records = _query(run, redis_url, shards, lambda letters: letters.list(limit=limit))
    table = list_table("kind", "user", "died", "why")
    for record in records:
        why = record.problem.code if record.problem else ""
        died = f"{datetime.fromtimestamp(record.finished_at, UTC).astimezone():%m-%d %H:%M}"
        table.add_row(record.id, record.kind, plain(record.user), died, why)
    run.terminal.out.print(table)


@dead.command("show")
def show_letter(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="ID")],
    redis_url: RedisUrl = "",
    shards: Shards = 1,
) -> None:
    """Show one dead letter: its times, its attempts and the error it ended with."""
    run = context_of(context)
    record = _query(run, redis_url, shards, lambda letters: letters.find(JobId(job_id)))
    if record is None:
        raise _no_letter(job_id)
    _show(run.terminal.out, record, run.terminal.language)


@dead.command("replay")
def replay_letters(
    context: typer.Context,
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    redis_url: RedisUrl = "",
    shards: Shards = 1,
) -> None:
    """Queue dead letters again. Each keeps its finished steps and gets a fresh retry budget."""
    run = context_of(context)
    plan = read_plans(None)[DEFAULT_PLAN]
    now = run.terminal.now().timestamp()
    for job_id in job_ids:
        replayed = _query(
            run, redis_url, shards, lambda letters, i=job_id: letters.replay(JobId(i), plan, now=now)
        )
        if not replayed:
            raise _no_letter(job_id)
        run.terminal.out.print(f"{job_id} is queued again")


def _query(
    run: CliContext, redis_url: str, shards: int, query: Callable[[DeadLetterStore], Awaitable[T]]
) -> T:
    return query_redis(run, redis_url, lambda redis: query(DeadLetterStore(redis, shards=shards)))


def _show(console: Console, record: JobSnapshot, language: str) -> None:
    console.print(f"{record.kind} {record.id} of {plain(record.user)}", style="bold")
    console.print(
        f"created {_time(record.created_at)}; died {_time(record.finished_at)};"
        f" attempts {record.attempt}; tokens {record.usage.total}; progress {record.done}/{record.total}"
    )
    if record.problem:
        message = localize(record.problem, language)
        console.print(f"{record.problem.code}: {message.title}. {message.detail}", style="red")


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC).astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def _no_letter(job_id: str) -> Failure:
    return Failure(ExitCode.REFUSED, f"{plain(job_id)} is no dead letter")
