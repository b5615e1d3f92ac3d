"""A primary that Redis Sentinel watches: each connection asks the sentinels who it is, whenever it is made.

What is added to redis-py's own clients: a refusal to write ends the connection, wherever in an answer it is said; many
that have to ask at once ask once; and closing a client closes its connections to the sentinels too.
"""
# redis-py 5 leaves its Sentinel classes without types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct
from redis import sentinel as sync_sentinel
from redis.asyncio import sentinel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}
"""Whether with TLS."""
PORT = 26379
ASK_SECONDS = 1.0
"""A sentinel that does not answer for this long is passed over for the next one."""


class Watched(Struct, frozen=True):
    """What a URL says."""

    sentinels: list[tuple[str, int]]
    name: str
    """Of the primary, as the sentinels know it."""
    credentials: dict[str, str]
    """Of the servers."""
    sentinel_credentials: dict[str, str]
    is_tls: bool


def is_sentinel(url: str) -> bool:
    """`redis+sentinel://:password@host:port,host:port/name`: some sentinels, or better all of them."""
    return url.partition("://")[0] in SCHEMES


def read_url(url: str) -> Watched:
    """Raises `ValueError`, which never holds the password."""
    parts = urlsplit(url)
    auth, _, hosts = parts.netloc.rpartition("@")
    user, _, password = auth.partition(":")
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if not hosts or not parts.path.strip("/"):
        raise ValueError("the URL of a Sentinel names its hosts, and behind a slash what they watch")
    return Watched(
        sentinels=[_address(host) for host in hosts.split(",")],
        name=parts.path.strip("/"),
        credentials=_given(username=unquote(user), password=unquote(password)),
        sentinel_credentials=_given(
            username=asked.get("sentinel_username", ""), password=asked.get("sentinel_password", "")
        ),
        is_tls=SCHEMES[parts.scheme],
    )


def _given(**credentials: str) -> dict[str, str]:
    return {name: value for name, value in credentials.items() if value}


def _address(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    return parts.hostname or "", parts.port or PORT


def _asking(watched: Watched) -> dict[str, Any]:
    """How sentinels are connected to."""
    return {
        **watched.sentinel_credentials,
        "socket_timeout": ASK_SECONDS,
        "socket_connect_timeout": ASK_SECONDS,
        "ssl": watched.is_tls,
    }


class _Sentinels(sentinel.Sentinel):
    """redis-py's reorders its list while others go through it, and would forget a sentinel."""

    _asking: "asyncio.Task[Any] | None" = None

    async def discover_master(self, service_name: str) -> Any:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(super().discover_master(service_name))
        return await asyncio.shield(self._asking)


class _Pool(sentinel.SentinelConnectionPool):
    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for one in self.sentinel_manager.sentinels:
                await one.aclose()


class _SyncPool(sync_sentinel.SentinelConnectionPool):
    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        if inuse_connections:
            for one in self.sentinel_manager.sentinels:
                one.close()


class WatchedConnection(sentinel.SentinelManagedConnection):
    """Leaves a server that became a replica, also when it says so as 6.2 does inside a script."""

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)
        except ResponseError as error:
            if not _is_refusal_of_replica(error):
                raise
            await self.disconnect()
            raise RedisConnectionError("the server became a replica") from error


class WatchedTlsConnection(WatchedConnection, sentinel.SentinelManagedSSLConnection):
    pass


class _SyncWatchedConnection(sync_sentinel.SentinelManagedConnection):
    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except ResponseError as error:
            if not _is_refusal_of_replica(error):
                raise
            self.disconnect()
            raise RedisConnectionError("the server became a replica") from error


class _SyncWatchedTlsConnection(_SyncWatchedConnection, sync_sentinel.SentinelManagedSSLConnection):
    pass


def _is_refusal_of_replica(error: ResponseError) -> bool:
    return "READONLY " in str(error)


def open_pool(
    url: str, plain: type[WatchedConnection], tls: type[WatchedTlsConnection], **options: Any
) -> Any:
    """A pool of connections, of one class or the other, to whoever is the primary."""
    watched = read_url(url)
    sentinels = _Sentinels(watched.sentinels, sentinel_kwargs=_asking(watched))
    return _Pool(
        watched.name,
        sentinels,
        connection_class=tls if watched.is_tls else plain,
        **watched.credentials,
        **options,
    )


def connect_sync(url: str, **options: Any) -> Any:
    """A client of whoever is the primary, for a thread."""
    watched = read_url(url)
    sentinels = sync_sentinel.Sentinel(watched.sentinels, sentinel_kwargs=_asking(watched))
    return sentinels.master_for(
        watched.name,
        connection_pool_class=_SyncPool,
        connection_class=_SyncWatchedTlsConnection if watched.is_tls else _SyncWatchedConnection,
        **watched.credentials,
        **options,
    )
