"""Titles that users change, and lists of some of their collections."""

from typing import Any

import httpx
import msgspec
import pytest
from tests.factories import make_collection, make_final_job
from tests.gateway.desk import COLLECTION, Desk, listen
from tests.job_harness import JobHarness

from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobState, Kind
from shared.domain.jobs.job_snapshot import JobSnapshot


@pytest.fixture
async def collection(result_store: ResultStore) -> JobSnapshot:
    final = make_final_job(kind=Kind.COLLECTION)
    await result_store.save([final])
    return final


async def show(client: httpx.AsyncClient, collection: JobSnapshot, **headers: str) -> httpx.Response:
    return await client.get(f"/api/collections/{collection.id}", headers=headers)


async def rename(
    client: httpx.AsyncClient, collection: JobSnapshot, title: str, etag: str | None = "*", **headers: str
) -> httpx.Response:
    match = {} if etag is None else {"If-Match": etag}
    return await client.patch(
        f"/api/collections/{collection.id}", json={"title": title}, headers=match | headers
    )


async def listed(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/api/collections", params=query)
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["data"]]


async def test_a_new_title_is_shown_listed_and_exported(desk: Desk, collection: JobSnapshot):
    client = desk.client()
    before = await show(client, collection)

    renamed = await rename(client, collection, "  L’eau\u202e et la Seine ", before.headers["ETag"])

    assert renamed.status_code == 200, renamed.text
    after = await show(client, collection)
    assert renamed.json()["title"] == after.json()["title"] == "L’eau et la Seine"
    assert renamed.headers["ETag"] == after.headers["ETag"] == after.json()["etag"] != before.headers["ETag"]
    assert "flashcards" not in renamed.json()
    assert await listed(client) == ["L’eau et la Seine"]
    exported = await client.get(f"/api/collections/{collection.id}/export?format=markdown")
    assert "# L’eau et la Seine" in exported.text


async def test_a_title_survives_when_the_collection_is_made_again(
    desk: Desk, collection: JobSnapshot, result_store: ResultStore
):
    client = desk.client()
    await rename(client, collection, "Mine")

    again = msgspec.structs.replace(
        collection, attempt=2, result=msgspec.json.encode(make_collection(title="Theirs", flashcards=[]))
    )
    await result_store.save([again])

    shown = (await show(client, collection)).json()
    assert (shown["title"], shown["flashcards"]) == ("Mine", [])


async def test_of_two_tabs_the_later_one_is_refused(desk: Desk, collection: JobSnapshot):
    client = desk.client()
    tag = (await show(client, collection)).headers["ETag"]

    first = await rename(client, collection, "First", tag)
    second = await rename(client, collection, "Second", tag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["code"] == "precondition_failed"
    assert (await show(client, collection)).json()["title"] == "First"
    assert (await rename(client, collection, "Second", first.headers["ETag"])).status_code == 200


async def test_a_change_names_the_state_it_was_made_of(desk: Desk, collection: JobSnapshot):
    client = desk.client()

    refused = await rename(client, collection, "Mine", None, **{"Accept-Language": "fr"})

    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
    assert "If-Match" in refused.json()["detail"]
    assert (await rename(client, collection, "Mine", '"other"')).status_code == 412
    tag = (await show(client, collection)).headers["ETag"]
    assert (await rename(client, collection, "Mine", f'"other", W/{tag}')).status_code == 200


@pytest.mark.parametrize("title", ["", " \t", "\u202e", "x" * 201])
async def test_a_title_has_visible_characters(desk: Desk, collection: JobSnapshot, title: str):
    refused = await rename(desk.client(), collection, title)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/title"


async def test_a_collection_in_the_making_is_not_renamed(desk: Desk):
    client = desk.client()
    made = (await client.post("/api/collections", json=COLLECTION)).json()

    refused = await client.patch(
        f"/api/collections/{made['id']}", json={"title": "Mine"}, headers={"If-Match": "*"}
    )

    assert made["etag"] is None
    assert (refused.status_code, refused.json()["code"]) == (409, "not_ready")
    assert refused.headers["Retry-After"] == "2"


async def test_nobody_renames_what_is_another_s_or_removed(desk: Desk, collection: JobSnapshot):
    assert (await rename(desk.client(sub="bob"), collection, "Mine")).status_code == 404

    client = desk.client()
    await client.delete(f"/api/collections/{collection.id}")
    assert (await rename(client, collection, "Mine")).status_code == 404


async def test_the_other_tabs_are_told(desk: Desk, collection: JobSnapshot):
    client = desk.client()
    await rename(client, collection, "Mine")

    async with listen(client, "/api/events") as events:
        event = await events.next()

    assert event is not None
    assert event.name == "changed"
    assert event.data == {"job_id": collection.id, "kind": "collection"}


async def test_a_removed_collection_leaves_no_title(
    desk: Desk, collection: JobSnapshot, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    await rename(client, collection, "Secret")

    await client.delete(f"/api/collections/{collection.id}")

    assert await count_edits(result_store) == 0
    assert not [key for key in await harness.key_names() if "Secret" in key]


async def test_an_erased_user_leaves_no_title(desk: Desk, collection: JobSnapshot, result_store: ResultStore):
    client = desk.client()
    await rename(client, collection, "Secret")

    await client.delete("/api/me")

    assert await count_edits(result_store) == 0


async def count_edits(results: ResultStore) -> int:
    async with results.edits.acquired() as connection:
        return await connection.fetchval("SELECT count(*) FROM collection_edits")


# -- lists ------------------------------------------------------------------------------------------------------------


async def save(results: ResultStore, title: str, **material: Any) -> JobSnapshot:
    made = make_collection(title=title, **material)
    job = make_final_job(kind=Kind.COLLECTION, title=title, result=msgspec.json.encode(made))
    await results.save([job])
    return job


@pytest.fixture
async def shelf(desk: Desk, result_store: ResultStore) -> httpx.AsyncClient:
    """The client of a user with a few collections, of which the newest is being made."""
    await save(result_store, "Énergie", language="fr", quiz=[])
    await save(result_store, "A água", language="pt-BR", flashcards=[])
    await save(result_store, "100 % water_", language="en")
    failed = make_final_job(
        kind=Kind.COLLECTION, state=JobState.FAILED, title="Failure", problem=Problem("no_usable_text")
    )
    cancelled = make_final_job(kind=Kind.COLLECTION, state=JobState.CANCELLED, title="Cancelled")
    await result_store.save([failed, cancelled, make_final_job()])
    client = desk.client()
    await client.post("/api/collections", json=COLLECTION)
    return client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Plants", "Failure", "100 % water_", "A água", "Énergie"]),
        ({"status": "processing"}, ["Plants"]),
        ({"status": "ready"}, ["100 % water_", "A água", "Énergie"]),
        ({"status": "failed"}, ["Failure"]),
        ({"language": "pt"}, ["A água"]),
        ({"language": "PT-br"}, ["A água"]),
        ({"language": "p"}, None),
        ({"kind": "flashcards"}, ["100 % water_", "Énergie"]),
        ({"kind": "quiz"}, ["100 % water_", "A água"]),
        ({"kind": "collection"}, None),
        ({"status": "done"}, None),
        ({"q": "énergie"}, ["Énergie"]),
        ({"q": "ENERG"}, ["Énergie"]),
        ({"q": "agua", "language": "pt"}, ["A água"]),
        ({"q": "agua", "language": "fr"}, []),
        ({"q": "PLAN"}, ["Plants"]),
        ({"q": "%"}, ["100 % water_"]),
        ({"q": "_"}, ["100 % water_"]),
        ({"q": "\\"}, []),
        ({"q": "\0"}, None),
        ({"q": "x" * 201}, None),
    ],
)
async def test_filters(shelf: httpx.AsyncClient, query: dict[str, str], expected: list[str] | None):
    if expected is None:
        assert (await shelf.get("/api/collections", params=query)).status_code == 422
    else:
        assert await listed(shelf, **query) == expected


async def test_a_filtered_list_is_read_page_by_page(shelf: httpx.AsyncClient):
    titles: list[str] = []
    url = "/api/collections?status=ready&limit=2"
    while url:
        page = await shelf.get(url)
        titles += [one["title"] for one in page.json()["data"]]
        url = page.links.get("next", {}).get("url", "")

    assert titles == ["100 % water_", "A água", "Énergie"]


async def test_a_list_finds_the_title_that_was_given_last(desk: Desk, collection: JobSnapshot):
    client = desk.client()
    await rename(client, collection, "Wasser")

    assert await listed(client, q="wasser") == ["Wasser"]
    assert await listed(client, q="seine") == []
