"""Connections to Redis, named after their process, with time-outs that fit what they are used for.

A URL that begins with `redis+cluster://` names nodes of a cluster, one with `redis+sentinel://` the sentinels that know
who is the primary; whoever uses a connection need not know.
"""

import asyncio
import re
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import hiredis
import redis as sync_redis
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.adapters.redis import sentinel
from shared.adapters.redis.cluster import Cluster, SyncCluster, is_cluster
from shared.adapters.redis.cluster_reader import ClusterReader
from shared.adapters.redis.durability import mark
from shared.domain.errors import StoreUnavailable

RedisClient = redis.Redis
SyncRedisClient = sync_redis.Redis
Arg = str | bytes | int | float
Observe = Callable[[str, float, Exception | None], None]
"""What was called, the seconds it took, what went wrong."""

OBSERVE = "etude_observe"
"""The attribute of a connection that holds its `Observe`: redis-py's own class, a cluster's and a fake's alike."""
COMMAND_SECONDS = 5.0
"""A script takes well under a millisecond: a server that does not answer for this long is away."""
MAX_CONNECTIONS = 64
RETRY_AFTER_SECONDS = 2.0
"""What a caller is told to wait when Redis is away: a restart with a small AOF takes about this long."""

AWAY = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError, OSError)
"""What redis-py raises when the server cannot be used now: it will be back."""

_REFUSAL = re.compile(
    r"(?:^|user_script: ?\d+: -)"
    r"(?:OOM|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|READONLY|BUSY|MOVED|ASK|UNBLOCKED) "
)
"""How a server says so that redis-py has no class for. Inside a script 6.2 wraps its word in where it happened."""


class _Attentive:
    """Packs commands in C, as a settle of a hundred jobs has a thousand arguments; and hears every cancellation.

    redis-py sends under `asyncio.wait_for`, which before Python 3.12 forgets a cancellation that comes as the sending
    ends: a cancelled listener would go on listening, a cancelled attempt working.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        name, *rest = args
        return [cast(Any, hiredis).pack_command((*name.encode().split(), *rest))]

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        connection = cast(Any, self)
        if not connection.is_connected:
            await connection.connect()
        elif check_health:
            await connection.check_health()
        try:
            async with asyncio.timeout(connection.socket_timeout):
                await connection._send_packed_command(_in_parts(command))
        except BaseException as error:  # half of it may be sent: nothing else can go over this connection
            await connection.disconnect(nowait=True)
            if isinstance(error, TimeoutError):
                raise RedisTimeoutError("Timeout writing to socket") from None
            if isinstance(error, OSError):
                raise RedisConnectionError(f"{type(error).__name__} while writing to socket") from error
            raise


class Connection(_Attentive, redis.Connection): ...


class TlsConnection(_Attentive, redis.SSLConnection): ...


class _WatchedConnection(_Attentive, sentinel.WatchedConnection):
    """To the primary that a Sentinel watches."""


class _WatchedTlsConnection(_Attentive, sentinel.WatchedTlsConnection): ...


def _in_parts(command: bytes | str | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(command, str):
        return [command.encode()]
    return [command] if isinstance(command, bytes) else command


def is_away(error: BaseException) -> bool:
    """Whether an error means that Redis cannot take this now: gone, loading, read-only, out of memory, failing over."""
    if isinstance(error, AWAY):
        return True
    return isinstance(error, ResponseError) and _REFUSAL.search(str(error)) is not None


async def end(running: asyncio.Task[None]) -> None:
    """Cancel something that talks to Redis, and wait until it is over.

    redis-py can lose a cancellation that meets a lost connection: it is said until it is heard.
    """
    while not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=0.1)


async def call(redis_client: RedisClient, *command: Arg) -> Any:
    """One command. redis-py's types say little; here is the one place that gives up on them.

    Raises `StoreUnavailable` when Redis is away.
    """
    try:
        return await cast(Any, redis_client).execute_command(*command)
    except Exception as error:
        if is_away(error):
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error
        raise


async def call_each(
    redis_client: RedisClient, commands: Sequence[Sequence[Arg]], *, confirm: Sequence[Arg] = ()
) -> list[Any]:
    """Many commands in one round trip; an answer may be an exception, for its caller alone. With `confirm`, a command
    that waits for what they wrote, it may be `Unconfirmed`.

    Raises `StoreUnavailable` when Redis is away; when one node of a cluster is, that is the answer of its commands.
    """
    try:
        answers = await _execute_many(redis_client, commands, confirm)
    except Exception as error:
        if is_away(error):
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error
        raise
    return [
        StoreUnavailable(retry_after=RETRY_AFTER_SECONDS)
        if isinstance(answer, Exception) and is_away(answer)
        else answer
        for answer in answers
    ]


async def call_many(redis_client: RedisClient, commands: Sequence[Sequence[Arg]]) -> list[Any]:
    """Many commands in one round trip. Raises the first error there is, `StoreUnavailable` when Redis is away."""
    answers = await call_each(redis_client, commands)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def _execute_many(
    redis_client: RedisClient, commands: Sequence[Sequence[Arg]], confirm: Sequence[Arg]
) -> list[Any]:
    if isinstance(cast(Any, redis_client), Cluster):
        return await cast(Any, redis_client).execute_many(commands, confirm)
    pipeline = cast(Any, redis_client.pipeline(transaction=False))
    for command in commands:
        pipeline.execute_command(*command)
    if not confirm:
        return await pipeline.execute(raise_on_error=False)
    pipeline.execute_command(*confirm)
    return mark(await pipeline.execute(raise_on_error=False))


async def nodes(redis_client: RedisClient) -> list[RedisClient]:
    """The servers behind a connection: one, or those of a cluster that serve slots."""
    if isinstance(cast(Any, redis_client), Cluster):
        return await cast(Any, redis_client).nodes()
    return [redis_client]


@contextmanager
def observed(redis_client: RedisClient | SyncRedisClient, name: str) -> Generator[None]:
    """Tell how long a block took to whoever the connection was opened for."""
    observe: Observe | None = getattr(redis_client, OBSERVE, None)
    if observe is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    except Exception as error:
        observe(name, time.perf_counter() - began, error)
        raise
    observe(name, time.perf_counter() - began, None)


def connect(url: str, *, name: str, observe: Observe | None = None) -> RedisClient:
    """A pool for short calls. One retry on a fresh connection: every script may be asked twice."""
    client = _connect(url, name=name)
    setattr(client, OBSERVE, observe)
    return client


def _connect(url: str, *, name: str) -> RedisClient:
    if is_cluster(url):
        return cast(Any, Cluster(url, partial(_connect, name=name)))
    return _open(
        url,
        client_name=name,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=COMMAND_SECONDS,
        socket_connect_timeout=COMMAND_SECONDS,
        socket_keepalive=True,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        retry_on_error=[RedisConnectionError],
    )


def connect_blocking(url: str, *, name: str, block_seconds: float) -> RedisClient:
    """One connection for blocking reads: its socket waits longer than the block, or every quiet read would be cut."""
    if is_cluster(url):
        cluster = Cluster(url, partial(connect, name=name))
        reader = ClusterReader(cluster, partial(connect_blocking, name=name, block_seconds=block_seconds))
        return cast(Any, reader)
    return _open(
        url,
        is_single=True,
        client_name=name,
        socket_timeout=block_seconds + COMMAND_SECONDS,
        socket_connect_timeout=COMMAND_SECONDS,
        socket_keepalive=True,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 0),
    )


def _open(url: str, *, is_single: bool = False, **options: Any) -> RedisClient:
    if sentinel.is_sentinel(url):
        pool = sentinel.pool(url, _WatchedConnection, _WatchedTlsConnection, **options)
    else:
        pool = cast(Any, redis.ConnectionPool).from_url(url, connection_class=Connection, **options)
        if url.startswith("rediss://"):  # redis-py has put its own in the place of ours
            pool.connection_class = TlsConnection
    client = redis.Redis(connection_pool=pool, single_connection_client=is_single)
    client.auto_close_connection_pool = True
    return client


def connect_sync(
    url: str, *, name: str, timeout_seconds: float, observe: Observe | None = None
) -> SyncRedisClient:
    """For the renewal thread, which must not depend on the event loop."""
    client = _connect_sync(url, name=name, timeout_seconds=timeout_seconds)
    setattr(client, OBSERVE, observe)
    return client


def _connect_sync(url: str, *, name: str, timeout_seconds: float) -> SyncRedisClient:
    if is_cluster(url):
        return cast(Any, SyncCluster(url, partial(_connect_sync, name=name, timeout_seconds=timeout_seconds)))
    open_client = sentinel.connect_sync if sentinel.is_sentinel(url) else cast(Any, sync_redis.Redis).from_url
    return open_client(
        url,
        client_name=name,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        socket_keepalive=True,
    )
