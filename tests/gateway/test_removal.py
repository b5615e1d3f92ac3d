"""Deleted means deleted: what a removed job, or an erased user, leaves in the stores and in event streams."""

from typing import Any

import pytest
from tests.factories import ADA, BOB, make_final_job
from tests.gateway.desk import SUMMARY, Desk, listen, submit
from tests.job_harness import JobHarness, succeed

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis import keys
from shared.domain.errors import LeaseLost
from shared.domain.jobs.job import JobId
from shared.domain.usage import Usage
from shared.runtime.erasure.user_eraser import kept_windows


def with_key(key: str) -> dict[str, Any]:
    return {"Idempotency-Key": key}


async def finished(harness: JobHarness, results: ResultStore, client: Any, key: str = "") -> str:
    made = await submit(client, **with_key(key) if key else {})
    await harness.consumer(succeed, results=results).drain()
    return made["id"]


async def keys_left(harness: JobHarness) -> set[str]:
    return {key.decode() for key in await harness.command("KEYS", "*")}


async def test_a_removed_job_is_told_as_removed_and_as_nothing_else(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job_id, other = [await finished(harness, result_store, client) for _ in range(2)]

    async with listen(client, "/api/events") as live:
        before = [await live.next() for _ in range(6)]
        await client.delete(f"/api/ai/{job_id}")
        told = await live.next()
    assert len(before) == 6
    assert told is not None
    assert (told.name, told.data) == ("removed", {"job_id": job_id, "kind": "summary"})

    async with listen(client, "/api/events") as resumed:
        events = [await resumed.next() for _ in range(4)]
    assert [(event.name, event.data["job_id"]) for event in events if event] == [
        *((name, other) for name in ("status", "status", "done")),
        ("removed", job_id),
    ]


async def test_a_removed_job_gives_its_idempotency_key_back(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job_id = await finished(harness, result_store, client, "once")
    assert (await submit(client, **with_key("once")))["id"] == job_id

    await client.delete(f"/api/ai/{job_id}")

    assert (await submit(client, **with_key("once")))["id"] != job_id


async def test_the_worker_of_a_removed_job_writes_nothing(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job_id = (await submit(client))["id"]
    stream = harness.stream()
    (leased,) = await harness.lease(stream)

    await client.delete(f"/api/ai/{job_id}")
    await client.delete(f"/api/ai/{job_id}")
    await result_store.save([make_final_job(id=JobId(job_id))])
    with pytest.raises(LeaseLost):
        await harness.attempts.append(leased, [("item", b"{}")], number=1, progress=None)

    assert (await client.get(f"/api/ai/{job_id}")).status_code == 404
    assert await result_store.find(JobId(job_id)) is None
    async with listen(client, "/api/events") as heard:
        event = await heard.next()
    assert event is not None
    assert event.name == "removed"


async def test_a_removal_that_broke_off_is_finished_by_maintenance(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    job_id = await finished(harness, result_store, client)
    await harness.maintenance_store.removals(1).remove(ADA, [JobId(job_id)])
    assert await result_store.find(JobId(job_id)) is not None

    await harness.worker(results=result_store).maintenance.sweep()

    assert await result_store.find(JobId(job_id)) is None
    async with listen(client, "/api/events") as heard:
        event = await heard.next()
    assert event is not None
    assert event.name == "removed"


async def test_erasing_oneself_leaves_nothing_and_touches_nobody_else(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    ada, bob = desk.client(), desk.client(sub=BOB)
    theirs = await finished(harness, result_store, bob, "once")
    before = {key for key in await keys_left(harness) if BOB in key or theirs in key}
    for _ in range(3):
        await finished(harness, result_store, ada, f"{_}")
    await submit(ada)

    report = (await ada.delete("/api/me")).json()

    assert (report["records"], report["rows"], report["is_complete"]) == (4, 4, True)
    left = {key for key in await keys_left(harness) if f":{ADA}:" in key}
    assert {key.split(":")[-2] for key in left} <= {"requests"}  # which expire within two minutes
    assert await result_store.jobs_of_user(ADA, limit=1) == []
    assert before <= await keys_left(harness)
    assert (await bob.get(f"/api/ai/{theirs}")).status_code == 200
    again = (await ada.delete("/api/me")).json()
    assert (again["rows"], again["keys"], again["is_complete"]) == (0, 0, True)


async def test_an_erased_user_comes_back_to_the_budget_they_left(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    await submit(client)
    leased = await harness.lease_one(harness.stream())
    await harness.attempts.keep(leased, "summary", b"{}", Usage(100, 20))
    await client.delete(f"/api/ai/{leased.id}")
    used = [window["used"] for window in (await client.get("/api/usage")).json()["windows"]]
    assert used == [120, 120]
    await client.delete("/api/me")
    assert await harness.command("EXISTS", *(keys.budget(0, ADA, one) for one in kept_windows(1e9))) == 0

    await client.post("/api/ai", json=SUMMARY)

    assert [window["used"] for window in (await client.get("/api/usage")).json()["windows"]] == used
