"""Opens connections to Redis and sends commands over them.

Connections are named after their process, and their timeouts fit their use. A URL that begins with `redis+cluster://` names
nodes of a cluster, one with `redis+sentinel://` the sentinels that know the primary; the rest of the code need not know which.
"""
# redis-py 5 leaves parameters of its classes without types.
# pyright: reportUnknownMemberType=false

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
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.adapters.redis.client import Arg, BlockingClient, Command, RedisClient, Server, SyncRedisClient
from shared.adapters.redis.durability import mark
from shared.adapters.redis.topology import sentinel
from shared.adapters.redis.topology.cluster import Cluster, SyncCluster, is_cluster
from shared.adapters.redis.topology.cluster_reader import ClusterReader
from shared.domain.errors import StoreUnavailable

Observe = Callable[[str, float, Exception | None], None]
"""Called with the name of a script, the seconds that it took, and its error."""

OBSERVE = "etude_observe"
"""Name of the attribute of a client that holds its `Observe`; any client can carry it."""
COMMAND_SECONDS = 5.0
"""Time limit of one command. A script takes well under 1 ms, so a server that does not reply for this long is away."""
MAX_CONNECTIONS = 64
RETRY_AFTER_SECONDS = 2.0
"""The `Retry-After` when Redis is away: a restart with a small AOF takes about this long."""

AWAY = (
    *(RedisConnectionError, RedisTimeoutError, OSError),
    *(ReadOnlyError, OutOfMemoryError, NoPermissionError),
)
"""Errors of redis-py after which the server will be back. A missing permission is a mistake of the operator, or comes with the
users of this release: no job may be lost for it."""

_REFUSAL = re.compile(
    r"(?:^|user_script: ?\d+: -)"
    r"(?:OOM|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|READONLY|BUSY|MOVED|ASK|UNBLOCKED) "
    r"|The user executing the script can't|ACL failure in script"
)
"""How a server says so that redis-py has no class for. Inside a script 6.2 wraps its word in where it happened."""


class _CancellationSafe(AbstractConnection):
    """Works around `asyncio.wait_for`, under which redis-py 5 sends, and which before Python 3.12 can swallow a cancellation
    that comes as the sending ends: a cancelled listener would go on listening, a cancelled attempt working.

    It also packs commands in C, because a settlement of a hundred jobs has a thousand arguments.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        name, *rest = args
        return [hiredis.pack_command((*name.encode().split(), *rest))]

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        if not self.is_connected:
            await self.connect()
        elif check_health:
            await self.check_health()
        try:
            async with asyncio.timeout(self.socket_timeout):
                await self._send_packed_command(_in_parts(command))
        except BaseException as error:  # a part may be sent, so nothing else can go over this connection
            await self.disconnect(nowait=True)
            if isinstance(error, TimeoutError):
                raise RedisTimeoutError("Timeout writing to socket") from None
            if isinstance(error, OSError):
                raise RedisConnectionError(f"{type(error).__name__} while writing to socket") from error
            raise


class Connection(_CancellationSafe, redis.Connection): ...


class TlsConnection(_CancellationSafe, redis.SSLConnection): ...


class _WatchedConnection(_CancellationSafe, sentinel.WatchedConnection):
    """Connection to the primary that Sentinel watches."""


class _WatchedTlsConnection(_CancellationSafe, sentinel.WatchedTlsConnection): ...


def _in_parts(command: bytes | str | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(command, str):
        return [command.encode()]
    return [command] if isinstance(command, bytes) else command


def is_away(error: BaseException) -> bool:
    """Whether Redis cannot take a command now: it is gone, loading, read-only, out of memory or failing over."""
    if isinstance(error, AWAY):
        return True
    return isinstance(error, ResponseError) and _REFUSAL.search(str(error)) is not None


async def end(running: asyncio.Task[None]) -> None:
    """Cancel a task that uses Redis, and wait until it has ended. redis-py can lose a cancellation that meets a lost
    connection, so it is repeated."""
    while not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=0.1)


async def call(redis_client: RedisClient, *command: Arg) -> Any:
    """Send one command. Raises `StoreUnavailable` when Redis is away."""
    try:
        return await redis_client.execute_command(*command)
    except Exception as error:
        if is_away(error):
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error
        raise


async def call_each(
    redis_client: RedisClient, commands: Sequence[Command], *, confirm: Command = ()
) -> list[Any]:
    """Send many commands in one round trip. A reply may be an exception, which concerns its command alone. `confirm` is a
    command that waits for the replication of the writes; with it a reply may be `Unconfirmed`.

    Raises `StoreUnavailable` when Redis is away; when one node of a cluster is away, its commands have that as reply.
    """
    try:
        replies = await _execute_many(redis_client, commands, confirm)
    except Exception as error:
        if is_away(error):
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error
        raise
    return [
        StoreUnavailable(retry_after=RETRY_AFTER_SECONDS)
        if isinstance(reply, Exception) and is_away(reply)
        else reply
        for reply in replies
    ]


async def call_many(redis_client: RedisClient, commands: Sequence[Command]) -> list[Any]:
    """Send many commands in one round trip. Raises the first error, which is `StoreUnavailable` when Redis is away."""
    replies = await call_each(redis_client, commands)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


async def _execute_many(
    redis_client: RedisClient, commands: Sequence[Command], confirm: Command
) -> list[Any]:
    if isinstance(redis_client, Cluster):
        return await redis_client.execute_many(commands, confirm)
    pipeline = _one_server(redis_client).pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    if not confirm:
        return await pipeline.execute(raise_on_error=False)
    pipeline.execute_command(*confirm)
    return mark(await pipeline.execute(raise_on_error=False))


async def nodes(redis_client: RedisClient) -> list[RedisClient]:
    """The servers behind a client: one, or those of a cluster that serve slots."""
    if isinstance(redis_client, Cluster):
        return list(await redis_client.nodes())
    return [redis_client]


@contextmanager
def observed(redis_client: RedisClient | SyncRedisClient, name: str) -> Generator[None]:
    """Report the duration of a block to the client's observer."""
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
    """Open a pool for short commands. A command is retried once on a new connection, so every script may run twice."""
    client: RedisClient
    if is_cluster(url):
        client = Cluster(url, partial(_connect_server, name=name))
    else:
        client = _connect_server(url, name=name)
    setattr(client, OBSERVE, observe)
    return client


def connection_pool(url: str, *, name: str) -> redis.ConnectionPool:
    """The pool alone, for a library that makes its own client of it."""
    pool = _one_server(_connect_server(url, name=name)).connection_pool
    assert isinstance(pool, redis.ConnectionPool)
    return pool


def _connect_server(url: str, *, name: str) -> Server:
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


def connect_blocking(url: str, *, name: str, block_seconds: float) -> BlockingClient:
    """Open one connection for blocking reads. Its socket waits longer than a read blocks, so that no quiet read is cut."""
    connect_server = partial(_connect_blocking_server, name=name, block_seconds=block_seconds)
    if is_cluster(url):
        return ClusterReader(Cluster(url, partial(_connect_server, name=name)), connect_server)
    return connect_server(url)


def _connect_blocking_server(url: str, *, name: str, block_seconds: float) -> redis.Redis:
    return _open(
        url,
        is_single=True,
        client_name=name,
        socket_timeout=block_seconds + COMMAND_SECONDS,
        socket_connect_timeout=COMMAND_SECONDS,
        socket_keepalive=True,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 0),
    )


def _open(url: str, *, is_single: bool = False, **options: Any) -> redis.Redis:
    if sentinel.is_sentinel(url):
        pool = sentinel.open_pool(url, _WatchedConnection, _WatchedTlsConnection, **options)
    else:
        pool = redis.ConnectionPool.from_url(url, connection_class=Connection, **options)
        if url.startswith("rediss://"):  # redis-py has put its own class in the place of ours
            pool.connection_class = TlsConnection
    client = redis.Redis(connection_pool=pool, single_connection_client=is_single)
    client.auto_close_connection_pool = True
    return client


def connect_sync(
    url: str, *, name: str, timeout_seconds: float, observe: Observe | None = None
) -> SyncRedisClient:
    """Open a connection for the renewal thread, which must not depend on the event loop."""
    connect_server = partial(_connect_sync_server, name=name, timeout_seconds=timeout_seconds)
    client = SyncCluster(url, connect_server) if is_cluster(url) else connect_server(url)
    setattr(client, OBSERVE, observe)
    return client


def _connect_sync_server(url: str, *, name: str, timeout_seconds: float) -> SyncRedisClient:
    options: dict[str, Any] = {
        "client_name": name,
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "socket_keepalive": True,
    }
    if sentinel.is_sentinel(url):
        return sentinel.connect_sync(url, **options)
    return sync_redis.Redis.from_url(url, **options)


def server_address(server: RedisClient) -> str:
    """`host:port`, without the credentials that a URL may hold."""
    options = cast(dict[str, Any], _one_server(server).connection_pool.connection_kwargs)
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"


def _one_server(client: RedisClient) -> redis.Redis:
    """redis-py's client, for what only one server can do. Raises `TypeError` for a cluster."""
    if not isinstance(client, redis.Redis):
        raise TypeError(f"{type(client).__name__} is not one server")
    return client
