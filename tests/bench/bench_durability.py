"""What it costs to answer 202 only when a job is on the disk: the same load with each setting, on a server that can say so."""

# ruff: noqa: T201 - a bench prints what it measured

import tempfile
from pathlib import Path
from typing import Any, cast

import redis
from tests.bench.bench_gateway import measure, running_gateway
from tests.servers import wheel_valkey

from local.servers.redis_server import RedisServer, machine_redis, version_of
from shared.adapters.redis.durability import confirms_early
from shared.domain.jobs.submission import Durability

SETTINGS = (
    ("everysec", Durability.MEMORY),
    ("everysec", Durability.AOF),
    ("always", Durability.MEMORY),
    ("always", Durability.AOF),
)
FIRST_WITH_WAITAOF = (7, 2)


def main() -> None:
    machine = machine_redis()
    binary = machine if machine and version_of(machine) >= FIRST_WITH_WAITAOF else wheel_valkey()
    if binary is None:
        print("no server with WAITAOF on this machine")
        return
    for appendfsync, durability in SETTINGS:
        with (
            tempfile.TemporaryDirectory(prefix="etude-bench-") as name,
            RedisServer(Path(name) / "redis", binary=binary) as server,
        ):
            client = cast(Any, redis.Redis).from_url(server.url)
            client.config_set("appendfsync", appendfsync)
            kind = client.info("server")
            client.close()
            label = f"{kind.get('server_name', 'redis')} {'.'.join(map(str, server.version))}"
            if durability is Durability.AOF and confirms_early(kind, appendfsync):
                print(f"{label} {appendfsync} {durability}: refused, it confirms too early")
                continue
            more = {"ETUDE_ACCEPT_DURABILITY": str(durability), "ETUDE_LOG_LEVEL": "ERROR"}
            with running_gateway(Path(name), server.url, environ=more) as (url, tokens):
                print(f"{label} {appendfsync} {durability}: {measure(Path(name), url, tokens)}")
