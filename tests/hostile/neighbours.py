"""A gateway process under attack, and what its honest users feel meanwhile."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from statistics import median

import httpx
import msgspec
import psutil
from msgspec import Struct
from tests.deadline import DEADLINE_SECONDS
from tests.gateway.desk import PUBLIC_PEM, SUMMARY, make_token
from tests.gateway.gateway_process import running
from tests.hostile.attacks import Target
from tests.paths import ROOT

from local.ports import LOOPBACK, free_ports

USERS = 10
PAUSE_SECONDS = 0.05
"""Between two requests of an honest user."""
BODY = msgspec.json.encode(SUMMARY)


class Latencies(Struct, frozen=True):
    """Milliseconds."""

    users: list[float]
    health: list[float]


class Outcome(Struct, frozen=True, kw_only=True):
    alone: Latencies
    beside: Latencies
    attacker: dict[str, int]
    """How many responses of each status the attacker got."""
    grown_megabytes: float
    """How much more memory the gateway had at most."""

    @property
    def ratio(self) -> float:
        return median(self.beside.users) / median(self.alone.users)


@contextmanager
def running_gateway(**environ: str) -> Generator[tuple[str, psutil.Process]]:
    """A gateway that counts the addresses of its clients: no proxy is trusted."""
    (port,) = free_ports(1)
    settings = {
        "ETUDE_PORT": str(port),
        "ETUDE_JWT_PUBLIC_KEY": PUBLIC_PEM,
        "ETUDE_TRUSTED_PROXIES": "192.0.2.1",
        "ETUDE_LOG_LEVEL": "error",
        **environ,
    }
    url = f"http://{LOOPBACK}:{port}"
    with running(**settings) as process:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.get(f"{url}/healthz", timeout=DEADLINE_SECONDS).raise_for_status()
        yield url, psutil.Process(process.pid)


async def measure(url: str, process: psutil.Process, attack: str, *, seconds: float) -> Outcome:
    """The honest users alone, and then beside the attack, for `seconds` each."""
    alone = await latencies(url, seconds)
    before = process.memory_info().rss
    watch = asyncio.create_task(_peak(process))
    command = [
        sys.executable,
        "-m",
        "tests.hostile.attacks",
        attack,
        url,
        make_token(sub="eve"),
        str(seconds + 1),
    ]
    attacker = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    await asyncio.sleep(0.5)
    beside = await latencies(url, seconds)
    async with asyncio.timeout(DEADLINE_SECONDS):
        told, _ = await attacker.communicate()
    watch.cancel()
    (peak,) = await asyncio.gather(watch)
    return Outcome(
        alone=alone, beside=beside, attacker=json.loads(told), grown_megabytes=(peak - before) / 1_048_576
    )


async def latencies(url: str, seconds: float) -> Latencies:
    """Ten users submit jobs and read their usage, and a probe asks for the health."""
    until, found = time.monotonic() + seconds, Latencies([], [])
    async with asyncio.timeout(seconds + DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        for number in range(USERS):
            target = Target(url, make_token(sub=f"honest-{number}", plan="unlimited"))
            data = [target.post(BODY), target.head("GET", "/api/usage")]
            group.create_task(_repeat(target, data, until, found.users))
        group.create_task(
            _repeat(Target(url, ""), [b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"], until, found.health)
        )
    return found


async def _repeat(target: Target, requests: list[bytes], until: float, found: list[float]) -> None:
    reader, writer = await target.connect()
    while time.monotonic() < until:
        for data in requests:
            started = time.perf_counter()
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            found.append((time.perf_counter() - started) * 1000)
            assert head.split()[1] in (b"200", b"202"), head
            await asyncio.sleep(PAUSE_SECONDS)
    writer.close()


async def _peak(process: psutil.Process) -> int:
    """The most memory until it is cancelled, in bytes."""
    peak = 0
    try:
        while True:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return peak
