"""Three of the faults this system was built to cure, as they would show at its door."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
from tests.event_streams import parse_events
from tests.gateway.conftest import open_desk
from tests.gateway.desk import PLANS, SUMMARY, drain, fail, submit
from tests.job_harness import JobHarness

from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore


async def commands(harness: JobHarness) -> int:
    return int((await harness.command("INFO", "stats"))["total_commands_processed"])


async def _skip_heartbeats(lines: AsyncIterator[str], count: int) -> None:
    """Read on until so many heartbeats, which are comments, have come."""
    while count:
        count -= await anext(lines) == ":"


async def test_predecessor_fault_1_clients_are_told_and_nobody_polls(
    parts: Parts, harness: JobHarness, result_store: ResultStore
):
    """A client that waits asks nothing, and neither does the gateway on its behalf: Redis hears no command."""
    async with open_desk(msgspec.structs.replace(parts, heartbeat_seconds=0.02)) as desk:
        client = desk.client()
        job = await submit(client)
        async with client.stream("GET", job["links"]["events"]) as stream:
            lines = stream.aiter_lines()
            await _skip_heartbeats(lines, 1)
            before = await commands(harness)
            await _skip_heartbeats(lines, 20)
            asked = await commands(harness) - before - 1  # the counting itself
            await drain(harness, result_store)
            rest = parse_events("".join([f"{line}\n" async for line in lines]))

    assert asked == 0
    assert [event.data["status"] for event in rest] == ["running", "succeeded"]


async def test_predecessor_fault_1_a_poll_that_remains_costs_a_304(parts: Parts):
    async with open_desk(parts) as desk:
        client = desk.client()
        job = await submit(client)
        tag = (await client.get(job["links"]["self"])).headers["ETag"]
        polls = [await client.get(job["links"]["self"], headers={"If-None-Match": tag}) for _ in range(10)]

    assert {(poll.status_code, poll.content, poll.headers["Retry-After"]) for poll in polls} == {
        (304, b"", "2")
    }


async def test_predecessor_fault_5_an_error_has_a_code_and_words_for_its_reader(
    parts: Parts, harness: JobHarness, result_store: ResultStore
):
    async with open_desk(parts) as desk:
        client = desk.client()
        job = await submit(client)
        await harness.consumer(fail, results=result_store).drain()
        errors = [
            (await client.get(job["links"]["self"], headers={"Accept-Language": language})).json()["error"]
            for language in ("fr", "en")
        ]

    assert [error["code"] for error in errors] == ["no_usable_text", "no_usable_text"]
    assert [error["title"] for error in errors] == [
        "Aucune phrase exploitable",
        "No usable sentence was found",
    ]
    assert not any(error["retryable"] for error in errors)


async def test_predecessor_fault_8_nobody_spends_more_than_their_plan_has(parts: Parts):
    async with open_desk(parts) as desk:
        client = desk.client(plan="small")
        price = (await client.post("/api/usage/estimate", json=SUMMARY)).json()["tokens"]
        room = PLANS["small"].tokens_per_day // price
        answers = await asyncio.gather(*(client.post("/api/ai", json=SUMMARY) for _ in range(10 * room)))
        usage = (await client.get("/api/usage")).json()["windows"][0]

    assert Counter(answer.status_code for answer in answers) == {202: room, 429: 9 * room}
    assert usage["held"] == room * price <= usage["limit"]
