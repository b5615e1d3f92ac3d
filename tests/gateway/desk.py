"""A gateway under test: its address, its parts, and clients of it."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.deadline import DEADLINE_SECONDS
from tests.event_streams import StreamEvent, read_events
from tests.factories import PLAN, make_plan
from tests.job_harness import JobHarness

from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.budgets import Plan
from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import Problem
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.outcome import Fail, Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.model_choice import PlanModels

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
    "crowd": make_plan(event_streams=1_000),
    "narrow": make_plan(unfinished_jobs=1),
    "hurried": make_plan(api_requests_per_minute=60),
    "brief": make_plan(documents=DocumentLimits(text_bytes=50, pages=1)),
    "frugal": make_plan(items_per_job=30),
    "choosy": make_plan(models=PlanModels(allowed=("large", "huge"))),
}


def make_token(**claims: Any) -> str:
    """Of ada's, valid for an hour, but for what a test says."""
    valid = {"sub": "ada", "exp": int(time.time()) + 3600}
    return jwt.encode(valid | claims, PRIVATE_KEY, algorithm="EdDSA")


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
async def listen(client: httpx.AsyncClient, path: str, **headers: str) -> AsyncGenerator["EventReader"]:
    """Open an event stream."""
    async with client.stream("GET", path, headers=headers) as response:
        reader = EventReader(response)
        try:
            yield reader
        finally:
            await reader.close()


class EventReader:
    """Reads the events of one stream in order."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events = read_events(response)

    async def next(self) -> StreamEvent | None:
        """Return the next event; None at the end of the stream."""
        return await anext(self._events, None)

    async def all(self) -> list[StreamEvent]:
        """Return the events until the stream ends."""
        return [event async for event in self._events]

    async def close(self) -> None:
        await self._events.aclose()


async def submit(client: httpx.AsyncClient, body: dict[str, Any] = SUMMARY, **headers: str) -> dict[str, Any]:
    answer = await client.post("/api/ai", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def drain(harness: JobHarness, results: ResultStore) -> None:
    await harness.consumer(results=results).drain()


async def fail(job_input: JobInput, context: AttemptContext) -> Outcome:
    return Fail(Problem("no_usable_text"))
