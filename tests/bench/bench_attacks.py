"""What ten honest users feel of one attacker at the door: their latencies alone and beside each attack, of one gateway process."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.stack import percentile
from tests.hostile.attacks import FLOODS, HELD
from tests.hostile.neighbours import Outcome, measure, running_gateway

from local.servers.redis_server import RedisServer

SECONDS = 6.0


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="etude-bench-") as name,
        RedisServer(Path(name) / "redis") as redis,
    ):
        for attack in (*FLOODS, *HELD):
            with running_gateway(ETUDE_REDIS_URL=redis.url) as (url, process):
                print(_row(attack, asyncio.run(measure(url, process, attack, seconds=SECONDS))))


def _row(attack: str, outcome: Outcome) -> str:
    alone, beside = outcome.alone, outcome.beside
    told = ", ".join(f"{count} × {status}" for status, count in sorted(outcome.attacker.items()))
    return (
        f"{attack:<15} users {_pair(alone.users)} → {_pair(beside.users)} ms"
        f"  health {_pair(alone.health)} → {_pair(beside.health)} ms  memory {outcome.grown_megabytes:+.1f} MB"
        f"  attacker: {told}"
    )


def _pair(values: Sequence[float]) -> str:
    """The median and the 99th percentile."""
    return f"{percentile(values, 0.5):5.1f}/{percentile(values, 0.99):5.1f}"
