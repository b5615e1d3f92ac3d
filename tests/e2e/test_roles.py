"""The whole stack works while each service connects to Postgres as its own role, and to Redis as its own user."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.running import RunningStack, events_until_done, free_row
from tests.metric_samples import scrape
from tests.paths import read_text

from local.ports import free_ports
from shared.adapters.postgres.connection import connect
from shared.adapters.postgres.roles import SERVICES, role_of
from shared.adapters.redis.connection import call
from shared.adapters.redis.connection import connect as connect_redis

pytestmark = pytest.mark.e2e
CONNECTIONS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@pytest.fixture
def measured_stack(tmp_path: Path) -> Iterator[RunningStack]:
    environ = {"ETUDE_METRICS_BASE_PORT": str(free_row()), "ETUDE_LOG_LEVEL": "DEBUG"}
    with RunningStack(tmp_path / "data", free_ports(1)[0], environ) as running:
        yield running


def test_everything_works_and_no_service_is_the_superuser(measured_stack: RunningStack) -> None:
    places = json.loads((measured_stack.folder / "stack.json").read_text())
    with measured_stack.client as http:
        text = read_text("solar_system.en.txt")
        job = _finish(measured_stack, "/api/ai", {"kind": "flashcards", "input": {"text": text}})
        collection = _finish(measured_stack, "/api/collections", {"text": text, "title": "Planets"})
        question = {"messages": [{"role": "user", "content": "How far is the Sun?"}]}
        in_collection = {"collection_id": collection.rpartition("/")[2]}
        assert http.post("/api/chat", json=question | in_collection).is_success
        assert http.get(collection).json()["flashcards"]
        for path in (job, collection):
            assert http.delete(path).is_success
            assert http.get(path).status_code == 404
        assert http.delete("/api/me").json()["is_complete"]
    cron = scrape(places["metrics"]["cron"])
    assert cron.of("etude_postgres_up") == cron.of("etude_redis_up") == 1

    roles = {role_of(service) for service in SERVICES} - {role_of("operator")}
    assert asyncio.run(_connected(places["postgres_url"])) == roles
    assert cron.of("etude_postgres_connections") >= len(roles)
    users, refusals = asyncio.run(_users_and_refusals(places["redis_url"]))
    assert users == {"gateway", "chat", "ai-worker", "collection-worker", "cron"}
    assert refusals == []
    measured_stack.interrupt()
    refused = ("InsufficientPrivilege", "NoPermission", "unblock_failed")
    assert [line for line in measured_stack.all_lines() if any(word in line for word in refused)] == []


def _finish(stack: RunningStack, path: str, body: dict[str, object]) -> str:
    with stack.client as http:
        location = http.post(path, json=body).headers["Location"]
        assert list(events_until_done(http, f"{location}/events"))[-1][0] == "done"
        return location


async def _connected(url: str) -> set[str]:
    connection = await connect(url)
    try:
        return {row["usename"] for row in await connection.fetch(CONNECTIONS)}
    finally:
        await connection.close()


async def _users_and_refusals(url: str) -> tuple[set[str], list[object]]:
    """Who is connected to Redis besides its administrator, and what anybody was refused."""
    redis = connect_redis(url, name="tests")
    try:
        clients = await call(redis, "CLIENT LIST")
        return {client["user"] for client in clients} - {"default"}, await call(redis, "ACL", "LOG")
    finally:
        await redis.aclose()
