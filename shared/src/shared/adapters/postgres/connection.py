"""Connections to Postgres, with types that asyncpg lacks, and the one table of what its errors mean."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it ships none; the protocols below say what we use

from shared.domain.errors import StoreUnavailable

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
"""A statement takes milliseconds: a server that does not answer for this long is away."""
RETRY_AFTER_SECONDS = 2.0
"""What a caller is told to wait when Postgres is away: a restart takes about this long."""

Row = Mapping[str, Any]


class Connection(Protocol):
    async def execute(self, query: str, *args: object) -> str: ...

    async def executemany(self, command: str, args: Sequence[Sequence[object]]) -> None: ...

    async def fetch(self, query: str, *args: object) -> list[Row]: ...

    async def fetchrow(self, query: str, *args: object) -> Row | None: ...

    async def fetchval(self, query: str, *args: object) -> Any: ...

    def transaction(self) -> AbstractAsyncContextManager[None]: ...

    async def close(self) -> None: ...


class Pool(Protocol):
    def acquire(self, *, timeout: float) -> AbstractAsyncContextManager[Connection]: ...

    def get_size(self) -> int: ...

    def get_idle_size(self) -> int: ...

    async def close(self) -> None: ...

    def terminate(self) -> None: ...


class Watcher(Protocol):
    """Who wants to know what a pool does."""

    def waited(self, seconds: float) -> None:
        """For a connection, its opening included."""

    def asked(self, query: str, seconds: float) -> None:
        """A statement, as it was sent."""


_errors = cast(Any, asyncpg)

AWAY: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    _errors.InterfaceError,  # the connection went while it was in use
    _errors.PostgresConnectionError,
    _errors.CannotConnectNowError,
    _errors.AdminShutdownError,
    _errors.CrashShutdownError,
    _errors.TooManyConnectionsError,
    _errors.InsufficientResourcesError,
    _errors.ReadOnlySQLTransactionError,  # a standby, before it takes over
    _errors.QueryCanceledError,
    _errors.LockNotAvailableError,
    _errors.DeadlockDetectedError,
    _errors.SerializationError,
    _errors.UndefinedTableError,  # before the migration of this release has run
    _errors.UndefinedColumnError,
    _errors.InvalidAuthorizationSpecificationError,  # an operator's mistake, and no job is lost for it
    _errors.InvalidCatalogNameError,
)
"""What is raised when the server cannot do this now: it will later."""

UNACCEPTABLE: tuple[type[BaseException], ...] = (
    _errors.DataError,
    _errors.IntegrityConstraintViolationError,
    _errors.ProgramLimitExceededError,
)
"""What is raised when a row itself is at fault: it would be refused again."""


@asynccontextmanager
async def translated() -> AsyncGenerator[None]:
    """Raises `StoreUnavailable` for what means that Postgres is away."""
    try:
        yield
    except UNACCEPTABLE:  # some of these are InterfaceErrors too
        raise
    except AWAY as error:
        raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error


async def connect(url: str) -> Connection:
    """One connection, to be closed by the caller."""
    return cast(Connection, await cast(Any, asyncpg).connect(url, timeout=CONNECT_SECONDS))


async def _leave(_: Connection) -> None:
    """Nothing is set on a connection, so nothing need be reset: a round trip saved on each use."""


@asynccontextmanager
async def acquired(pool: Pool, watcher: Watcher | None) -> AsyncGenerator[Connection]:
    """A connection for a block. Raises `StoreUnavailable` for what means that Postgres is away."""
    began = time.perf_counter()
    async with translated(), pool.acquire(timeout=CONNECT_SECONDS) as connection:
        if watcher is not None:
            watcher.waited(time.perf_counter() - began)
        yield connection


async def open_pool(url: str, *, name: str, size: int, watcher: Watcher | None = None) -> Pool:
    """A pool that connects when it is first used: Postgres may be away, and an idle one sends nothing."""

    def tell(record: Any) -> None:
        if watcher is not None:
            watcher.asked(record.query, record.elapsed)

    async def prepare(connection: Any) -> None:
        connection.add_query_logger(tell)

    return cast(
        Pool,
        await cast(Any, asyncpg).create_pool(
            url,
            min_size=0,
            max_size=size,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            init=prepare if watcher else None,
            reset=_leave,
            server_settings={"application_name": name[:63]},
        ),
    )
