"""A record that nobody can read becomes a dead letter, and costs no other job anything."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, BOB, make_job_id, make_plan
from tests.job_harness import JobHarness, settled

from shared.adapters.redis import keys
from shared.domain.errors import UnreadableRecord
from shared.domain.jobs.job import JobId, JobState, StreamName

HEALTHY = 1_000
PLAN = make_plan(
    unfinished_jobs=5_000, concurrent_jobs=5_000, requests_per_minute=100_000, tokens_per_day=5_000_000
)

Damage = Callable[[JobHarness, JobId], Awaitable[object]]


def setting(field: str, value: str | bytes) -> Damage:
    return lambda harness, job_id: harness.command("HSET", keys.record(0, job_id), field, value)


def removing(field: str) -> Damage:
    return lambda harness, job_id: harness.command("HDEL", keys.record(0, job_id), field)


async def replace_by_text(harness: JobHarness, job_id: JobId) -> None:
    await harness.command("SET", keys.record(0, job_id), "not a hash")


async def add_entry_without_job(harness: JobHarness, job_id: JobId) -> None:
    await harness.command("XADD", keys.work_stream(0, StreamName.AI), "*", "something", "else")


async def add_undecodable_step(harness: JobHarness, job_id: JobId) -> None:
    await harness.command("HSET", keys.record(0, job_id), "attempt", 1)
    await harness.command("HSET", keys.steps(0, job_id), b"\xff\xfe", "{}")


async def name_entry_of_another_job(harness: JobHarness, job_id: JobId) -> None:
    other = await harness.submit(user=ADA, plan=PLAN)
    entry = await harness.command("HGET", keys.record(0, other.id), "entry")
    await harness.command("HSET", keys.record(0, job_id), "entry", entry)


DEAD: dict[str, Damage] = {
    "usage_beyond_all_numbers": setting("prompt", "1e+19"),
    "usage_of_twenty_digits": setting("completion", "10000000000000000000"),
    "negative_usage": setting("completion", "-90000"),
    "attempt_is_text": setting("attempt", "first"),
    "no_user": removing("user"),
    "no_kind": removing("kind"),
    "no_hold": removing("held"),
    "title_is_no_text": setting("title", b"\xff\xfe"),
    "kind_is_no_text": setting("kind", b"\xc3\x28"),
    "step_name_is_no_text": add_undecodable_step,
    "payload_is_no_json": setting("payload", "{"),
    "payload_is_nested_too_deep": setting("payload", '{"text":' * 100_000),
    "another_type": replace_by_text,
    "unknown_state": setting("state", "weird"),
    "entry_that_does_not_exist": setting("entry", "1-1"),
    "entry_is_no_id": setting("entry", "first"),
    "no_entry": removing("entry"),
    "entry_of_another_job": name_entry_of_another_job,
    "unknown_stream": setting("stream", "weird"),
    "another_stream": setting("stream", StreamName.COLLECTION),
    "no_stream": removing("stream"),
}
GONE: dict[str, Damage] = {"entry_without_job": add_entry_without_job}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DEAD, *GONE])
async def test_an_unreadable_record_does_not_stop_a_thousand_healthy_jobs(
    real_harness: JobHarness, name: str
):
    damage = (DEAD | GONE)[name]
    bad = JobId((await real_harness.submit(user=BOB, plan=PLAN)).id)
    await damage(real_harness, bad)
    async with asyncio.TaskGroup() as group:
        healthy = [group.create_task(real_harness.submit(user=ADA, plan=PLAN)) for _ in range(HEALTHY)]

    async with asyncio.timeout(DEADLINE_SECONDS):
        while await real_harness.count_entries():
            await real_harness.consumer().drain()

    states = [(await real_harness.record(task.result().id)).state for task in healthy[:: HEALTHY // 20]]
    assert set(states) == {JobState.SUCCEEDED}
    assert await real_harness.count_pending() == 0
    letters = {letter.id: letter for letter in await real_harness.dead_letters.list(limit=10)}
    assert set(letters) == ({bad} if name in DEAD else set())
    if name in DEAD:
        assert letters[bad].problem == UnreadableRecord().problem


@pytest.mark.parametrize("name", [name for name in DEAD if name not in ("no_user", "another_type")])
async def test_the_hold_of_an_unreadable_record_is_released(harness: JobHarness, name: str):
    job = await harness.submit(user=BOB, plan=PLAN)
    assert any(held for _, held in await harness.budget(BOB))
    await DEAD[name](harness, job.id)

    await harness.consumer().drain()

    assert not any(held for _, held in await harness.budget(BOB))
    assert await harness.command("ZCARD", keys.live(0, BOB, StreamName.AI)) == 0, "its slot is free"
    (saved,) = await harness.maintenance_store.unsaved(0) or [await harness.final(job.id, BOB)]
    assert (saved.id, saved.state, saved.problem) == (job.id, JobState.FAILED, UnreadableRecord().problem)


@pytest.mark.parametrize("name", DEAD)
async def test_an_unreadable_record_of_a_dead_worker_is_set_aside_too(harness: JobHarness, name: str):
    bad, good = await harness.submit(user=BOB), await harness.submit()
    for job in await harness.lease(harness.stream("dead")):
        await harness.age(job, owner="dead")
    await DEAD[name](harness, bad.id)

    claimed = await harness.stream("w2").claim(0, 10)

    assert good.id in [job.id for job in claimed]
    if name.startswith("payload"):
        return
    assert [job.id for job in claimed] == [good.id]
    assert [letter.id for letter in await harness.dead_letters.list(limit=10)] == [bad.id]


@pytest.mark.parametrize("name", DEAD)
async def test_a_retry_with_an_unreadable_record_does_not_stop_the_others(harness: JobHarness, name: str):
    bad, good = await harness.submit(user=BOB), await harness.submit()
    for job in (bad, good):
        await harness.command("ZADD", keys.due(0), 1, job.id)
    await DEAD[name](harness, bad.id)

    await harness.maintenance_store.promote(0)

    assert await harness.command("ZCARD", keys.due(0)) == 0
    assert await harness.command("HGET", keys.record(0, good.id), "state") == b"queued"


@pytest.mark.parametrize("name", DEAD)
async def test_a_waiting_job_with_an_unreadable_record_is_passed_over(harness: JobHarness, name: str):
    plan = make_plan(concurrent_jobs=1)
    first, bad, last = [await harness.submit(plan=plan) for _ in range(3)]
    await DEAD[name](harness, bad.id)

    while await harness.count_entries():
        await harness.consumer().drain()

    for job in (first, last):
        assert (await harness.record(job.id)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("stream", ["weird", ""])
async def test_a_retry_that_names_no_stream_becomes_a_dead_letter(harness: JobHarness, stream: str):
    bad = await harness.submit(user=BOB)
    await harness.command("ZADD", keys.due(0), 1, bad.id)
    await setting("stream", stream)(harness, bad.id)

    await harness.maintenance_store.promote(0)

    assert [letter.id for letter in await harness.dead_letters.list(limit=10)] == [bad.id]
    assert await harness.command("ZCARD", keys.live(0, BOB, StreamName.AI)) == 0


async def test_a_cancelled_job_that_names_no_stream_frees_its_slot(harness: JobHarness):
    bad = await harness.submit(user=BOB)
    await setting("stream", "weird")(harness, bad.id)

    assert await harness.store.cancel(BOB, bad.id)

    assert await harness.command("ZCARD", keys.live(0, BOB, StreamName.AI)) == 0


async def test_a_cancelled_job_leaves_the_entry_of_another_alone(harness: JobHarness):
    bad, good = await harness.submit(user=BOB), await harness.submit()
    entry = await harness.command("HGET", keys.record(0, good.id), "entry")
    await harness.command("HSET", keys.record(0, bad.id), "entry", entry)

    assert await harness.store.cancel(BOB, bad.id)
    await harness.consumer().drain()

    assert (await harness.record(good.id)).state is JobState.SUCCEEDED


async def test_a_user_s_list_shows_the_other_jobs(harness: JobHarness):
    bad, wrong_type, good = [await harness.submit() for _ in range(3)]
    await setting("prompt", "1e+19")(harness, bad.id)
    await replace_by_text(harness, wrong_type.id)

    found = {job.id: job for job in await harness.store.find_many(ADA, [bad.id, wrong_type.id, good.id])}

    assert set(found) == {bad.id, good.id}
    assert found[bad.id].problem == UnreadableRecord().problem
    assert found[good.id].state is JobState.QUEUED


async def test_a_hold_that_cannot_be_read_does_not_stop_the_others_from_expiring(harness: JobHarness):
    for hold_id in ("bad", "worse"):
        await harness.command("ZADD", keys.holds(0), 1, hold_id)
    await harness.command("HSET", keys.hold(0, "bad"), "user", ADA, "tokens", "many", "windows", "day")
    await harness.command("SET", keys.hold(0, "worse"), "not a hash")

    assert await harness.maintenance_store.expire_holds(0) == 2
    assert await harness.command("ZCARD", keys.holds(0)) == 0


async def test_a_final_job_whose_record_is_no_record_leaves_the_unsaved_list(harness: JobHarness):
    job_id = make_job_id()
    await harness.command("ZADD", keys.unsaved(0), 1, job_id)
    await harness.command("SET", keys.record(0, job_id), "not a hash")

    assert await harness.maintenance_store.unsaved(0) == []
    assert await harness.command("ZCARD", keys.unsaved(0)) == 0


async def test_a_record_damaged_during_its_attempt_is_settled_alone(harness: JobHarness):
    bad, good = await harness.submit(user=BOB), await harness.submit()
    leased = {job.id: job for job in await harness.lease(harness.stream())}
    await setting("held", "many")(harness, bad.id)

    replies = await harness.stream().settle([settled(job) for job in leased.values()], now=0.0)

    assert replies == {bad.id: False, good.id: True}
    assert [letter.id for letter in await harness.dead_letters.list(limit=10)] == [bad.id]
    assert await harness.count_pending() == 0
    assert not any(held for _, held in await harness.budget(BOB))


@pytest.mark.parametrize("key", ["job", "user"])
async def test_an_event_log_that_is_no_stream_stops_no_settlement(harness: JobHarness, key: str):
    bad, good = await harness.submit(user=BOB), await harness.submit()
    name = keys.job_events(0, bad.id) if key == "job" else keys.user_events(0, BOB)
    await harness.command("SET", name, "not a stream")

    await harness.consumer().drain()

    assert (await harness.record(good.id)).state is JobState.SUCCEEDED
    assert (await harness.record(bad.id, BOB)).state is JobState.SUCCEEDED
    assert not any(held for _, held in await harness.budget(BOB))
