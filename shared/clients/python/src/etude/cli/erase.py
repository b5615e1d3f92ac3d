"""`etude erase`: erase a user, for operators. Uses Redis and Postgres directly, and so needs the `operator` extra."""

import asyncio
from typing import Annotated

import typer
from redis.exceptions import RedisError

from etude.cli.context import context_of
from etude.cli.dead_letters import Shards
from etude.cli.failure import ExitCode, Failure
from etude.cli.operator_redis import RedisUrl
from etude.cli.rendering import list_table
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.connection import connect
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import UserId
from shared.runtime.erasure.user_eraser import Erasure, UserEraser

PostgresUrl = Annotated[
    str,
    typer.Option(envvar="ETUDE_POSTGRES_URL", help="Address of Postgres; the default is the local stack's."),
]


def erase(
    context: typer.Context,
    user: Annotated[
        str, typer.Argument(metavar="USER", help="Id of the user, as in the `sub` of their tokens.")
    ],
    redis_url: RedisUrl = "",
    postgres_url: PostgresUrl = "",
    shards: Shards = 1,
) -> None:
    """Erase a user: jobs, collections, events and budgets. If it is interrupted, run it again."""
    run = context_of(context)
    redis_url = redis_url or run.target.find_stack().redis_url
    postgres_url = postgres_url or run.target.find_stack().postgres_url
    now = run.terminal.now().timestamp()
    try:
        erased = asyncio.run(_erase(UserId(user), redis_url, postgres_url, shards, now))
    except ValueError:
        raise Failure(ExitCode.USAGE, "ETUDE_REDIS_URL or ETUDE_POSTGRES_URL is no address") from None
    except (StoreUnavailable, RedisError, OSError):
        raise Failure(ExitCode.UNREACHABLE, "Redis or Postgres does not answer") from None
    table = list_table("what", "count")
    for what, count in (
        ("jobs in Redis", sum(one.records for one in erased)),
        ("jobs in Postgres", sum(one.rows for one in erased)),
        ("event log and budgets", sum(one.keys for one in erased)),
        ("chats under way", sum(one.holds for one in erased)),
    ):
        table.add_row(what, str(count))
    run.terminal.out.print(table)


async def _erase(user: UserId, redis_url: str, postgres_url: str, shards: int, now: float) -> list[Erasure]:
    redis = connect(redis_url, name="etude-operator")
    try:
        results = await ResultStore.open(postgres_url, name="etude-operator")
        try:
            eraser = UserEraser(RemovalStore(redis, shards=shards), results)
            erased = [await eraser.erase(user, now=now)]
            while not erased[-1].is_complete:
                erased.append(await eraser.erase(user, now=now))
            return erased
        finally:
            await results.close()
    finally:
        await redis.aclose()
