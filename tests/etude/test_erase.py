"""`etude rm` and `etude erase`, on real stores."""

import time
from collections.abc import Sequence

import pytest
from tests.etude.command_runner import Ran, etude
from tests.etude.conftest import Place
from tests.factories import ADA, BOB, make_final_job, make_plan, make_submission
from tests.job_harness import JobHarness, settled

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.jobs.removal_store import RemovalStore, Removed
from shared.domain.jobs.job import JobId, JobState, Kind, UserId
from shared.runtime.erasure.user_eraser import UserEraser


async def erase(harness: JobHarness, postgres_url: str, user: str = ADA) -> Ran:
    return await etude("erase", user, "--redis-url", harness.place.url, "--postgres-url", postgres_url)


def counts(ran: Ran) -> dict[str, int]:
    """The table of the command: what was erased, and how often."""
    rows = [line.rsplit(maxsplit=1) for line in ran.out.splitlines() if line.rsplit(maxsplit=1)[-1].isdigit()]
    return {what.strip(): int(count) for what, count in rows}


async def test_a_user_is_erased_from_both_stores_and_no_other_is(
    harness: JobHarness, postgres_url: str, result_store: ResultStore
):
    plan, now = make_plan(), time.time()
    for user in (ADA, BOB):
        await harness.submit(user=user)
        await harness.budgets.hold(user, plan, hold_id=f"h-{user}", tokens=5, expires_in=60, now=now)
    done, collection = make_final_job(), make_final_job(kind=Kind.COLLECTION)
    theirs = make_final_job(user=BOB)
    await result_store.save([done, collection, theirs])

    ran = await erase(harness, postgres_url)

    assert ran.code == 0
    assert counts(ran) == {
        "jobs in Redis": 1,
        "jobs in Postgres": 3,
        "event log and budgets": 3,  # a log, and the budgets of a day and a month
        "chats under way": 1,
    }
    assert await result_store.find(done.id) is None
    assert await result_store.find(theirs.id) == theirs
    assert await harness.store.unfinished(ADA) == []
    assert len(await harness.store.unfinished(BOB)) == 1
    left = {key for key in await harness.key_names() if f":user:{ADA}:" in key}
    assert {
        key for key in left if ":requests:" not in key
    } == set()  # the counts of a minute expire by themselves


async def test_each_call_removes_a_bounded_number_of_jobs_and_the_command_goes_on(
    harness: JobHarness, postgres_url: str, result_store: ResultStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.adapters.redis.jobs.removal_store.PAGE", 3)
    monkeypatch.setattr("shared.runtime.erasure.user_eraser.BATCH", 2)
    monkeypatch.setattr("shared.runtime.erasure.user_eraser.JOBS_PER_CALL", 4)
    for _ in range(9):
        await harness.submit()
    eraser = UserEraser(RemovalStore(harness.redis, shards=1), result_store)

    first = await eraser.erase(ADA, now=time.time())
    ran = await erase(harness, postgres_url)

    assert (first.records, first.is_complete) == (6, False)
    assert (counts(ran)["jobs in Redis"], counts(ran)["jobs in Postgres"]) == (3, 9)
    assert await harness.store.unfinished(ADA) == []


async def test_no_record_is_read_or_removed_twice_in_one_call(
    harness: JobHarness, result_store: ResultStore, monkeypatch: pytest.MonkeyPatch
):
    """Each job is in the list of unfinished ones, in the log, and in the rows that the call itself writes."""
    asked: list[JobId] = []
    store = RemovalStore(harness.redis, shards=1)
    remove = store.remove

    async def removing(user: UserId, ids: Sequence[JobId]) -> list[Removed]:
        asked.extend(ids)
        return await remove(user, ids)

    monkeypatch.setattr(store, "remove", removing)
    jobs = [(await harness.submit()).id for _ in range(7)]
    erased = await UserEraser(store, result_store).erase(ADA, now=time.time())
    assert (sorted(asked), erased.records, erased.rows) == (sorted(jobs), 7, 7)


async def test_erasing_again_finds_nothing(harness: JobHarness, postgres_url: str, result_store: ResultStore):
    await harness.submit()
    await erase(harness, postgres_url)
    again = await erase(harness, postgres_url)
    assert again.code == 0
    assert set(counts(again).values()) == {0}


async def test_a_dead_letter_is_erased_although_it_is_kept_for_a_week(
    harness: JobHarness, postgres_url: str, result_store: ResultStore
):
    await harness.store.submit(make_submission(), now=time.time())
    stream = harness.stream()
    job = await harness.lease_one(stream)
    await stream.settle([settled(job, state=JobState.FAILED, is_dead=True)], now=time.time())
    await erase(harness, postgres_url)
    assert await harness.dead_letters.list(limit=10) == []


@pytest.mark.parametrize("url", ["nonsense", "redis://127.0.0.1:1/0"])
async def test_stores_that_cannot_be_used_are_told(postgres_url: str, url: str):
    ran = await etude("erase", "ada", "--redis-url", url, "--postgres-url", postgres_url)
    told = "is no address" if url == "nonsense" else "does not answer"
    assert ran.code != 0
    assert told in ran.err


async def run(place: Place, *arguments: str, stdin: str = "") -> Ran:
    return await etude(*arguments, url=place.url, token=place.token, stdin=stdin)


async def test_a_job_that_has_not_ended_is_cancelled_and_removed(place: Place, harness: JobHarness):
    job = await harness.submit()
    removed = await run(place, "rm", job.id)
    again = await run(place, "rm", job.id)
    assert (removed.code, removed.out) == (0, f"{job.id} is removed\n")
    assert (again.code, "there is no job" in again.err) == (1, True)
    assert await harness.store.unfinished(ADA) == []


async def test_a_collection_and_a_final_job_are_removed(place: Place, result_store: ResultStore):
    for made in (make_final_job(), make_final_job(kind=Kind.COLLECTION)):
        await result_store.save([made])
        removed = await run(place, "rm", made.id)
        assert (removed.code, removed.out) == (0, f"{made.id} is removed\n")
        assert await result_store.find(made.id, user=ADA) is None


async def test_nobody_removes_what_is_another_s(place: Place, harness: JobHarness, result_store: ResultStore):
    theirs, running = make_final_job(user=BOB), await harness.submit(user=BOB)
    await result_store.save([theirs])
    for job_id in (theirs.id, running.id):
        ran = await run(place, "rm", job_id)
        assert (ran.code, f"there is no job {job_id} of yours" in ran.err) == (1, True)
    assert await result_store.find(theirs.id) == theirs
    assert len(await harness.store.unfinished(BOB)) == 1
