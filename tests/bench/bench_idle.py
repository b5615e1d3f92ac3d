"""What an idle worker costs its servers: commands to Redis, those inside scripts included, and queries to Postgres.

Each worker alone with its own Redis and Postgres, which it had a while to settle with; then the whole stack, for what the
other services add. Postgres is watched from another database: a query is seen as one begun, a transaction as one counted.
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from tests.bench.stack import find_servers, running_stack

from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer
from shared.adapters.postgres.connection import Connection
from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.postgres.migrations import migrate
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.connection import connect as connect_redis

SETTLE_SECONDS, WATCH_SECONDS = 12.0, 20.0
"""What a connection asked, Postgres counts up to ten seconds later."""
WORKERS = ("ai_worker", "collection_worker")

QUERIES = """
SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND query_start > $2
"""
TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1"


class Seen(Struct):
    commands: Counter[str]
    """By name."""
    queries: int
    """Connections that asked something."""
    transactions: int
    """Also of Postgres' own autovacuum."""


def main() -> None:
    for module in WORKERS:
        with _lone_worker(module) as (redis_url, postgres_url):
            _print(f"{module} alone", asyncio.run(_watch(redis_url, postgres_url)), " (goals 1 and 0)")
    with running_stack() as stack:
        servers = find_servers(stack)
        _print("whole stack", asyncio.run(_watch(servers.redis_url, servers.postgres_url)), "")


@contextmanager
def _lone_worker(module: str) -> Generator[tuple[str, str]]:
    """The URLs of its Redis and its Postgres."""
    with (
        tempfile.TemporaryDirectory(prefix="etude-bench-") as name,
        RedisServer(Path(name) / "redis") as redis,
        PostgresServer(Path(name) / "postgres") as postgres,
    ):
        migrate(postgres.url)
        environ = {"ETUDE_REDIS_URL": redis.url, "ETUDE_POSTGRES_URL": postgres.url}
        with subprocess.Popen([sys.executable, "-m", module], env=environ, stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            while b"worker.ready" not in worker.stdout.readline():
                assert worker.poll() is None, f"{module} does not start"
            yield redis.url, postgres.url
            worker.terminate()
            worker.communicate()


async def _watch(redis_url: str, postgres_url: str) -> Seen:
    database = urlsplit(postgres_url).path.removeprefix("/")
    redis = connect_redis(redis_url, name="bench")
    postgres = await connect_postgres(postgres_url.removesuffix(database) + "postgres")
    try:
        await asyncio.sleep(SETTLE_SECONDS)
        since = await postgres.fetchval("SELECT clock_timestamp()")
        commands, transactions = await _commands(redis), await _transactions(postgres, database)
        await asyncio.sleep(WATCH_SECONDS)
        return Seen(
            commands=await _commands(redis) - commands,
            queries=await postgres.fetchval(QUERIES, database, since),
            transactions=await _transactions(postgres, database) - transactions,
        )
    finally:
        await postgres.close()
        await redis.aclose()


async def _commands(redis: RedisClient) -> Counter[str]:
    stats = await call(redis, "INFO", "commandstats")
    return Counter(
        {
            name.removeprefix("cmdstat_"): facts["calls"]
            for name, facts in stats.items()
            if name != "cmdstat_info"
        }
    )


async def _transactions(postgres: Connection, database: str) -> int:
    return await postgres.fetchval(TRANSACTIONS, database)


def _print(label: str, seen: Seen, goals: str) -> None:
    by_name = ", ".join(f"{name} {count}" for name, count in seen.commands.most_common())
    print(
        f"{label:<24} {seen.commands.total() / WATCH_SECONDS:4.2f} Redis commands/s,"
        f" {seen.queries} Postgres queries{goals}, {seen.transactions} transactions, over {WATCH_SECONDS:.0f} s: {by_name}"
    )


if __name__ == "__main__":
    main()
