"""Attacks on a gateway's door, as a program of its own: `python -m tests.hostile.attacks NAME URL TOKEN SECONDS`.

Each is what one free user, or somebody without a token, can send. It prints how many responses of each status the attacker got.
"""

# ruff: noqa: T201 - a program that prints what it saw

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

MEBIBYTE = 1_048_576
CONNECTIONS = 4
"""How many connections send what they can, one request after another."""
CLOSED, SILENT = "closed", "no response"
Attack = Callable[["Target"], Awaitable[str]]


class Target:
    def __init__(self, url: str, token: str) -> None:
        self.host, _, port = url.removeprefix("http://").partition(":")
        self.port = int(port)
        self.token = token

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)

    def post(self, body: bytes, path: str = "/api/ai") -> bytes:
        return (
            self.head("POST", path, f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
            + body
        )

    def head(self, method: str, path: str, more: str = "", token: str = "") -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {token or self.token}\r\n{more}\r\n"
        ).encode()


async def exchange(target: Target, data: bytes) -> str:
    """Send on a new connection. Returns the status of the response."""
    reader, writer = await target.connect()
    try:
        writer.write(data)
        return await status_of(reader)
    finally:
        writer.close()


async def status_of(reader: asyncio.StreamReader) -> str:
    line = await reader.readline()
    return line.split()[1].decode() if line else CLOSED


def filled(unit: bytes) -> bytes:
    return b"[" + (unit * ((MEBIBYTE - 2) // len(unit))).rstrip(b",") + b"]"


NESTED, NULS = filled(b"[],"), filled(b'"\\u0000",')


async def large_head(target: Target) -> str:
    return await exchange(target, b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 40_000_000)


async def nested_lists(target: Target) -> str:
    return await exchange(target, target.post(NESTED))


async def nul_characters(target: Target) -> str:
    return await exchange(target, target.post(NULS))


async def wrong_keys(target: Target) -> str:
    return await exchange(target, target.head("GET", "/api/usage", token=f"etk_{os.urandom(8).hex()}"))


async def requests_ahead(target: Target) -> str:
    return await exchange(target, target.head("GET", "/api/usage") * 2_000)


async def requests(target: Target) -> str:
    return await exchange(target, target.head("GET", "/api/ai?limt=1"))


FLOODS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (large_head, nested_lists, nul_characters, wrong_keys, requests_ahead, requests)
}
"""Sent again and again by a few connections."""

HELD: dict[str, Callable[[Target], bytes]] = {
    "silent": lambda target: b"",
    "half_head": lambda target: b"GET /healthz HTTP/1.1\r\nX: ",
    "half_body": lambda target: target.post(b"[" + b" " * (MEBIBYTE - 1))[: -MEBIBYTE // 20],
    "not_reading": lambda target: b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 8,
}
"""Sent once by many connections, which then wait."""
HELD_CONNECTIONS = 100


async def attack(name: str, target: Target, seconds: float) -> Counter[str]:
    seen = Counter[str]()
    send = flood(FLOODS[name], target, seen) if name in FLOODS else hold(HELD[name](target), target, seen)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await send
    return seen


async def flood(one: Attack, target: Target, seen: Counter[str]) -> None:
    async def repeat() -> None:
        while True:
            try:
                seen[await one(target)] += 1
            except OSError:
                seen[CLOSED] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(repeat())


async def hold(data: bytes, target: Target, seen: Counter[str]) -> None:
    async def wait() -> None:
        status = SILENT
        try:
            reader, writer = await target.connect()
            writer.write(data)
            status = await status_of(reader)
            await asyncio.get_running_loop().create_future()  # what else comes is not read
        except OSError:
            status = CLOSED
        finally:
            seen[status] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(HELD_CONNECTIONS):
            group.create_task(wait())


def main() -> None:
    name, url, token, seconds = sys.argv[1:]
    os.nice(10)  # the attacker has a machine of its own: it must not take the gateway's processor
    print(json.dumps(asyncio.run(attack(name, Target(url, token), float(seconds)))))


if __name__ == "__main__":
    main()
