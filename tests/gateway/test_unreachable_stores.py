"""A store that is away: an honest 503, nothing accepted, and everything again when it is back."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import msgspec
import pytest
from tests.factories import make_final_job, make_submission
from tests.gateway.conftest import open_desk
from tests.gateway.desk import COLLECTION, SUMMARY, Desk, submit
from tests.job_harness import JobHarness
from tests.servers import RealRedis

from gateway.services import Parts
from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import Kind
from shared.domain.jobs.submission import Durability

UNKNOWN = "01920000-0000-7000-8000-000000000001"


@pytest.fixture
async def no_redis(desk: Desk, redis_server: RealRedis) -> AsyncIterator[None]:
    """Gone in the middle; back at the end. Started in the main thread: a server goes with the thread that started it."""
    redis_server.server.stop()
    yield
    redis_server.server.start()


def check_unavailable(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["retryable"] is True


async def test_requests_that_wait_for_an_unreachable_redis_fail_together(
    redis_server: RealRedis,
) -> None:
    redis = redis_server.connect()
    cast(Any, redis).connection_pool.connection_kwargs["socket_timeout"] = 0.3
    store = JobStore(redis, shards=1)
    redis_server.server.process.pause()
    first = asyncio.create_task(store.submit(make_submission(), now=time.time()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it is on its way
    second = asyncio.create_task(store.submit(make_submission(), now=time.time()))
    try:
        await asyncio.wait([first])
        await asyncio.sleep(0)
        assert second.done()
    finally:
        redis_server.server.process.resume()
        await asyncio.wait([first, second])
        await redis.aclose()
    assert [type(one.exception()) for one in (first, second)] == [StoreUnavailable] * 2


@pytest.mark.usefixtures("no_redis")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/ai", SUMMARY),
        ("POST", "/api/collections", COLLECTION),
        ("GET", "/api/ai", None),
        ("GET", f"/api/ai/{UNKNOWN}", None),
        ("DELETE", f"/api/ai/{UNKNOWN}", None),
        ("GET", f"/api/ai/{UNKNOWN}/events", None),
        ("GET", "/api/events", None),
        ("GET", "/api/usage", None),
        ("POST", "/api/usage/estimate", SUMMARY),
        ("DELETE", f"/api/collections/{UNKNOWN}", None),
    ],
)
async def test_without_redis_a_request_gets_503(
    desk: Desk, method: str, path: str, body: dict[str, object] | None
):
    check_unavailable(await desk.client().request(method, path, json=body))


async def test_an_unconfirmed_submission_is_503_and_its_repetition_the_same_job(
    desk: Desk, parts: Parts, redis_server: RealRedis
):
    """Accepted is to be with a replica here, and there is none."""
    redis = redis_server.connect()
    store = JobStore(redis, shards=1, durability=Durability.REPLICA)
    async with open_desk(msgspec.structs.replace(parts, store=store)) as strict:
        ada = strict.client()
        answers = [
            await ada.post("/api/ai", json=SUMMARY, headers={"Idempotency-Key": "once"}) for _ in range(2)
        ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(503, "not_confirmed")] * 2
    (job,) = (await desk.client().get("/api/ai")).json()["data"]
    assert all(job["id"] in one.json()["detail"] for one in answers)
    assert all(one.headers["Retry-After"] for one in answers)
    await redis.aclose()


@pytest.mark.usefixtures("no_redis")
async def test_without_redis_invalid_requests_get_their_own_errors(desk: Desk):
    assert (await desk.client().post("/api/ai", json={})).status_code == 422
    assert (await desk.anonymous().post("/api/ai", json=SUMMARY)).status_code == 401
    assert (await desk.anonymous().get("/healthz")).status_code == 200
    ready = await desk.anonymous().get("/readyz")
    assert (ready.status_code, ready.json()["redis"]) == (503, "away")


async def test_jobs_are_accepted_again_when_redis_is_back(desk: Desk, redis_server: RealRedis):
    client = desk.client()
    before = await submit(client)
    redis_server.server.stop()
    check_unavailable(await client.post("/api/ai", json=SUMMARY))
    redis_server.server.start()

    after = await submit(client)

    page = (await client.get("/api/ai")).json()
    assert [job["id"] for job in page["data"]] == [after["id"], before["id"]]


async def test_without_postgres_jobs_are_accepted_and_results_are_503(
    desk: Desk, postgres_server: PostgresServer, result_store: ResultStore
):
    client = desk.client()
    done, made = make_final_job(), make_final_job(kind=Kind.COLLECTION)
    await result_store.save([done, made])
    postgres_server.stop()

    waiting = await submit(client)

    assert (await client.get(waiting["links"]["self"])).json()["status"] == "queued"
    for path in (
        f"/api/ai/{done.id}",
        f"/api/collections/{made.id}",
        f"/api/collections/{made.id}/export",
        "/api/ai",
    ):
        check_unavailable(await client.get(path))
    ready = await desk.anonymous().get("/readyz")
    assert (ready.status_code, ready.json()["postgres"]) == (503, "away")

    postgres_server.start()
    assert (await client.get(f"/api/ai/{done.id}")).json()["result"]["summary"] == "Short."


async def test_without_the_chat_service_only_chat_is_503(desk: Desk):
    client = desk.client()
    answer = await client.post("/api/chat", json={"messages": [{"role": "user", "content": "?"}]})

    assert (answer.status_code, answer.json()["code"]) == (503, "chat_unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert (await client.post("/api/ai", json=SUMMARY)).status_code == 202


class NoResults:
    """Postgres, away."""

    edits: Any = None

    async def find(self, *_: Any, **__: Any) -> None:
        raise StoreUnavailable(retry_after=2)


async def test_an_accepted_job_is_never_answered_with_a_503(parts: Parts, harness: JobHarness):
    """Who waited for a result that cannot be read now still learns that the job was accepted."""
    results: Any = NoResults()
    async with (
        open_desk(msgspec.structs.replace(parts, results=results)) as desk,
        asyncio.TaskGroup() as group,
    ):
        consumer = harness.consumer()
        working = group.create_task(consumer.run())
        answer = await desk.client().post("/api/ai", json=SUMMARY, headers={"Prefer": "wait=20"})
        consumer.stop()
        await working

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["Retry-After"] == "2"
