"""Told, not asked: events as listeners hear them."""

import asyncio

import httpx
import msgspec
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.factories import make_card, make_final_job
from tests.gateway.conftest import open_desk
from tests.gateway.desk import TEXT, Desk, drain, fail, listen, submit
from tests.job_harness import SUMMARY as DONE
from tests.job_harness import JobHarness

from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobState, StreamName
from shared.domain.jobs.outcome import Outcome, Retry
from shared.domain.jobs.payload import JobInput


async def tell(job_input: JobInput, context: AttemptContext) -> Outcome:
    await context.progress(0, 2)
    await context.item(make_card())
    await context.progress(2, 2)
    return DONE


async def test_a_listener_receives_every_event_in_order_up_to_done(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    async with listen(client, job["links"]["events"]) as heard:
        first = await heard.next()
        await harness.consumer(tell, results=result_store).drain()
        rest = await heard.all()

    assert first is not None
    events = [first, *rest]
    assert heard.response.headers["Content-Type"].startswith("text/event-stream")
    assert heard.response.headers["Cache-Control"] == "no-store, no-transform"
    assert heard.response.headers["X-Accel-Buffering"] == "no"
    assert [(event.name, event.data.get("status")) for event in events] == [
        ("status", "queued"),
        ("status", "running"),
        ("progress", None),
        ("item", None),
        ("progress", None),
        ("done", "succeeded"),
    ]
    assert all(event.data["job_id"] == job["id"] for event in events)
    assert len({event.id for event in events}) == 6
    assert events[3].data["item"] == msgspec.to_builtins(make_card())


async def test_a_reconnected_listener_resumes_after_its_last_event(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    await harness.consumer(tell, results=result_store).drain()
    async with listen(client, job["links"]["events"]) as heard:
        whole = await heard.all()

    for position, last in enumerate(whole[:-1]):
        async with listen(client, job["links"]["events"], **{"Last-Event-ID": last.id}) as heard:
            assert await heard.all() == whole[position + 1 :]
        async with listen(client, f"{job['links']['events']}?last_event_id={last.id}") as heard:
            assert await heard.all() == whole[position + 1 :]


async def test_another_gateway_sends_the_same_events(
    desk: Desk, parts: Parts, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    async with listen(client, job["links"]["events"]) as heard:
        first = await heard.next()
    assert first is not None

    other = msgspec.structs.replace(
        parts, events=type(parts.events)(harness.redis, shards=1), closing=asyncio.Event()
    )
    last = {"Last-Event-ID": first.id}
    async with (
        open_desk(other) as elsewhere,
        listen(elsewhere.client(), job["links"]["events"], **last) as heard,
    ):
        await harness.consumer(results=result_store).drain()
        rest = await heard.all()

    assert [event.data["status"] for event in rest] == ["running", "succeeded"]


async def test_a_listener_with_all_events_gets_204(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    await drain(harness, result_store)
    async with listen(client, job["links"]["events"]) as heard:
        last = (await heard.all())[-1]

    answer = await client.get(job["links"]["events"], headers={"Last-Event-ID": last.id})

    assert (answer.status_code, answer.content) == (204, b"")


async def test_an_expired_log_still_gives_the_done_event(desk: Desk, result_store: ResultStore):
    final = make_final_job(state=JobState.FAILED, problem=Problem("no_usable_text"), result=None)
    await result_store.save([final])

    async with listen(desk.client(), f"/api/ai/{final.id}/events", **{"Accept-Language": "fr"}) as heard:
        (done,) = await heard.all()

    assert (done.name, done.data["status"]) == ("done", "failed")
    assert done.data["error"]["title"] == "Aucune phrase exploitable"


async def test_the_error_of_a_failed_job_is_in_the_listener_s_language(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job = await submit(client)
    async with listen(client, job["links"]["events"], **{"Accept-Language": "fr"}) as heard:
        await harness.consumer(fail, results=result_store).drain()
        done = (await heard.all())[-1]

    assert done.data["error"]["code"] == "no_usable_text"
    assert done.data["error"]["title"] == "Aucune phrase exploitable"


async def test_a_retry_event_has_its_error(desk: Desk, harness: JobHarness, result_store: ResultStore):
    tries = 0

    async def fail_once(job_input: JobInput, context: AttemptContext) -> Outcome:
        nonlocal tries
        tries += 1
        return DONE if tries > 1 else Retry(Problem("provider_busy"))

    client = desk.client()
    job = await submit(client)
    async with listen(client, job["links"]["events"]) as heard:
        await harness.consumer(fail_once, results=result_store).drain()
        events = await heard.all()

    (again,) = [event for event in events if "error" in event.data]
    assert (again.name, again.data["status"]) == ("status", "queued")
    assert again.data["error"]["retryable"] is True
    assert again.data["retry_at"].endswith("Z")
    assert events[-1].data["status"] == "succeeded"


async def test_the_user_stream_has_the_events_of_all_own_jobs(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    ada, bob = desk.client(), desk.client(sub="bob")
    first = await submit(ada)
    async with listen(ada, "/api/events") as heard:
        await submit(bob)
        second = (await ada.post("/api/collections", json={"text": TEXT})).json()
        events = [await heard.next() for _ in range(2)]
        await ada.delete(f"/api/ai/{first['id']}")
        events.append(await heard.next())

    told = [(event.name, event.data["job_id"], event.data["status"]) for event in events if event]
    assert told == [
        ("status", first["id"], "queued"),
        ("status", second["id"], "queued"),
        ("done", first["id"], "cancelled"),
    ]


@pytest.mark.parametrize("path", ["/api/events", "/api/ai/{id}/events"])
async def test_a_silent_stream_gets_comments(parts: Parts, path: str):
    async with open_desk(msgspec.structs.replace(parts, heartbeat_seconds=0.05)) as desk:
        client = desk.client()
        job = await submit(client)
        async with client.stream("GET", path.format(id=job["id"])) as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            comments = 0
            async for line in lines:
                comments += line == ":"
                if comments == 3:
                    break


async def test_a_disconnected_listener_leaves_nothing_behind(parts: Parts):
    async with open_desk(msgspec.structs.replace(parts, heartbeat_seconds=0.02)) as desk:
        client, other = desk.client(), desk.client()
        job = await submit(client)
        before = len(asyncio.all_tasks())
        async with listen(other, "/api/events") as stays:
            for _ in range(5):
                async with listen(client, job["links"]["events"]) as heard:
                    await heard.next()
                    assert parts.events.listeners == 2
            await client.aclose()
            async for _ in stays.response.aiter_lines():  # each heartbeat gives the others time to be noticed
                if parts.events.listeners == 1:
                    break
        assert len(asyncio.all_tasks()) <= before + 6


async def test_a_thousand_listeners_share_one_connection(desk: Desk, harness: JobHarness):
    client = desk.client(plan="crowd")
    job = await submit(client)
    url = httpx.URL(desk.url)
    request = (
        f"GET {job['links']['events']} HTTP/1.1\r\nHost: {url.host}\r\n"
        f"Authorization: {client.headers['Authorization']}\r\n\r\n"
    )

    async def open_stream() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(request.encode())
        await reader.readuntil(b"event: status")
        return writer

    opened = [await open_stream() for _ in range(1_000)]

    assert desk.parts.events.listeners == 1_000
    connected = await harness.command("CLIENT", "LIST", "TYPE", "pubsub")
    assert len(connected.splitlines()) == 1
    for writer in opened:
        writer.close()


async def test_streams_end_when_the_process_stops(desk: Desk):
    client = desk.client()
    job = await submit(client)
    async with asyncio.timeout(DEADLINE_SECONDS), listen(client, job["links"]["events"]) as heard:
        await heard.next()
        desk.parts.closing.set()
        assert await heard.all() == []


async def test_a_cancellation_is_sent_at_once(desk: Desk):
    client = desk.client()
    job = await submit(client)
    async with listen(client, job["links"]["events"]) as heard:
        await heard.next()
        await client.delete(f"/api/ai/{job['id']}")
        (done,) = await heard.all()
    assert done.data["status"] == "cancelled"


@pytest.mark.parametrize("last", ["x", "1", "1-", "-1", "1-1-1", "99999999999999999999-0"])
async def test_an_invalid_event_id_has_a_pointer(desk: Desk, last: str):
    client = desk.client()
    job = await submit(client)
    header = await client.get(job["links"]["events"], headers={"Last-Event-ID": last})
    query = await client.get("/api/events", params={"last_event_id": last})

    assert [header.status_code, query.status_code] == [422, 422]
    assert header.json()["errors"][0]["pointer"] == "/header/Last-Event-ID"
    assert query.json()["errors"][0]["pointer"] == "/query/last_event_id"


async def test_the_stream_of_a_collection_has_its_items(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    made = (await client.post("/api/collections", json={"text": TEXT})).json()
    async with listen(client, made["links"]["events"]) as heard:
        await harness.consumer(tell, stream=StreamName.COLLECTION, results=result_store).drain()
        events = await heard.all()

    assert [event.name for event in events] == ["status", "status", "progress", "item", "progress", "done"]
