"""Two releases at work on one Redis: what one does not know is parked until the other reads it, and nothing fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.chaos.fleet.service import Service
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.releases import NEWER, OLDER, Patch, make_release
from tests.gateway.desk import PUBLIC_PEM, TEXT, make_token

from local.ports import LOOPBACK, free_ports
from local.services.readiness import wait_ready
from local.services.supervised_process import ServiceSpec
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import JobId

pytestmark = pytest.mark.e2e
POLL_SECONDS = 0.05
PLAIN: dict[str, Any] = {"kind": "summary", "input": {"text": TEXT}}
NEW_KIND: dict[str, Any] = {"kind": "outline", "input": {"text": TEXT}}
NEW_OPTION: dict[str, Any] = {
    "kind": "flashcards",
    "input": {"text": TEXT},
    "options": {"difficulty": "hard"},
}
WRONG = ("consumer.read_failed", "job.handler_failed", "job.abandoned", "maintenance.failed", "not json")


class Releases:
    """Processes by release, over one Redis and one Postgres."""

    def __init__(self, folder: Path, redis: RedisClient, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._redis = redis
        self._environ = environ
        self._services: list[Service] = []
        self._clients: list[httpx.AsyncClient] = []

    async def start(self, module: str, release: str, patches: tuple[Patch, ...] = (), **environ: str) -> None:
        folder = self._folder / release
        if not folder.exists():
            make_release(folder, *patches)
        of_this = {**self._environ, **environ, "PYTHONPATH": str(folder)}
        program = ServiceSpec(name=f"{release}-{module}", module=module, environ=of_this, stop_seconds=30.0)
        service = Service(program, self._folder)
        self._services.append(service)
        await service.start()

    async def gateway(self, release: str, patches: tuple[Patch, ...] = ()) -> httpx.AsyncClient:
        (port,) = free_ports(1)
        await self.start("gateway", release, patches, ETUDE_PORT=str(port))
        await wait_ready(port, "/readyz")
        headers = {"Authorization": f"Bearer {make_token()}"}
        client = httpx.AsyncClient(
            base_url=f"http://{LOOPBACK}:{port}", headers=headers, timeout=DEADLINE_SECONDS
        )
        self._clients.append(client)
        return client

    async def record(self, job_id: str) -> dict[str, str]:
        row = await call(self._redis, "HGETALL", keys.record(0, JobId(job_id)))
        return {name.decode(): value.decode() for name, value in row.items()}

    async def until(self, job_id: str, is_so: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not is_so(record := await self.record(job_id)):  # noqa: ASYNC110 - looked at from outside
                await asyncio.sleep(POLL_SECONDS)
        return record

    async def succeeded(self, job_id: str) -> dict[str, str]:
        record = await self.until(job_id, lambda row: row["state"] not in ("queued", "running"))
        assert (record["state"], record["failures"], record["crashes"]) == ("succeeded", "0", "0"), record[
            "problem"
        ]
        return record

    async def parked(self, job_id: str) -> dict[str, str]:
        """Looked at twice by somebody who does not know it."""
        record = await self.until(job_id, lambda row: int(row["attempt"]) >= 2 and row["state"] == "queued")
        assert "unknown_wire" in record["problem"]
        assert (record["failures"], record["crashes"]) == ("0", "0")
        return record

    def wrong(self) -> dict[str, int]:
        said = {name: service.count_lines()[name] for service in self._services for name in WRONG}
        return {name: count for name, count in said.items() if count}

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        for service in self._services:
            await service.stop()


@pytest.fixture
async def releases(
    tmp_path: Path, redis_url: str, real_redis: RedisClient, postgres_url: str
) -> AsyncIterator[Releases]:
    environ = {
        "ETUDE_REDIS_URL": redis_url,
        "ETUDE_POSTGRES_URL": postgres_url,
        "ETUDE_JWT_PUBLIC_KEY": PUBLIC_PEM,
        "PYTHONUNBUFFERED": "1",
    }
    running = Releases(tmp_path, real_redis, environ)
    yield running
    await running.close()


async def _ask(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    answer = await client.post("/api/ai", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


async def test_an_older_worker_parks_what_it_does_not_know_and_does_the_rest(releases: Releases) -> None:
    await releases.start("ai_worker", "older", OLDER)
    client = await releases.gateway("today")
    plain, *unknown = [await _ask(client, body) for body in (PLAIN, NEW_KIND, NEW_OPTION)]
    await releases.succeeded(plain)
    for job in unknown:
        await releases.parked(job)
    await releases.start("ai_worker", "today")  # beside the older one, as in every rollout
    for job in unknown:
        await releases.succeeded(job)
    assert releases.wrong() == {}


async def test_jobs_of_an_older_gateway_are_done_by_todays_worker(releases: Releases) -> None:
    """Its records lack what came later."""
    await releases.start("ai_worker", "today")
    client = await releases.gateway("older", OLDER)
    job = await _ask(client, PLAIN)
    assert "title" not in await releases.record(job)
    await releases.succeeded(job)
    assert (await client.get(f"/api/ai/{job}")).json()["status"] == "succeeded"
    assert releases.wrong() == {}


async def test_a_newer_wire_version_waits_for_a_newer_worker_and_an_older_one_is_read_by_it(
    releases: Releases,
) -> None:
    await releases.start("ai_worker", "today")
    newer, today = await releases.gateway("newer", NEWER), await releases.gateway("today")
    job = await _ask(newer, PLAIN)
    assert (await releases.parked(job))["v"] == "2"
    await releases.start("ai_worker", "newer")
    await releases.succeeded(job)
    await releases.succeeded(await _ask(today, PLAIN))
    assert releases.wrong() == {}
