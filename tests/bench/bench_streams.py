"""What one idle listener costs a gateway process in memory: 5,000 event streams of as many users, opened and left alone.

Also what one costs that reads nothing while its user's events come. The memory is the resident set of the process, before and
after; what the kernel holds for a connection is not in it.
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from tests.bench.bench_gateway import running_gateway

from local.servers.redis_server import RedisServer
from shared.adapters.redis.connection import call_many, connect

LISTENERS, AT_ONCE, SETTLE_SECONDS = 5_000, 20, 5.0
DEAF, DEAF_USERS, DEAF_SECONDS = 150, 10, 10.0
EVENTS, EVENT_BYTES = 4_000, 1_500
"""In the log of each user who does not read: 6 MB."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="etude-bench-") as name, ExitStack() as stack:
        redis = stack.enter_context(RedisServer(Path(name) / "redis"))
        url, tokens = stack.enter_context(
            running_gateway(Path(name), redis.url, users=LISTENERS + DEAF_USERS)
        )
        asyncio.run(_measure(url, redis.url, tokens))


async def _measure(url: str, redis_url: str, tokens: list[str]) -> None:
    gateway = _process_at(urlsplit(url).port)
    for _, writer in await _listen(url, tokens[:AT_ONCE]):  # warms it up
        writer.close()
    await asyncio.sleep(1)
    before = gateway.memory_info().rss
    began = time.monotonic()
    streams = await _listen(url, tokens[:LISTENERS])
    took = time.monotonic() - began
    await asyncio.sleep(SETTLE_SECONDS)
    after = gateway.memory_info().rss
    print(
        f"{LISTENERS:,} idle listeners: {(after - before) / LISTENERS / 1024:.1f} KiB each (goal 20),"
        f" opened {LISTENERS / took:,.0f}/s, {(await _cpu_share(gateway)) * 100:.1f} % of a core"
    )
    _check_open(gateway, LISTENERS)
    await _write_log(redis_url, tokens)
    before = gateway.memory_info().rss
    streams += await _listen(url, tokens[LISTENERS:] * (DEAF // DEAF_USERS), reads=False)
    await asyncio.sleep(DEAF_SECONDS)
    _check_open(gateway, LISTENERS + DEAF)
    each = (gateway.memory_info().rss - before) / DEAF / 1024
    print(
        f"{DEAF} listeners that do not read their {EVENTS * EVENT_BYTES // 1_000_000} MB: {each:.0f} KiB each"
    )
    for _, writer in streams:
        writer.transport.abort()


def _check_open(gateway: psutil.Process, streams: int) -> None:
    connected = [one for one in gateway.net_connections() if one.status == psutil.CONN_ESTABLISHED]
    assert len(connected) >= streams, f"{len(connected):,} of {streams:,} are open"


async def _cpu_share(process: psutil.Process) -> float:
    before = process.cpu_times()
    await asyncio.sleep(SETTLE_SECONDS)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / SETTLE_SECONDS


def _process_at(port: int | None) -> psutil.Process:
    (gateway,) = (
        one
        for one in psutil.Process().children()
        if any(port == connection.laddr.port for connection in one.net_connections())
    )
    return gateway


async def _listen(url: str, tokens: list[str], *, reads: bool = True) -> list[Stream]:
    seats = asyncio.Semaphore(AT_ONCE)
    address = urlsplit(url)

    async def open_one(token: str) -> Stream:
        async with seats:
            reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2_000)
            writer.write(
                f"GET /api/events HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            if reads:
                line = await reader.readline()
                assert b" 200 " in line, line + await reader.read(2_000)
                await reader.readuntil(b"retry: ")
            return reader, writer

    return await asyncio.gather(*map(open_one, tokens))


async def _write_log(redis_url: str, tokens: list[str]) -> None:
    redis = connect(redis_url, name="bench")
    data = json.dumps(
        {"job_id": "j", "attempt": 1, "type": "flashcard", "item": {"front": "x" * EVENT_BYTES}}
    )
    for user in range(LISTENERS, len(tokens)):
        log = f"{{s0}}:user:user-{user}:events"
        await call_many(redis, [("XADD", log, "*", "event", f"j item {data}")] * EVENTS)
    await redis.aclose()


if __name__ == "__main__":
    main()
