"""Results in Postgres."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.deadline import DEADLINE_SECONDS
from tests.factories import (
    ADA,
    BOB,
    NOW,
    make_card,
    make_collection,
    make_final_job,
    make_job_id,
    make_question,
)

from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.connection import Connection, connect
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem, StoreUnavailable, Unexpected
from shared.domain.jobs.bought_step import BoughtStep
from shared.domain.jobs.job import JobId, JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.material import Collection, ItemCounts, Summary
from shared.domain.usage import Usage

T = TypeVar("T", bound=msgspec.Struct)
COLLECTION = Kind.COLLECTION
FAILED = {"state": JobState.FAILED, "problem": Problem("provider_timed_out", {"seconds": 30}, 2.5)}
CANCELLED = {"state": JobState.CANCELLED}


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[Connection]:
    """Past the store, to look and to interfere."""
    opened = await connect(postgres_url)
    yield opened
    await opened.close()


async def count(connection: Connection, table: str) -> int:
    return await connection.fetchval(f"SELECT count(*) FROM {table}")


def again(job: T, **changes: Any) -> T:
    return msgspec.structs.replace(job, **changes)


# -- what is kept -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "job",
    [
        make_final_job(),
        make_final_job(kind=COLLECTION),
        make_final_job(**FAILED),
        make_final_job(kind=COLLECTION, title="Mine", **FAILED),
        make_final_job(**CANCELLED, attempt=0, started_at=0.0, model="", generated_by=""),
        make_final_job(windows=(), usage=Usage(), fallback_used=True, finished_at=NOW + 0.123456),
        make_final_job(usage=Usage(3_000_000_000, 4_000_000_000)),
        make_final_job(usage=Usage(300, 40, 256, 32)),
        make_final_job(usage=Usage(0, 0, reused=7)),
        make_final_job(kind="of a newer release", state=JobState.FAILED, problem=Problem("unknown_wire")),
    ],
    ids=[
        "ai",
        "collection",
        "failed",
        "failed collection",
        "cancelled",
        "bare",
        "dear",
        "detailed",
        "reused",
        "unknown kind",
    ],
)
async def test_a_found_job_equals_the_saved_one(result_store: ResultStore, job: JobSnapshot) -> None:
    await result_store.save([job])
    assert await result_store.find(job.id) == job


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_stored_unchanged_except_nul(postgres_server: PostgresServer, text: str) -> None:
    """Every example has ids of its own, so they may share the server."""
    made = make_collection(title=text, text=text, flashcards=[make_card(front=text, back=text)])
    ai = make_final_job(result=msgspec.json.encode(Summary(language="en", summary=text, key_points=[text])))
    collection = make_final_job(kind=COLLECTION, title=text, result=msgspec.json.encode(made))

    async def keep() -> tuple[JobSnapshot | None, JobSnapshot | None]:
        store = await ResultStore.open(postgres_server.url, name="tests")
        await store.save([ai, collection])
        found = await store.find(ai.id), await store.find(collection.id)
        await store.close()
        return found

    found_ai, found_collection = asyncio.run(keep())
    assert found_ai == ai
    assert found_collection is not None
    assert found_collection.result is not None
    shown = text.replace("\0", "\ufffd")
    assert msgspec.json.decode(found_collection.result, type=Collection) == msgspec.structs.replace(
        made, title=shown, text=shown
    )


async def test_a_collection_is_stored_item_by_item(result_store: ResultStore, connection: Connection) -> None:
    job = make_final_job(kind=COLLECTION)
    await result_store.save([job])
    fronts = await connection.fetch("SELECT item ->> 'front' AS front FROM flashcards ORDER BY position")
    assert [row["front"] for row in fronts] == ["When does water boil?", "À quelle température ?"]
    assert await count(connection, "quiz_questions") == 1
    assert await connection.fetchval("SELECT result FROM async_jobs") is None


async def test_an_unknown_job_is_not_found(result_store: ResultStore) -> None:
    assert await result_store.find(make_job_id()) is None
    assert await result_store.find(JobId("not an id at all")) is None


async def test_a_job_of_another_user_is_not_found(result_store: ResultStore) -> None:
    job = make_final_job(kind=COLLECTION, user=ADA)
    await result_store.save([job])
    assert await result_store.find(job.id, user=ADA) == job
    assert await result_store.find(job.id, user=BOB) is None
    assert await result_store.find_collection(BOB, job.id) is None
    assert await result_store.remove(BOB, job.id) is False
    assert await result_store.list_jobs(BOB, kinds=[COLLECTION], before=None, limit=9) == []
    assert await result_store.charged(BOB, ["month:2026-11"]) == {"month:2026-11": 0}
    assert await result_store.find_collection(ADA, job.id) == job


# -- at most one row, and the right one -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.SUMMARY, COLLECTION])
async def test_a_second_save_of_a_job_makes_no_second_row(
    result_store: ResultStore, connection: Connection, kind: Kind
) -> None:
    job = make_final_job(kind=kind)
    for _ in range(3):
        await result_store.save([job])
    assert await count(connection, "async_jobs") == 1
    assert await count(connection, "study_collections") == (kind is COLLECTION)


@pytest.mark.parametrize("late_attempt", [1, 2], ids=["an earlier attempt", "the same attempt again"])
async def test_a_save_of_an_earlier_attempt_changes_nothing(
    result_store: ResultStore, connection: Connection, late_attempt: int
) -> None:
    job = make_final_job(kind=COLLECTION, attempt=2)
    await result_store.save([job])
    zombie = make_collection(flashcards=[make_card(front="late")], quiz=[])
    await result_store.save([again(job, attempt=late_attempt, result=msgspec.json.encode(zombie))])
    assert await result_store.find(job.id) == job
    assert await count(connection, "flashcards") == 2


async def test_a_later_attempt_replaces_the_row_and_every_item(
    result_store: ResultStore, connection: Connection
) -> None:
    job = make_final_job(kind=COLLECTION, attempt=1)
    await result_store.save([job])
    made = make_collection(
        flashcards=[make_card(front="new")], quiz=[make_question(), make_question(id="q2")]
    )
    later = again(job, attempt=2, result=msgspec.json.encode(made), usage=Usage(7, 7))
    await result_store.save([later])
    assert await result_store.find(job.id) == later
    assert await count(connection, "flashcards") == 1


async def test_a_later_failure_leaves_no_items_of_an_earlier_success(
    result_store: ResultStore, connection: Connection
) -> None:
    job = make_final_job(kind=COLLECTION, attempt=1)
    await result_store.save([job])
    failed = again(job, attempt=2, result=None, **FAILED)
    await result_store.save([failed])
    assert await result_store.find(job.id) == failed
    assert await count(connection, "study_collections") == 0


async def test_a_record_replaces_even_the_row_of_a_later_attempt(
    result_store: ResultStore, connection: Connection
) -> None:
    job = make_final_job(kind=COLLECTION, attempt=3)
    await result_store.save([job])
    record = again(job, attempt=2, result=None, state=JobState.CANCELLED, finished_at=job.finished_at + 1)
    await result_store.save_records([record])
    assert await result_store.find(job.id) == record
    assert await count(connection, "flashcards") == 0


async def test_a_record_read_before_a_replay_does_not_replace_the_row_of_the_replay(
    result_store: ResultStore,
) -> None:
    dead = make_final_job(attempt=3, **FAILED)
    done = make_final_job(id=dead.id, attempt=4, finished_at=dead.finished_at + 60)
    await result_store.save([done])
    await result_store.save_records([dead])
    assert await result_store.find(dead.id) == done


async def test_attempts_saved_at_the_same_moment_leave_the_latest(result_store: ResultStore) -> None:
    job = make_final_job(attempt=1)
    saves = [again(job, attempt=attempt, model=f"model-{attempt}") for attempt in (3, 1, 5, 2, 5, 4)]
    async with asyncio.TaskGroup() as group:
        for one in saves:
            group.create_task(result_store.save([one]))
    found = await result_store.find(job.id)
    assert found is not None
    assert found.model == "model-5"


async def test_two_processes_that_save_the_same_jobs_in_opposite_order_do_not_deadlock(
    postgres_url: str, result_store: ResultStore, connection: Connection
) -> None:
    jobs = [make_final_job(kind=kind) for kind in (Kind.QUIZ, COLLECTION) for _ in range(50)]
    other = await ResultStore.open(postgres_url, name="tests")
    async with asyncio.TaskGroup() as group:
        for attempt in range(1, 4):
            saves = [again(job, attempt=attempt) for job in jobs]
            group.create_task(result_store.save(saves))
            group.create_task(other.save(saves[::-1]))
            group.create_task(other.save_records(saves[::-1]))
    await other.close()
    assert await count(connection, "async_jobs") == 100
    assert await count(connection, "flashcards") == 100


# -- grouped ----------------------------------------------------------------------------------------------------------


async def test_concurrent_saves_share_statements(result_store: ResultStore, connection: Connection) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(300):
            group.create_task(result_store.save([make_final_job()]))
    # each transaction that wrote has its own xmin
    assert await count(connection, "async_jobs") == 300
    assert await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM async_jobs") <= 3


async def test_a_cancelled_caller_does_not_affect_others(result_store: ResultStore) -> None:
    jobs = [make_final_job() for _ in range(10)]
    saves = [asyncio.ensure_future(result_store.save([job])) for job in jobs]
    await asyncio.sleep(0)
    for save in saves[::2]:
        save.cancel()
    await asyncio.wait(saves)
    assert [save.cancelled() for save in saves] == [True, False] * 5
    for job in jobs[1::2]:
        assert await result_store.find(job.id) == job


BAD_ROWS = {
    "tokens out of range": {"usage": Usage(2**63, 0)},
    "a time that is none": {"finished_at": math.nan},
    "a result that is no JSON": {"result": b"{"},
    "a result that is no UTF-8": {"result": b'{"summary": "\xff"}'},
    "an id that is none": {"id": JobId("42")},
    "half a character": {"model": "\ud800"},
}


@pytest.mark.parametrize("flaw", BAD_ROWS.values(), ids=BAD_ROWS)
@pytest.mark.parametrize("kind", [Kind.SUMMARY, COLLECTION])
async def test_a_refused_job_raises_and_the_others_are_saved(
    result_store: ResultStore, flaw: dict[str, Any], kind: Kind
) -> None:
    good = [make_final_job(kind=kind) for _ in range(4)]
    bad = make_final_job(kind=kind, **flaw)
    saves = await asyncio.gather(
        *(result_store.save([job]) for job in [*good[:2], bad, *good[2:]]), return_exceptions=True
    )
    assert [type(fate) for fate in saves] == [type(None)] * 2 + [Unexpected] + [type(None)] * 2
    for job in good:
        assert await result_store.find(job.id) == job


async def test_success_without_a_result_is_refused(result_store: ResultStore) -> None:
    for kind in (Kind.SUMMARY, COLLECTION):
        with pytest.raises(Unexpected):
            await result_store.save([make_final_job(kind=kind, result=None)])


async def test_a_result_with_nul_is_not_refused(result_store: ResultStore) -> None:
    made = make_collection(title="a\0b", flashcards=[make_card(back="c\0d")])
    job = make_final_job(kind=COLLECTION, title="a\0b", result=msgspec.json.encode(made))
    await result_store.save([job])
    found = await result_store.find(job.id)
    assert found is not None
    assert found.title == "a\ufffdb"
    assert found.result is not None
    assert msgspec.json.decode(found.result, type=Collection).flashcards[0].back == "c\0d"


async def test_records_are_saved_although_one_of_them_is_refused(
    result_store: ResultStore,
) -> None:
    good = make_final_job(**CANCELLED)
    await result_store.save_records([make_final_job(**CANCELLED, attempt=-1), good])
    assert await result_store.find(good.id) == good


# -- reading back -----------------------------------------------------------------------------------------------------


async def test_a_list_is_in_pages_newest_first_without_results(result_store: ResultStore) -> None:
    jobs = [make_final_job(id=make_job_id(now=NOW + i)) for i in range(7)]
    await result_store.save(jobs)
    await result_store.save([make_final_job(kind=COLLECTION)])
    first = await result_store.list_jobs(ADA, kinds=[Kind.SUMMARY], before=None, limit=4)
    rest = await result_store.list_jobs(ADA, kinds=[Kind.SUMMARY], before=first[-1].id, limit=4)
    assert [*first, *rest] == [again(job, result=None) for job in reversed(jobs)]


async def test_a_list_shows_the_final_title_of_a_collection(
    result_store: ResultStore,
) -> None:
    job = make_final_job(
        kind=COLLECTION, title="", result=msgspec.json.encode(make_collection(title="Found in the text"))
    )
    await result_store.save([job])
    (listed,) = await result_store.list_jobs(ADA, kinds=[COLLECTION], before=None, limit=9)
    assert listed.title == "Found in the text"
    assert listed.result is None


async def test_find_collection_finds_failed_collections_and_no_ai_jobs(result_store: ResultStore) -> None:
    failed, ai = make_final_job(kind=COLLECTION, **FAILED), make_final_job()
    await result_store.save([failed, ai])
    assert await result_store.find_collection(ADA, failed.id) == failed
    assert await result_store.find_collection(ADA, ai.id) is None


@pytest.mark.parametrize("outcome", [{}, FAILED], ids=["ready", "failed"])
async def test_deleting_a_collection_deletes_its_text_and_keeps_its_cost(
    result_store: ResultStore, connection: Connection, outcome: dict[str, Any]
) -> None:
    job, other = make_final_job(kind=COLLECTION, **outcome), make_final_job(kind=COLLECTION, **outcome)
    await result_store.save([job, other])
    assert await result_store.remove(ADA, job.id) is True
    assert await result_store.remove(ADA, job.id) is False
    assert await result_store.find(job.id) is None
    assert await result_store.list_jobs(ADA, kinds=[COLLECTION], before=None, limit=9) == [
        again(other, result=None)
    ]
    assert await result_store.charged(ADA, ["month:2026-11"]) == {"month:2026-11": 240}
    kept = await connection.fetchrow("SELECT title, result, error FROM async_jobs WHERE id = $1", job.id)
    assert kept is not None
    assert tuple(kept.values()) == ("", None, None)
    assert await count(connection, "flashcards") == (0 if outcome else 2)


async def test_a_late_save_does_not_restore_a_deleted_collection(
    result_store: ResultStore, connection: Connection
) -> None:
    job = make_final_job(kind=COLLECTION)
    await result_store.save([job])
    await result_store.remove(ADA, job.id)
    await result_store.save([again(job, attempt=2)])
    await result_store.save_records([again(job, attempt=2)])
    assert await result_store.find(job.id) is None
    assert await count(connection, "study_collections") == 0
    assert await connection.fetchval("SELECT title FROM async_jobs") == ""


async def test_removing_a_job_deletes_its_result_and_keeps_its_cost(
    result_store: ResultStore, connection: Connection
) -> None:
    job = make_final_job()
    await result_store.save([job])
    assert await result_store.remove(ADA, JobId("no id")) is False
    assert await result_store.remove(ADA, job.id) is True
    await result_store.save([again(job, attempt=2)])
    assert await result_store.find(job.id) is None
    assert await connection.fetchval("SELECT result FROM async_jobs") is None
    assert await result_store.charged(ADA, ["month:2026-11"]) == {"month:2026-11": 120}


@pytest.mark.parametrize("is_saved_first", [True, False])
async def test_the_row_of_a_removed_record_has_no_text(
    result_store: ResultStore, connection: Connection, is_saved_first: bool
) -> None:
    """Whether the worker saves before the removal or, as a late one, after it."""
    job = make_final_job(kind=COLLECTION)
    record = again(job, state=JobState.CANCELLED, result=None, usage=Usage(7, 0), is_erased=True)
    if is_saved_first:
        await result_store.save([job])
    await result_store.remove_records([record])
    if not is_saved_first:
        await result_store.save([again(job, attempt=job.attempt + 1)])
    assert await result_store.find(job.id) is None
    assert await count(connection, "study_collections") == 0
    assert await connection.fetchval("SELECT title FROM async_jobs") == ""
    assert await result_store.charged(ADA, ["month:2026-11"]) == {"month:2026-11": 120}


async def test_erasing_jobs_deletes_their_material_and_their_user(
    result_store: ResultStore, connection: Connection
) -> None:
    jobs, other = [make_final_job(), make_final_job(kind=COLLECTION)], make_final_job(user=BOB)
    await result_store.save([*jobs, other])
    ids = await result_store.jobs_of_user(ADA, limit=9)
    assert sorted(ids) == sorted(job.id for job in jobs)
    assert await result_store.erase(ADA, [*ids, other.id]) == 2
    assert await result_store.jobs_of_user(ADA, limit=9) == []
    assert await result_store.find(other.id) == other
    rows = await connection.fetch("SELECT to_jsonb(j)::text AS row FROM async_jobs j WHERE user_id = ''")
    assert len(rows) == 2
    assert not any(ADA in row["row"] for row in rows)
    assert await count(connection, "flashcards") == 0


STEPS = tuple(
    BoughtStep(content=name, asked=ItemCounts(3, 2), completion=f"what was {name}".encode()) for name in "ab"
)


async def test_a_step_is_found_by_its_content_its_user_and_the_items_it_was_asked_for(
    result_store: ResultStore,
) -> None:
    await result_store.save([make_final_job(steps=STEPS[:1]), make_final_job(user=BOB, steps=STEPS[1:])])
    await result_store.save([make_final_job(kind=COLLECTION, steps=(again(STEPS[0], completion=b"newer"),))])

    assert await result_store.find_step(ADA, "a", ItemCounts(3, 2)) == b"newer"
    assert await result_store.find_step(ADA, "a", ItemCounts(4, 0)) is None
    assert await result_store.find_step(ADA, "a", ItemCounts(0, 3)) is None
    assert await result_store.find_step(ADA, "b", ItemCounts()) is None
    assert await result_store.find_step(BOB, "b", ItemCounts()) == b"what was b"


@pytest.mark.parametrize("outcome", [{}, FAILED, {"kind": COLLECTION}], ids=["ready", "failed", "collection"])
async def test_steps_are_deleted_with_their_job(
    result_store: ResultStore, connection: Connection, outcome: dict[str, Any]
) -> None:
    """Whichever way it is deleted. A late save brings nothing back."""
    removed, recorded, erased, pruned = jobs = [
        make_final_job(steps=STEPS, **outcome, finished_at=NOW + age) for age in (0, 0, 0, -9)
    ]
    await result_store.save(jobs)
    assert await count(connection, "job_steps") == 8

    await result_store.remove(ADA, removed.id)
    await result_store.remove_records([again(recorded, is_erased=True)])
    await result_store.erase(ADA, [erased.id])
    await result_store.prune(before=NOW - 5)

    for job in (removed, recorded, erased):
        await result_store.save([again(job, attempt=job.attempt + 1)])
    assert await count(connection, "job_steps") == 0
    assert await result_store.find(pruned.id) is None


async def test_a_later_attempt_replaces_the_steps(result_store: ResultStore, connection: Connection) -> None:
    job = make_final_job(steps=STEPS)
    await result_store.save([job])
    await result_store.save([again(job, attempt=job.attempt + 1, steps=STEPS[:1])])
    await result_store.save([again(job, steps=STEPS)])

    assert await count(connection, "job_steps") == 1


async def test_pruning_deletes_what_was_not_used_for_long(
    result_store: ResultStore, connection: Connection
) -> None:
    old = {"finished_at": NOW - 1}
    used, kept = make_final_job(kind=COLLECTION, **old), make_final_job(finished_at=NOW)
    removed = make_final_job(kind=COLLECTION, **old)
    await result_store.save(
        [used, kept, removed, make_final_job(**old), make_final_job(kind=COLLECTION, **old)]
    )
    await result_store.remove(ADA, removed.id)
    await connection.execute("UPDATE async_jobs SET used_at = to_timestamp($1) WHERE id = $2", NOW, used.id)
    assert await result_store.prune(before=NOW) == 3
    assert await result_store.prune(before=NOW) == 0
    assert [await result_store.find(job.id) for job in (used, kept)] == [used, kept]
    assert await count(connection, "async_jobs") == 2
    assert await count(connection, "study_collections") == 1


async def test_reading_a_result_is_its_use_once_a_day(
    result_store: ResultStore, connection: Connection
) -> None:
    job = make_final_job(finished_at=NOW - 10 * 86_400)
    await result_store.save([job])
    last_used = "SELECT extract(EPOCH FROM now() - used_at) < 60 FROM async_jobs"
    await result_store.find(job.id)
    assert await connection.fetchval(last_used) is None
    await result_store.find(job.id, user=ADA)
    assert await connection.fetchval(last_used) is True
    await connection.execute("UPDATE async_jobs SET used_at = now() - interval '23 hours'")
    await result_store.find(job.id, user=ADA)
    assert await connection.fetchval(last_used) is False


async def test_pruning_continues_until_no_old_row_is_left(
    result_store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.postgres.result_store.PRUNE_ROWS", 10)
    await result_store.save([make_final_job() for _ in range(25)])
    assert await result_store.prune(before=NOW + 60) == 25


async def test_charges_are_summed_by_window(result_store: ResultStore) -> None:
    november, day = "month:2026-11", "day:2026-11-18"
    await result_store.save(
        [
            make_final_job(usage=Usage(100, 20)),
            make_final_job(kind=COLLECTION, usage=Usage(1, 2), windows=(november, "day:2026-11-19")),
            make_final_job(usage=Usage(10, 0), **FAILED),
            make_final_job(user=BOB, usage=Usage(5_000, 0)),
        ]
    )
    wanted = [day, november, "month:2026-12"]
    assert await result_store.charged(ADA, wanted) == {day: 130, november: 133, "month:2026-12": 0}


# -- Postgres away ----------------------------------------------------------------------------------------------------


async def test_every_call_raises_while_postgres_is_unreachable_and_works_afterwards(
    postgres_server: PostgresServer, result_store: ResultStore
) -> None:
    job = make_final_job(kind=COLLECTION)
    await result_store.save([job])
    postgres_server.process.kill()
    calls = [
        result_store.save([make_final_job()]),
        result_store.save_records([make_final_job()]),
        result_store.find(job.id),
        result_store.list_jobs(ADA, kinds=[COLLECTION], before=None, limit=1),
        result_store.find_collection(ADA, job.id),
        result_store.remove(ADA, job.id),
        result_store.prune(before=0),
        result_store.charged(ADA, ["month:2026-11"]),
        result_store.ping(),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable) as raised:
            await call
        assert raised.value.retry_after
    postgres_server.start()
    assert await result_store.find(job.id) == job
    other = make_final_job()
    await result_store.save([other])
    assert await result_store.find(other.id) == other


async def test_a_shutdown_during_a_statement_raises_store_unavailable(
    result_store: ResultStore, connection: Connection, postgres_server: PostgresServer
) -> None:
    job = make_final_job()
    await result_store.save([job])
    async with connection.transaction():
        await connection.execute("LOCK TABLE async_jobs")
        save = asyncio.ensure_future(result_store.save([again(job, attempt=2)]))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                pass
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tests'"
        )
        with pytest.raises(StoreUnavailable):
            await save
    assert await result_store.find(job.id) == job


async def test_a_server_that_hangs_raises_store_unavailable(
    postgres_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.postgres.connection.COMMAND_SECONDS", 0.2)
    store = await ResultStore.open(postgres_url, name="tests")
    async with connection.transaction():
        await connection.execute("LOCK TABLE async_jobs")
        with pytest.raises(StoreUnavailable):
            await store.save([make_final_job()])
    await store.save([make_final_job()])
    await store.close()


async def test_an_unmigrated_database_raises_store_unavailable(postgres_server: PostgresServer) -> None:
    store = await ResultStore.open(postgres_server.url.replace("/etude", "/template1"), name="tests")
    with pytest.raises(StoreUnavailable):
        await store.save([make_final_job()])
    await store.close()


async def test_an_unused_store_opens_no_connection(result_store: ResultStore, connection: Connection) -> None:
    connected = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tests'"
    assert await connection.fetchval(connected) == 0
    await result_store.ping()
    assert await connection.fetchval(connected) == 1


async def test_closing_waits_for_pending_saves(postgres_url: str, connection: Connection) -> None:
    store = await ResultStore.open(postgres_url, name="tests")
    saves = [asyncio.ensure_future(store.save([make_final_job()])) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*saves)
    assert await count(connection, "async_jobs") == 20
