"""`etude edit`: what it sends, and what the person sees."""

import json
from collections.abc import AsyncIterator

import pytest
from starlette.responses import JSONResponse
from tests.app_server import serving
from tests.etude.command_runner import etude
from tests.etude.fake_api import FakeApi, events

SOURCE = {"quote": "Water boils.", "start": 0, "end": 12}
CARD = {"id": "c1", "front": "Why?", "back": "So.", "source": SOURCE}
QUESTION = {
    "id": "q1",
    "question": "What?",
    "options": [{"id": "a", "text": "A", "correct": True}],
    "explanation": "",
    "source": SOURCE,
}
COLLECTION = {"id": "k1", "status": "ready", "etag": '"1"', "flashcards": [CARD], "quiz": [QUESTION]}
CHANGED = {
    "collection_id": "k1",
    "etag": '"2"',
    "flashcard": {**CARD, "front": "How?", "origin": "edited", "flagged": True},
}


@pytest.fixture
async def api() -> AsyncIterator[tuple[FakeApi, str]]:
    fake = FakeApi()
    fake.on("GET", "/api/collections/k1", JSONResponse(COLLECTION))
    fake.on("PATCH", "/api/collections/k1", JSONResponse(COLLECTION))
    for item in ("c1", "q1"):
        fake.on("PATCH", f"/api/collections/k1/items/{item}", JSONResponse(CHANGED))
        fake.on("DELETE", f"/api/collections/k1/items/{item}", JSONResponse(COLLECTION))
    fake.on("POST", "/api/collections/k1/items", JSONResponse(CHANGED, 201))
    async with serving(fake.app) as url:
        yield fake, url


def sent(fake: FakeApi, method: str, path: str) -> tuple[str, object]:
    """The entity tag and the body of the one request."""
    (index,) = [i for i, one in enumerate(fake.requests) if (one.method, one.url.path) == (method, path)]
    return fake.requests[index].headers["If-Match"], json.loads(fake.bodies[index])


async def test_a_title_is_changed(api: tuple[FakeApi, str]):
    fake, url = api

    ran = await etude("edit", "k1", "--title", "Water", url=url)

    assert (ran.code, ran.out) == (0, "k1 has its new title\n")
    assert sent(fake, "PATCH", "/api/collections/k1") == ('"1"', {"title": "Water"})


@pytest.mark.parametrize(("item", "item_id"), [("c1", "c1"), ("1", "c1"), ("Q1", "q1")])
async def test_an_item_is_named_by_its_id_or_its_number(api: tuple[FakeApi, str], item: str, item_id: str):
    fake, url = api

    ran = await etude("edit", "k1", item, "--front", "How?", "--flag", url=url)

    assert ran.code == 0, ran.err
    assert "How? (edited, flagged)" in ran.out
    body = sent(fake, "PATCH", f"/api/collections/k1/items/{item_id}")
    assert body == ('"1"', {"front": "How?", "flagged": True})


async def test_an_item_is_deleted(api: tuple[FakeApi, str]):
    fake, url = api

    ran = await etude("edit", "k1", "Q1", "--delete", url=url)

    assert ran.out == "q1 is deleted\n"
    assert len(fake.seen("DELETE", "/api/collections/k1/items/q1")) == 1


async def test_words_without_an_item_add_one(api: tuple[FakeApi, str]):
    fake, url = api

    ran = await etude(
        "edit", "k1", "--question", "Who?", "--right", "A", "--wrong", "B", "--wrong", "C", url=url
    )

    assert ran.code == 0, ran.err
    tag, body = sent(fake, "POST", "/api/collections/k1/items")
    assert tag == '"1"'
    assert isinstance(body, dict)
    assert (body["type"], body["question"]) == ("question", "Who?")
    assert body["options"] == [
        {"text": "A", "correct": True},
        {"text": "B", "correct": False},
        {"text": "C", "correct": False},
    ]


async def test_more_items_are_made_and_shown(api: tuple[FakeApi, str]):
    fake, url = api
    job = {"id": "j1", "kind": "items", "status": "succeeded"}
    new = {**CARD, "id": "c2", "front": "New?"}
    fake.on(
        "GET",
        "/api/collections/k1",
        JSONResponse(COLLECTION),
        JSONResponse({**COLLECTION, "flashcards": [CARD, new]}),
    )
    fake.on("POST", "/api/collections/k1/items", JSONResponse(job, 202))
    fake.on(
        "GET",
        "/api/ai/j1/events",
        events('id: 3-0\nevent: done\ndata: {"job_id":"j1","kind":"items","status":"succeeded"}'),
    )
    fake.on("GET", "/api/ai/j1", JSONResponse(job))

    ran = await etude("edit", "k1", "--more", "--flashcards", "2", url=url)

    assert ran.code == 0, ran.err
    assert "New?" in ran.out
    assert "Why?" not in ran.out
    _, body = sent(fake, "POST", "/api/collections/k1/items")
    assert body == {"type": "more", "options": {"flashcards": 2}}


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("k1",), 2, "give an item"),
        (("k1", "1"), 2, "nothing to change"),
        (("k1", "9", "--flag"), 1, "no item 9"),
        (("k2", "--title", "T"), 1, "no collection k2"),
    ],
)
async def test_what_cannot_be_done_is_said(
    api: tuple[FakeApi, str], arguments: tuple[str, ...], exit_code: int, said: str
):
    fake, url = api
    fake.on("GET", "/api/collections/k2", JSONResponse({"title": "Not found", "status": 404}, 404))

    ran = await etude("edit", *arguments, url=url)

    assert ran.code == exit_code
    assert said in ran.err
