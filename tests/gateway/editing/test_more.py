"""More items of a collection: a job like any other, whose items join the collection when it is saved."""

from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from tests.factories import ADA, TEXT, make_card, make_collection, make_final_job
from tests.gateway.desk import Desk, listen
from tests.job_harness import JobHarness

from shared.adapters.postgres.result_store import ResultStore
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobId, Kind, StreamName
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Done, Outcome
from shared.domain.jobs.payload import ItemsInput, JobInput
from shared.domain.study.material import MadeItems, Quality

NEW = make_card(id="c7", front="When does water freeze?", back="at zero degrees")
MORE: dict[str, Any] = {"type": "more", "options": {"flashcards": 2}}


@pytest.fixture
async def collection(result_store: ResultStore) -> JobSnapshot:
    final = make_final_job(kind=Kind.COLLECTION)
    await result_store.save([final])
    return final


class Shelf:
    def __init__(
        self, desk: Desk, collection: JobSnapshot, harness: JobHarness, results: ResultStore
    ) -> None:
        self.client = desk.client()
        self.url = f"/api/collections/{collection.id}"
        self.asked: list[ItemsInput] = []
        self._harness = harness
        self._results = results

    async def shown(self) -> dict[str, Any]:
        return (await self.client.get(self.url)).json()

    async def ask(self, body: object = MORE, *, etag: str = "*", **headers: str) -> httpx.Response:
        return await self.client.post(f"{self.url}/items", json=body, headers={"If-Match": etag} | headers)

    async def work(self) -> None:
        """Run what waits, with a handler that makes one card."""

        async def make(job_input: JobInput, context: AttemptContext) -> Outcome:
            assert isinstance(job_input, ItemsInput)
            self.asked.append(job_input)
            await context.item(NEW)
            made = MadeItems(
                collection_id=job_input.collection_id,
                language="fr",
                flashcards=[NEW],
                quiz=[],
                quality=Quality(),
            )
            return Done(made, "model-1", "openai")

        await self._harness.consumer(make, stream=StreamName.COLLECTION, results=self._results).drain()


@pytest.fixture
def shelf(desk: Desk, collection: JobSnapshot, harness: JobHarness, result_store: ResultStore) -> Shelf:
    return Shelf(desk, collection, harness, result_store)


async def test_new_items_join_the_collection(shelf: Shelf, collection: JobSnapshot):
    before = await shelf.shown()

    accepted = await shelf.ask(etag=before["etag"])

    assert accepted.status_code == 202, accepted.text
    job = accepted.json()
    assert (job["kind"], job["status"]) == ("items", "queued")
    assert job["usage"]["held_tokens"] > 0
    assert accepted.headers["Location"] == f"/api/ai/{job['id']}"
    await shelf.work()
    after = await shelf.shown()
    assert after["flashcards"][-1] == msgspec.to_builtins(NEW)
    assert after["etag"] != before["etag"]
    done = (await shelf.client.get(f"/api/ai/{job['id']}")).json()
    assert done["status"] == "succeeded"
    assert done["result"]["collection_id"] == collection.id
    assert done["result"]["item_ids"] == ["c7"]


async def test_a_worker_gets_the_part_and_what_is_known(shelf: Shelf):
    start, end = TEXT.index("La Seine"), len(TEXT)

    await shelf.ask({**MORE, "start": start, "end": end})
    await shelf.work()

    (asked,) = shelf.asked
    assert (asked.text, asked.start) == (TEXT[start:end], start)
    assert (asked.options.flashcards, asked.options.questions) == (2, 0)
    assert asked.options.language == "fr"
    material = make_collection()
    assert (asked.known_cards, asked.known_questions) == (material.flashcards, material.quiz)


async def test_an_item_is_made_again_from_its_section(shelf: Shelf):
    await shelf.ask({"type": "more", "item": "q1"})
    await shelf.work()

    (asked,) = shelf.asked
    assert (asked.options.flashcards, asked.options.questions) == (0, 1)
    source = make_collection().quiz[0].source
    assert asked.start <= source.start < asked.start + len(asked.text)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"start": len(TEXT)}, ["/start"]),
        ({"start": 5, "end": 5}, ["/start"]),
        ({"end": len(TEXT) + 1}, ["/end"]),
        ({"start": -1}, ["/start"]),
        ({"options": {"flashcards": 0, "questions": 0}}, ["/options"]),
        ({"options": {"flashcards": 501}}, ["/options/flashcards"]),
        ({"item": "c1", "start": 0}, ["/start"]),
        ({"item": "c1", "options": {"flashcards": 1}}, ["/options/flashcards"]),
        ({"front": "F"}, ["/front"]),
    ],
)
async def test_what_cannot_be_made_is_refused(shelf: Shelf, body: dict[str, Any], pointers: list[str]):
    refused = await shelf.ask({"type": "more", **body})

    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers


async def test_an_unknown_item_is_not_made_again(shelf: Shelf):
    assert (await shelf.ask({"type": "more", "item": "c9"})).status_code == 404


async def test_a_request_names_the_state_it_was_made_of(shelf: Shelf):
    missing = await shelf.client.post(f"{shelf.url}/items", json=MORE)

    assert (missing.status_code, (await shelf.ask(etag='"other"')).status_code) == (428, 412)


async def test_a_repeated_request_is_one_job_although_the_collection_has_changed(shelf: Shelf):
    etag = (await shelf.shown())["etag"]
    first = await shelf.ask(etag=etag, **{"Idempotency-Key": "once"})
    await shelf.work()

    again = await shelf.ask(etag=etag, **{"Idempotency-Key": "once"})

    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    other = await shelf.ask({**MORE, "end": 20}, **{"Idempotency-Key": "once"})
    assert other.json()["code"] == "idempotency_conflict"


async def test_a_cancelled_job_adds_nothing_and_gives_its_hold_back(shelf: Shelf):
    before = await shelf.shown()
    job = (await shelf.ask()).json()

    cancelled = await shelf.client.delete(f"/api/ai/{job['id']}")
    await shelf.work()

    assert cancelled.json()["status"] == "cancelled"
    assert await shelf.shown() == before
    usage = (await shelf.client.get("/api/usage")).json()
    assert [window["held"] for window in usage["windows"]] == [0, 0]


async def test_a_later_attempt_replaces_what_an_earlier_one_added(
    shelf: Shelf, collection: JobSnapshot, result_store: ResultStore
):
    def made(attempt: int, *ids: str) -> JobSnapshot:
        cards = [make_card(id=one, front=f"Front {one}") for one in ids]
        result = MadeItems(
            collection_id=collection.id, language="fr", flashcards=cards, quiz=[], quality=Quality()
        )
        return replace(job, attempt=attempt, result=msgspec.json.encode(result))

    job = make_final_job(kind=Kind.ITEMS, result=None)

    await result_store.save([made(1, "c7", "c8")])
    await result_store.save([made(1, "c9")])
    await result_store.save([made(2, "c8", "c10")])

    assert [card["id"] for card in (await shelf.shown())["flashcards"]] == ["c1", "c2", "c8", "c10"]


async def test_a_deleted_item_is_not_added_again(
    shelf: Shelf, collection: JobSnapshot, result_store: ResultStore
):
    await shelf.client.delete(f"{shelf.url}/items/c1", headers={"If-Match": "*"})

    result = MadeItems(
        collection_id=collection.id,
        language="fr",
        flashcards=[make_card(id="c1")],
        quiz=[],
        quality=Quality(),
    )
    await result_store.save([make_final_job(kind=Kind.ITEMS, result=msgspec.json.encode(result))])

    assert [card["id"] for card in (await shelf.shown())["flashcards"]] == ["c2"]


async def test_added_items_survive_when_the_collection_is_made_again(
    shelf: Shelf, collection: JobSnapshot, result_store: ResultStore
):
    await shelf.ask()
    await shelf.work()

    await result_store.save([replace(collection, attempt=2)])

    assert (await shelf.shown())["flashcards"][-1]["id"] == "c7"


async def test_jobs_that_add_items_are_listed_on_request_and_never_as_collections(shelf: Shelf):
    job = (await shelf.ask()).json()
    for _ in range(2):  # unfinished, then saved
        all_jobs = (await shelf.client.get("/api/ai")).json()["data"]
        items = (await shelf.client.get("/api/ai?kind=items")).json()["data"]
        collections = (await shelf.client.get("/api/collections")).json()["data"]
        assert ([one["id"] for one in items], all_jobs, len(collections)) == ([job["id"]], [], 1)
        await shelf.work()


async def test_removing_a_collection_ends_what_is_made_for_it(
    shelf: Shelf, collection: JobSnapshot, harness: JobHarness, result_store: ResultStore
):
    finished = (await shelf.ask()).json()
    await shelf.work()
    unfinished = (await shelf.ask()).json()

    await shelf.client.delete(shelf.url)

    for job in (finished, unfinished):
        assert (await shelf.client.get(f"/api/ai/{job['id']}")).status_code == 404
    async with listen(shelf.client, "/api/events") as events:
        names = {(event.name, event.data["job_id"]) for _ in range(3) if (event := await events.next())}
    assert names == {("removed", one) for one in (finished["id"], unfinished["id"], collection.id)}
    assert await result_store.jobs_adding_items(ADA, JobId(collection.id)) == []


async def test_what_was_made_for_a_removed_collection_is_not_kept(
    shelf: Shelf, collection: JobSnapshot, result_store: ResultStore
):
    await shelf.client.delete(shelf.url)
    result = MadeItems(
        collection_id=collection.id, language="fr", flashcards=[NEW], quiz=[], quality=Quality()
    )

    await result_store.save([make_final_job(kind=Kind.ITEMS, result=msgspec.json.encode(result))])

    async with result_store.edits.acquired() as connection:
        assert await connection.fetchval("SELECT count(*) FROM added_items") == 0


async def test_another_s_collection_gets_nothing(collection: JobSnapshot, result_store: ResultStore):
    result = MadeItems(
        collection_id=collection.id, language="fr", flashcards=[NEW], quiz=[], quality=Quality()
    )

    await result_store.save([make_final_job(kind=Kind.ITEMS, user="bob", result=msgspec.json.encode(result))])

    async with result_store.edits.acquired() as connection:
        assert await connection.fetchval("SELECT count(*) FROM added_items") == 0
