"""How many streams there may be, and how long."""

import asyncio
import time
from contextlib import AsyncExitStack

import msgspec
from tests.deadline import DEADLINE_SECONDS
from tests.gateway.conftest import open_desk
from tests.gateway.desk import Desk, drain, listen, make_token, submit
from tests.job_harness import JobHarness

from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.runtime.config.plans import read_plans


async def until_none(parts: Parts) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while parts.events.listeners:  # noqa: ASYNC110 - a disconnect sends no signal to the test
            await asyncio.sleep(0.01)


def test_a_user_may_have_twenty_streams() -> None:
    assert {plan.event_streams for plan in read_plans(None).values()} == {20}


async def test_a_further_stream_of_a_user_is_refused_until_one_ends(desk: Desk) -> None:
    client, other = desk.client(), desk.client(sub="bob")
    job = await submit(client)
    async with AsyncExitStack() as stack:
        for _ in range(19):
            await stack.enter_async_context(listen(client, "/api/events"))
        async with listen(client, job["links"]["events"]):
            refused = await client.get("/api/events", headers={"Accept-Language": "fr"})
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert "20 flux" in refused.json()["detail"]
            assert refused.headers["Retry-After"] == "5"
            async with listen(other, "/api/events") as heard:
                assert heard.response.status_code == 200
    await until_none(desk.parts)
    async with listen(client, "/api/events") as heard:
        assert heard.response.status_code == 200


async def test_a_process_has_a_bound_of_its_own(parts: Parts) -> None:
    async with open_desk(msgspec.structs.replace(parts, max_event_streams=2)) as desk:
        clients = [desk.client(sub=f"user-{number}") for number in range(3)]
        async with listen(clients[0], "/api/events"), listen(clients[1], "/api/events"):
            refused = await clients[2].get("/api/events")
            assert (refused.status_code, refused.json()["code"]) == (503, "streams_exhausted")
            assert refused.headers["Retry-After"] == "5"


async def test_a_refusal_takes_no_place(desk: Desk) -> None:
    client = desk.client()
    for _ in range(25):
        assert (await client.get("/api/events", headers={"Last-Event-ID": "x"})).status_code == 422
        assert (await client.head("/api/events")).status_code == 200
    assert desk.parts.events.listeners == 0


async def test_a_stream_ends_with_its_token_and_another_resumes_it(
    desk: Desk, harness: JobHarness, result_store: ResultStore
) -> None:
    client = desk.client(exp=int(time.time()) + 2)
    job = await submit(client)
    async with asyncio.timeout(DEADLINE_SECONDS), listen(client, job["links"]["events"]) as heard:
        first, *_, last = await heard.all()
    assert (first.name, last.name, last.data) == ("status", "expired", {})

    await drain(harness, result_store)
    renewed = {"Authorization": f"Bearer {make_token()}", "Last-Event-ID": first.id}
    async with listen(client, job["links"]["events"], **renewed) as heard:
        assert [event.data["status"] for event in await heard.all()] == ["running", "succeeded"]


async def test_a_stream_opened_with_an_expired_token_ends_at_once(desk: Desk) -> None:
    client = desk.client(exp=int(time.time()) - 3)  # within the leeway of clocks
    async with asyncio.timeout(DEADLINE_SECONDS), listen(client, "/api/events") as heard:
        assert [event.name for event in await heard.all()] == ["expired"]
