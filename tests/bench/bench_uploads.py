"""What honest users feel of two who upload documents that take a reader all its time: their uploads alone and beside, in turns."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
from tests.bench.stack import percentile
from tests.deadline import DEADLINE_SECONDS
from tests.gateway.desk import make_token
from tests.hostile.hostile_documents import DOCUMENTS, W, word
from tests.hostile.neighbours import running_gateway

from local.servers.redis_server import RedisServer

ROUNDS, SECONDS = 4, 5.0
USERS, HOSTILE_USERS = 4, 2
PAUSE_SECONDS = 0.5
"""Between two uploads of an honest user."""
SLOW = ("shared-stream.pdf", "runs.docx")
SENTENCE = "Plants make sugar from light, and chlorophyll absorbs the light. "
HONEST = {
    "notes.txt": SENTENCE.encode() * 500,
    "page.html": b"<!doctype html><body>" + f"<p>{SENTENCE}</p>".encode() * 500,
    "essay.docx": word(
        W + f"<w:p><w:r><w:t>{SENTENCE}</w:t></w:r></w:p>".encode() * 2_000 + b"</w:body></w:document>"
    ),
}


def main() -> None:
    alone, beside, told = list[float](), list[float](), Counter[str]()
    with (
        tempfile.TemporaryDirectory(prefix="etude-bench-") as name,
        RedisServer(Path(name) / "redis") as redis,
        running_gateway(ETUDE_REDIS_URL=redis.url) as (url, _),
    ):
        for number in range(ROUNDS):
            asyncio.run(_round(url, number, alone, beside, told))
    for share in (0.5, 0.95):
        before, after = percentile(alone, share), percentile(beside, share)
        print(f"p{share * 100:.0f}  {before * 1000:6.0f} → {after * 1000:6.0f} ms  × {after / before:.2f}")
    print(f"{len(alone)} and {len(beside)} uploads; attackers: {dict(told)}")


async def _round(url: str, number: int, alone: list[float], beside: list[float], told: Counter[str]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=DEADLINE_SECONDS) as client:
        await _honest_users(client, f"a{number}", alone)
        attackers = [
            asyncio.create_task(_attack(client, f"eve-{number}-{index}", SLOW[index % len(SLOW)], told))
            for index in range(HOSTILE_USERS)
        ]
        await _honest_users(client, f"b{number}", beside)
        for attacker in attackers:
            attacker.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)


async def _honest_users(client: httpx.AsyncClient, name: str, found: list[float]) -> None:
    async def repeat(user: str) -> None:
        until, turn = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            document = list(HONEST)[turn % len(HONEST)]
            started = time.perf_counter()
            status = await _upload(client, user, document, HONEST[document])
            found.append(time.perf_counter() - started)
            assert status == 202, status
            turn += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async with asyncio.TaskGroup() as group:
        for index in range(USERS):
            group.create_task(repeat(f"{name}-{index}"))


async def _attack(client: httpx.AsyncClient, user: str, name: str, told: Counter[str]) -> None:
    while True:
        told[str(await _upload(client, user, name, DOCUMENTS[name]))] += 1


async def _upload(client: httpx.AsyncClient, user: str, name: str, content: bytes) -> int:
    token = make_token(sub=user, plan="unlimited")
    response = await client.post(
        "/api/collections",
        files={"file": (name, content)},
        headers={"Authorization": f"Bearer {token}"},
    )
    return response.status_code
