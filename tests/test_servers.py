"""The servers that the other tests trust."""

import asyncio
from typing import Any

from tests.servers import RealRedis, RedisPlace

from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.connection import connect
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, nodes


async def test_each_redis_starts_empty_runs_scripts_and_shares_its_memory_between_connections(
    redis: RedisClient, redis_place: RedisPlace
) -> None:
    assert await call(redis, "PING")
    assert [await call(node, "DBSIZE") for node in await nodes(redis)] in ([0], [0, 0, 0])
    assert await call(redis, "EVAL", "return redis.call('INCR', KEYS[1])", 1, "n") == 1
    other = redis_place.connect()
    assert await call(other, "GET", "n") == b"1"
    await other.aclose()


async def test_redis_keeps_what_it_acknowledged_across_a_restart(
    redis_server: RealRedis, real_redis: RedisClient
) -> None:
    await call(real_redis, "SET", "kept", "yes")
    redis_server.server.stop()
    redis_server.server.start()
    assert await call(real_redis, "GET", "kept") == b"yes"


async def test_postgres_keeps_its_address_and_its_rows_across_a_crash(
    postgres_server: PostgresServer,
) -> None:
    server = postgres_server
    url = server.url
    await _run(url, "CREATE TABLE kept AS SELECT 1 AS one")
    server.process.kill()
    server.start()
    assert server.url == url
    assert await _run(url, "SELECT one FROM kept") == [(1,)]
    await _run(url, "DROP TABLE kept")


async def test_no_backend_of_a_killed_postgres_answers(postgres_server: PostgresServer) -> None:
    connections = [await connect(postgres_server.url) for _ in range(8)]
    postgres_server.process.kill()
    answers = await asyncio.gather(*(one.fetch("SELECT 1") for one in connections), return_exceptions=True)
    postgres_server.start()
    assert [type(one) for one in answers if not isinstance(one, Exception)] == []
    await asyncio.gather(*(one.close() for one in connections))


async def _run(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await connect(url)
    try:
        return [tuple(row.values()) for row in await connection.fetch(statement)]
    finally:
        await connection.close()
