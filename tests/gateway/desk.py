"""A gateway under test: its address, its parts, and clients of it."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.deadline import DEADLINE_SECONDS
from tests.factories import PLAN, make_plan
from tests.job_life import JobLife

from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.budgets import Plan
from shared.domain.errors import Problem
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput

PRIVATE_KEY = Ed25519PrivateKey.generate()
PUBLIC_PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
INTERNAL_SECRET = "between-us"
TEXT = (
    "Photosynthesis is the process by which plants turn light into chemical energy. "
    "Chlorophyll is the green pigment that absorbs light. "
    "The Calvin cycle takes place in the stroma of the chloroplast."
)
SUMMARY: dict[str, Any] = {"kind": "summary", "input": {"text": TEXT}}
COLLECTION: dict[str, Any] = {"title": "Plants", "text": TEXT}
PLANS: dict[str, Plan] = {
    "free": PLAN,
    "small": make_plan(tokens_per_day=30_000),
    "slow": make_plan(requests_per_minute=2),
    "narrow": make_plan(unfinished_jobs=1),
}


def make_token(**claims: Any) -> str:
    """Of ada's, valid for an hour, but for what a test says."""
    valid = {"sub": "ada", "exp": int(time.time()) + 3600}
    return jwt.encode(valid | claims, PRIVATE_KEY, algorithm="EdDSA")


class Told(NamedTuple):
    """One event of a stream."""

    id: str
    name: str
    data: Any


class Desk:
    def __init__(self, parts: Parts, url: str) -> None:
        self.parts = parts
        self.url = url
        self._clients: list[httpx.AsyncClient] = []

    def client(self, **claims: Any) -> httpx.AsyncClient:
        """Signed in: as ada, but for what a test says."""
        return self.anonymous(Authorization=f"Bearer {make_token(**claims)}")

    def anonymous(self, **headers: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=DEADLINE_SECONDS, verify=False)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def listen(client: httpx.AsyncClient, path: str, **headers: str) -> AsyncGenerator["Heard"]:
    """An open event stream."""
    async with client.stream("GET", path, headers=headers) as response:
        yield Heard(response)


class Heard:
    """What a listener hears, in order."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines = response.aiter_lines()

    async def next(self) -> Told | None:
        """The next event; None at the end of the stream. Comments are passed over."""
        event_id, name, data = "", "", ""
        async for line in self.lines:
            field, _, value = line.partition(": ")
            if field == "id":
                event_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data = value
            elif not line and name:
                return Told(event_id, name, httpx.Response(200, text=data).json())
        return None

    async def all(self) -> list[Told]:
        """Until the stream ends."""
        events: list[Told] = []
        while event := await self.next():
            events.append(event)
        return events


async def submit(client: httpx.AsyncClient, body: dict[str, Any] = SUMMARY, **headers: str) -> dict[str, Any]:
    answer = await client.post("/api/ai", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def drain(life: JobLife, results: ResultStore) -> None:
    await life.consumer(results=results).drain()


async def fail(job_input: JobInput, context: AttemptContext) -> Outcome:
    return Fail(Problem("no_usable_text"))
