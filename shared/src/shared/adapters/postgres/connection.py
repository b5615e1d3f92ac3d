"""Connections to Postgres: types that asyncpg lacks, and the meaning of its errors."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it ships none; the protocols below say what we use

from shared.domain.errors import StoreUnavailable

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
"""Time limit of a statement. Statements take milliseconds, so a server that needs longer counts as unreachable."""
RETRY_AFTER_SECONDS = 2.0
"""The `Retry-After` while Postgres is unreachable; a restart takes about this long."""

Row = Mapping[str, Any]


class Connection(Protocol):
    async def execute(self, query: str, *args: object) -> str: ...

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


class PoolObserver(Protocol):
    """Is called with the durations of a pool's operations."""

    def observe_wait(self, seconds: float) -> None:
        """The time until a connection was available, including its opening."""

    def observe_query(self, query: str, seconds: float) -> None:
        """The duration of a statement."""


_errors = cast(Any, asyncpg)

UNAVAILABLE: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    _errors.InterfaceError,  # the connection broke while it was in use
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
    _errors.InsufficientPrivilegeError,  # before the migration of this release has granted it
    _errors.InvalidAuthorizationSpecificationError,  # a mistake of the operator, for which no job may be lost
    _errors.InvalidCatalogNameError,
)
"""Errors after which the same statement may succeed later."""

UNACCEPTABLE: tuple[type[BaseException], ...] = (
    _errors.DataError,
    _errors.IntegrityConstraintViolationError,
    _errors.ProgramLimitExceededError,
)
"""Errors that are caused by a row itself, which the server would refuse again."""


@asynccontextmanager
async def translate_errors() -> AsyncGenerator[None]:
    """Raises `StoreUnavailable` for errors that mean that Postgres is unreachable."""
    try:
        yield
    except UNACCEPTABLE:  # some of these are InterfaceErrors too
        raise
    except UNAVAILABLE as error:
        raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error


async def connect(url: str) -> Connection:
    """One connection, to be closed by the caller."""
    return cast(Connection, await cast(Any, asyncpg).connect(url, timeout=CONNECT_SECONDS))


async def _skip_reset(_: Connection) -> None:
    """No session state is ever set on a connection. Skipping the reset saves a round trip on each use."""


@asynccontextmanager
async def acquire(pool: Pool, observer: PoolObserver | None) -> AsyncGenerator[Connection]:
    """Lend a connection for a block. Raises `StoreUnavailable` if Postgres is unreachable."""
    began = time.perf_counter()
    async with translate_errors(), pool.acquire(timeout=CONNECT_SECONDS) as connection:
        if observer is not None:
            observer.observe_wait(time.perf_counter() - began)
        yield connection


async def open_pool(url: str, *, name: str, size: int, observer: PoolObserver | None = None) -> Pool:
    """A pool that connects on first use, because Postgres may be unreachable now."""

    def observe(record: Any) -> None:
        if observer is not None:
            observer.observe_query(record.query, record.elapsed)

    async def prepare(connection: Any) -> None:
        connection.add_query_logger(observe)

    return cast(
        Pool,
        await cast(Any, asyncpg).create_pool(
            url,
            min_size=0,
            max_size=size,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            init=prepare if observer else None,
            reset=_skip_reset,
            server_settings={"application_name": name[:63]},
        ),
    )
