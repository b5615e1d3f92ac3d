"""Cards and questions that users change, hide, flag, delete and write."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from tests.factories import TEXT, make_card, make_collection, make_final_job
from tests.gateway.desk import COLLECTION, Desk, listen

from gateway.jobs.collection_editor import MAX_ITEMS
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot

CARD = {"type": "flashcard", "front": "Where does the Seine flow?", "back": "Through Paris"}
QUESTION = {
    "type": "question",
    "question": "Which river?",
    "options": [{"text": "Seine", "correct": True}, {"text": "Rhône", "correct": False}],
}


class Shelf:
    """A ready collection, changed by its user."""

    def __init__(self, client: httpx.AsyncClient, collection: JobSnapshot) -> None:
        self.client = client
        self.url = f"/api/collections/{collection.id}"

    async def shown(self) -> dict[str, Any]:
        return (await self.client.get(self.url)).json()

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        match = {"If-Match": headers.pop("etag", "*")}
        return await self.client.request(method, f"{self.url}{path}", json=body, headers=match | headers)

    async def edit(self, item_id: str, **fields: object) -> httpx.Response:
        return await self.send("PATCH", f"/items/{item_id}", fields)

    async def add(self, body: object, **headers: str) -> httpx.Response:
        return await self.send("POST", "/items", body, **headers)


@pytest.fixture
async def collection(result_store: ResultStore) -> JobSnapshot:
    final = make_final_job(kind=Kind.COLLECTION)
    await result_store.save([final])
    return final


@pytest.fixture
def shelf(desk: Desk, collection: JobSnapshot) -> Shelf:
    return Shelf(desk.client(), collection)


async def test_an_edited_card_says_so_and_keeps_its_id_and_source(shelf: Shelf):
    before = (await shelf.shown())["flashcards"]

    edited = await shelf.edit("c1", front=" When does\nwater boil (1\u202f%)? ", flagged=True)

    assert edited.status_code == 200, edited.text
    after = await shelf.shown()
    card = after["flashcards"][0]
    assert card == edited.json()["flashcard"]
    assert card.pop("edited_at")
    assert card == {
        **before[0],
        "front": "When does water boil (1\u202f%)?",
        "origin": "edited",
        "flagged": True,
    }
    assert after["flashcards"][1] == before[1]
    assert edited.headers["ETag"] == edited.json()["etag"] == after["etag"]


async def test_an_edit_that_is_undone_is_none(shelf: Shelf):
    await shelf.edit("c1", front="Changed", hidden=True)
    await shelf.edit("c1", front=make_card().front, hidden=False)

    card = (await shelf.shown())["flashcards"][0]

    assert "origin" not in card
    assert "hidden" not in card


async def test_edits_of_one_item_add_up(shelf: Shelf):
    await shelf.edit("q1", question="Which town?", flagged=True)
    await shelf.edit("q1", explanation="", options=QUESTION["options"])

    question = (await shelf.shown())["quiz"][0]

    assert (question["question"], question["explanation"], question["flagged"]) == ("Which town?", "", True)
    assert question["options"] == [
        {"id": "a", "text": "Seine", "correct": True},
        {"id": "b", "text": "Rhône", "correct": False},
    ]


@pytest.mark.parametrize(
    ("item", "fields", "pointers"),
    [
        ("c1", {}, [""]),
        ("c1", {"question": "A question?"}, ["/question"]),
        ("q1", {"front": "F", "back": "B"}, ["/front", "/back"]),
        ("c1", {"front": ""}, ["/front"]),
        ("c1", {"front": " \u200b"}, ["/front"]),
        ("c1", {"back": "x" * 2001}, ["/back"]),
        ("c1", {"back": None, "hidden": 1}, ["/back", "/hidden"]),
        ("c1", {"source": {}}, ["/source"]),
        ("q1", {"options": [{"text": "A", "correct": True}]}, ["/options"]),
        ("q1", {"options": [{"text": "A", "correct": True}, {"text": "B", "correct": True}]}, ["/options"]),
        ("q1", {"options": [{"text": "A", "correct": True}, {"text": " a", "correct": False}]}, ["/options"]),
        ("q1", {"options": [{"text": "A", "correct": True}, {"text": "\t", "correct": False}]}, ["/options/1/text"]),
        ("q1", {"options": [{"text": "A"}, {"text": "B", "correct": False, "id": "b"}]}, ["/options/0/correct", "/options/1/id"]),
    ],
)  # fmt: skip
async def test_edits_are_checked_for_their_form(
    shelf: Shelf, item: str, fields: dict[str, Any], pointers: list[str]
):
    refused = await shelf.edit(item, **fields)

    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers
    assert (await shelf.shown())["etag"] == '"succeeded-1-en"'


async def test_what_checks_of_drafts_would_drop_is_left_to_a_person(shelf: Shelf):
    assert (await shelf.edit("c1", front="This text?", back="See page 4")).status_code == 200


async def test_a_deleted_item_is_gone_for_good(
    shelf: Shelf, collection: JobSnapshot, result_store: ResultStore
):
    await shelf.edit("c1", front="Changed")

    deleted = await shelf.send("DELETE", "/items/c1")

    assert deleted.status_code == 200, deleted.text
    assert deleted.json()["etag"] == deleted.headers["ETag"]
    assert [card["id"] for card in (await shelf.shown())["flashcards"]] == ["c2"]
    assert (await shelf.send("DELETE", "/items/c1")).status_code == 404
    assert (await shelf.edit("c1", front="Again")).status_code == 404
    async with result_store.edits.acquired() as connection:
        assert await connection.fetchval("SELECT edit::text FROM item_edits") == '{"is_deleted":true}'
        assert await connection.fetchval("SELECT count(*) FROM flashcards") == 1

    await result_store.save([replace(collection, attempt=2)])  # it is made again
    assert [card["id"] for card in (await shelf.shown())["flashcards"]] == ["c2"]


async def test_edits_survive_when_the_collection_is_made_again(
    shelf: Shelf, collection: JobSnapshot, result_store: ResultStore
):
    await shelf.edit("c2", back="mine")
    await shelf.add(CARD)
    again = make_collection(
        flashcards=[make_card(id="c3"), make_card(id="c2", front="À quelle température ?")]
    )

    await result_store.save([replace(collection, attempt=2, result=msgspec.json.encode(again))])

    cards = (await shelf.shown())["flashcards"]
    assert [card["back"] for card in cards] == [make_card().back, "mine", CARD["back"]]


async def test_a_card_of_one_s_own(shelf: Shelf):
    added = await shelf.add({**CARD, "quote": "La Seine traverse Paris 🗼."})

    assert added.status_code == 201, added.text
    card = added.json()["flashcard"]
    shown = await shelf.shown()
    assert shown["flashcards"][-1] == card
    assert (card["origin"], card["language"], card["difficulty"]) == ("own", "fr", "medium")
    source = card["source"]
    assert TEXT[source["start"] : source["end"]] == source["quote"] == "La Seine traverse Paris 🗼."
    assert added.headers["ETag"] == shown["etag"]


async def test_a_question_of_one_s_own_can_be_edited_and_deleted(shelf: Shelf):
    question = (await shelf.add(QUESTION)).json()["question"]
    assert question["source"] == {"quote": "", "start": 0, "end": 0}

    edited = (await shelf.edit(question["id"], question="What river?")).json()["question"]
    assert (edited["question"], edited["origin"]) == ("What river?", "own")

    await shelf.send("DELETE", f"/items/{question['id']}")
    assert [one["id"] for one in (await shelf.shown())["quiz"]] == ["q1"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        ({}, ["/type"]),
        ({"type": "essay"}, ["/type"]),
        ({"type": ["flashcard"]}, ["/type"]),
        ({"type": "flashcard", "front": 1}, ["/front", "/back"]),
        ({**CARD, "options": []}, ["/options"]),
        ({**CARD, "quote": "The Thames crosses London."}, ["/quote"]),
        ({**QUESTION, "options": []}, ["/options"]),
    ],
)
async def test_new_items_are_checked_for_their_form(shelf: Shelf, body: object, pointers: list[str]):
    refused = await shelf.add(body)

    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers


async def test_a_request_that_is_repeated_with_its_key_adds_one_item(shelf: Shelf):
    etag = (await shelf.shown())["etag"]
    first = await shelf.add(CARD, etag=etag, **{"Idempotency-Key": "once"})

    again = await shelf.add(CARD, etag=etag, **{"Idempotency-Key": "once"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await shelf.shown())["flashcards"]) == 3
    conflict = await shelf.add({**CARD, "back": "other"}, **{"Idempotency-Key": "once"})
    assert (conflict.status_code, conflict.json()["code"]) == (422, "idempotency_conflict")

    await shelf.send("DELETE", f"/items/{first.json()['flashcard']['id']}")
    assert (await shelf.add(CARD, **{"Idempotency-Key": "once"})).status_code == 404


async def test_changes_name_the_state_they_were_made_of(shelf: Shelf):
    for method, path, body in (
        ("PATCH", "/items/c1", {"flagged": True}),
        ("DELETE", "/items/c1", None),
        ("POST", "/items", CARD),
    ):
        stale = await shelf.send(method, path, body, etag='"other"')
        missing = await shelf.client.request(method, f"{shelf.url}{path}", json=body)
        assert (stale.status_code, missing.status_code) == (412, 428), path


async def test_of_many_tabs_at_once_one_is_heard(shelf: Shelf):
    etag = (await shelf.shown())["etag"]

    edits = [shelf.send("PATCH", "/items/c1", {"front": f"Front {number}"}, etag=etag) for number in range(8)]
    answers = await asyncio.gather(*edits)

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]
    (heard,) = (answer.json()["flashcard"] for answer in answers if answer.status_code == 200)
    assert (await shelf.shown())["flashcards"][0] == heard


async def test_the_other_tabs_are_told_which_item(shelf: Shelf, collection: JobSnapshot):
    await shelf.edit("c1", flagged=True)

    async with listen(shelf.client, "/api/events") as events:
        event = await events.next()

    assert event is not None
    assert event.data == {"job_id": collection.id, "kind": "collection", "item_id": "c1"}


async def test_a_full_collection_takes_no_more(desk: Desk, result_store: ResultStore):
    cards = [make_card(id=f"c{number}") for number in range(MAX_ITEMS)]
    full = make_final_job(kind=Kind.COLLECTION, result=msgspec.json.encode(make_collection(flashcards=cards)))
    await result_store.save([full])
    shelf = Shelf(desk.client(), full)

    refused = await shelf.add(CARD)

    assert (refused.status_code, refused.json()["code"]) == (409, "collection_full")
    assert (await shelf.add(QUESTION)).status_code == 201


async def test_a_collection_that_is_not_ready_has_no_items_to_change(desk: Desk, result_store: ResultStore):
    client = desk.client()
    made = (await client.post("/api/collections", json=COLLECTION)).json()
    failed = make_final_job(kind=Kind.COLLECTION, state=JobState.FAILED, problem=Problem("no_usable_text"))
    await result_store.save([failed])
    for collection_id, status in ((made["id"], 409), (failed.id, 404)):
        url = f"/api/collections/{collection_id}/items"
        headers = {"If-Match": "*"}
        assert (await client.post(url, json=CARD, headers=headers)).status_code == status
        assert (await client.delete(f"{url}/c1", headers=headers)).status_code == status


async def test_another_s_items_cannot_be_changed(desk: Desk, collection: JobSnapshot):
    shelf = Shelf(desk.client(sub="bob"), collection)

    assert (await shelf.edit("c1", flagged=True)).status_code == 404
    assert (await shelf.add(CARD)).status_code == 404


@pytest.mark.parametrize("erase", [False, True], ids=["removed", "erased"])
async def test_nothing_of_what_was_changed_stays(
    desk: Desk, shelf: Shelf, collection: JobSnapshot, result_store: ResultStore, erase: bool
):
    await shelf.edit("c1", front="Changed")
    await shelf.add(CARD)

    await shelf.client.delete("/api/me" if erase else shelf.url)

    async with result_store.edits.acquired() as connection:
        for table in ("collection_edits", "item_edits", "added_items", "flashcards"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
