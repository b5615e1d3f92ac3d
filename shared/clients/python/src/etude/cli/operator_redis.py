"""The way of the operator's commands to Redis, which they read directly with the services' own code."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from redis.exceptions import RedisError

from etude.cli.context import CliContext
from etude.cli.failure import ExitCode, Failure
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import connect
from shared.domain.errors import StoreUnavailable

T = TypeVar("T")

RedisUrl = Annotated[
    str, typer.Option(envvar="ETUDE_REDIS_URL", help="Address of Redis; the default is the local stack's.")
]


def query_redis(run: CliContext, redis_url: str, query: Callable[[RedisClient], Awaitable[T]]) -> T:
    """Run the query on a connection of its own. Raises `Failure`."""
    url = redis_url or run.target.find_stack().redis_url

    async def connected() -> T:
        redis = connect(url, name="etude-operator")
        try:
            return await query(redis)
        finally:
            await redis.aclose()

    try:
        return asyncio.run(connected())
    except ValueError:
        raise Failure(ExitCode.USAGE, "ETUDE_REDIS_URL is not the address of a Redis") from None
    except (StoreUnavailable, RedisError, OSError):
        raise Failure(ExitCode.UNREACHABLE, "Redis does not answer") from None
