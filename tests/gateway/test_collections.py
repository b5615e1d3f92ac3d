"""Study collections over HTTP: from a text or a document, to what is taken away."""

import asyncio
import csv
import io
import zipfile
from typing import Any

import docx
import httpx
import msgspec
import pytest
from msgspec.structs import replace
from tests.factories import ADA, BOB, make_card, make_collection, make_final_job, make_source
from tests.gateway.desk import COLLECTION, TEXT, Desk
from tests.job_harness import JobHarness
from tests.pdf_file import FONT, make_pdf, stream

from gateway.exports.formats import EXPORTS
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.errors import Problem
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobState, Kind, StreamName
from shared.domain.jobs.outcome import Done, Outcome
from shared.domain.jobs.payload import CollectionInput, JobInput
from shared.domain.study.places import Place, PlaceKind, PlaceMarks
from shared.runtime.http.request_body import JSON_BYTES

UNKNOWN = "01920000-0000-7000-8000-000000000001"


async def submit(client: httpx.AsyncClient, body: dict[str, Any] = COLLECTION) -> dict[str, Any]:
    answer = await client.post("/api/collections", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def upload(client: httpx.AsyncClient, name: str, content: bytes, **fields: str) -> httpx.Response:
    return await client.post("/api/collections", files={"file": (name, content)}, data=fields)


async def test_a_collection_is_accepted_as_processing(desk: Desk):
    answer = await desk.client().post("/api/collections", json=COLLECTION)

    made = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/collections/{made['id']}"
    assert made["object"] == "collection"
    assert (made["status"], made["title"], made["job_id"]) == ("processing", "Plants", made["id"])
    assert (made["flashcards"], made["quiz"], made["quality"]) == ([], [], None)


async def test_a_ready_collection_has_its_material_and_its_source(desk: Desk, result_store: ResultStore):
    final = make_final_job(kind=Kind.COLLECTION)
    await result_store.save([final])

    made = (await desk.client().get(f"/api/collections/{final.id}")).json()

    expected = msgspec.to_builtins(make_collection())
    assert made["status"] == "ready"
    assert {name: made[name] for name in ("title", "language", "flashcards", "quiz", "quality", "text")} == {
        name: expected[name] for name in ("title", "language", "flashcards", "quiz", "quality", "text")
    }
    for item in [*made["flashcards"], *made["quiz"]]:
        source = item["source"]
        assert made["text"][source["start"] : source["end"]] == source["quote"]


async def test_the_text_a_worker_gets_is_the_text_that_was_sent(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    got: list[JobInput] = []

    async def keep(job_input: JobInput, context: AttemptContext) -> Outcome:
        got.append(job_input)
        return Done(make_collection(), "model-1", "offline")

    client = desk.client()
    made = await submit(client, {"text": "Été 🗼 " + TEXT, "options": {"flashcards": 3}})
    await harness.consumer(keep, stream=StreamName.COLLECTION, results=result_store).drain()

    (job_input,) = got
    assert isinstance(job_input, CollectionInput)
    assert (job_input.text, job_input.options.flashcards) == ("Été 🗼 " + TEXT, 3)
    assert (await client.get(f"/api/collections/{made['id']}")).json()["status"] == "ready"


async def test_known_collections_are_those_of_the_caller(desk: Desk, result_store: ResultStore):
    mine, foreign = make_final_job(kind=Kind.COLLECTION), make_final_job(kind=Kind.COLLECTION, user=BOB)
    await result_store.save([mine, foreign])
    client = desk.client()
    unfinished = (await submit(client))["id"]

    async def code_for(*known: str) -> str:
        answer = await client.post("/api/collections", json={**COLLECTION, "options": {"known": known}})
        return answer.json().get("code", str(answer.status_code))

    assert await code_for(mine.id) == "202"
    assert await code_for(mine.id, foreign.id) == "not_found"
    assert await code_for("01920000-0000-7000-8000-00000000ffff") == "not_found"
    assert await code_for(unfinished) == "not_ready"
    assert await code_for(*[mine.id] * 11) == "invalid_fields"
    assert await code_for("mine") == "invalid_fields"


async def test_a_failed_collection_says_why(desk: Desk, result_store: ResultStore):
    final = make_final_job(
        kind=Kind.COLLECTION, state=JobState.FAILED, problem=Problem("no_usable_text"), result=None
    )
    await result_store.save([final])

    made = (await desk.client().get(f"/api/collections/{final.id}")).json()

    assert (made["status"], made["error"]["code"], made["flashcards"]) == ("failed", "no_usable_text", [])


async def test_a_collection_is_not_shown_as_a_job_nor_a_job_as_a_collection(desk: Desk):
    client = desk.client()
    made = await submit(client)

    assert (await client.get(f"/api/ai/{made['id']}")).status_code == 404
    assert (await client.get("/api/ai")).json()["data"] == []
    assert [one["id"] for one in (await client.get("/api/collections")).json()["data"]] == [made["id"]]


async def test_a_list_leaves_the_material_out(desk: Desk, result_store: ResultStore):
    await result_store.save([make_final_job(kind=Kind.COLLECTION), make_final_job()])
    client = desk.client()
    await submit(client)

    page = (await client.get("/api/collections")).json()

    assert [one["status"] for one in page["data"]] == ["processing", "ready"]
    assert not any({"flashcards", "quiz", "quality", "text"} & one.keys() for one in page["data"])


# -- removing ---------------------------------------------------------------------------------------------------------


async def test_removing_an_unfinished_collection_cancels_it(desk: Desk):
    client = desk.client()
    made = await submit(client)

    removed = await client.delete(f"/api/collections/{made['id']}")

    assert (removed.status_code, removed.content) == (204, b"")
    assert (await client.get(f"/api/collections/{made['id']}")).status_code == 404
    assert (await client.get("/api/collections")).json()["data"] == []
    usage = (await client.get("/api/usage")).json()
    assert [window["held"] for window in usage["windows"]] == [0, 0]


async def test_a_cancelled_collection_stays_removed_when_its_row_is_saved(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    client = desk.client()
    made = await submit(client)
    await client.delete(f"/api/collections/{made['id']}")
    await harness.worker(stream=StreamName.COLLECTION, results=result_store).maintenance.sweep()
    assert await result_store.jobs_of_user(ADA, limit=9) == [made["id"]]

    assert (await client.get(f"/api/collections/{made['id']}")).status_code == 404
    assert (await client.get("/api/collections")).json()["data"] == []


async def test_removing_a_ready_collection_deletes_its_material(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    async def make(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Done(make_collection(), "model-1", "offline")

    client = desk.client()
    made = await submit(client)
    await harness.consumer(make, stream=StreamName.COLLECTION, results=result_store).drain()
    path = f"/api/collections/{made['id']}"

    statuses = [(await client.delete(path)).status_code, (await client.delete(path)).status_code]

    assert statuses == [204, 404]
    assert (await client.get(path)).status_code == 404
    assert (await client.get(f"{path}/export")).status_code == 404


async def test_another_user_cannot_remove_a_collection(desk: Desk, result_store: ResultStore):
    final = make_final_job(kind=Kind.COLLECTION)
    await result_store.save([final])
    path = f"/api/collections/{final.id}"

    assert (await desk.client(sub="bob").delete(path)).status_code == 404
    assert (await desk.client().get(path)).status_code == 200


# -- documents --------------------------------------------------------------------------------------------------------


def make_docx(*paragraphs: str) -> bytes:
    document, out = docx.Document(), io.BytesIO()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(out)
    return out.getvalue()


def pdf_of(*texts: str) -> bytes:
    """A PDF with a page for each text."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(len(texts)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(texts)),
        FONT,
    ]
    for index, text in enumerate(texts):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 900 200] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * index),
            stream(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()),
        ]
    return make_pdf(objects)


async def inputs_of(harness: JobHarness, results: ResultStore) -> list[JobInput]:
    """What the worker was given."""
    got: list[JobInput] = []

    async def keep(job_input: JobInput, context: AttemptContext) -> Outcome:
        got.append(job_input)
        return Done(make_collection(), "model-1", "offline")

    await harness.consumer(keep, stream=StreamName.COLLECTION, results=results).drain()
    return got


async def text_of(harness: JobHarness, results: ResultStore) -> str:
    return (await inputs_of(harness, results))[0].text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", TEXT.encode()),
        ("notes", TEXT.encode("utf-16")),
        ("pdf-in-truth.docx", pdf_of(TEXT)),
        ("notes.TXT", b"\xef\xbb\xbf" + TEXT.encode()),
        ("notes.md", TEXT.encode()),
        ("notes.docx", make_docx(TEXT)),
        ("notes.pdf", pdf_of(TEXT)),
    ],
)
async def test_a_document_is_read(
    desk: Desk, harness: JobHarness, result_store: ResultStore, name: str, content: bytes
):
    answer = await upload(desk.client(), name, content, title="Plants", options='{"flashcards": 3}')

    assert answer.status_code == 202, answer.text
    assert answer.json()["title"] == "Plants"
    assert " ".join((await text_of(harness, result_store)).split()) == TEXT


async def test_the_pages_of_a_document_go_to_the_worker(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    await upload(desk.client(), "notes.pdf", pdf_of(TEXT, "", "Paris is in France."))
    (given,) = await inputs_of(harness, result_store)
    assert isinstance(given, CollectionInput)
    assert given.places is not None
    assert given.places == PlaceMarks(PlaceKind.PAGE, [0, len(TEXT) + 2], [1, 3])
    assert given.text[given.places.starts[1] :] == "Paris is in France."
    assert given.unread_pages == []  # a blank page holds nothing to read


async def test_a_plan_limits_the_text_and_the_pages_of_a_document(desk: Desk):
    client = desk.client(plan="brief")
    text = (await upload(client, "notes.txt", b"a " * 26)).json()
    pages = (await upload(client, "notes.pdf", pdf_of("One.", "Two."))).json()
    assert text["code"] == "text_too_long"
    assert "50 bytes" in text["detail"]
    assert pages["code"] == "too_many_pages"
    assert "1 pages" in pages["detail"]


async def test_the_title_of_a_document_defaults_to_its_file_name(desk: Desk):
    answer = await upload(desk.client(), "notes.txt", TEXT.encode())
    assert answer.json()["title"] == "notes"


def bomb() -> bytes:
    """A small ZIP that unpacks to far more than any document."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (110 * JSON_BYTES))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("notes.exe", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff", 422, "unsupported_document"),
        ("notes.pdf", b"no pdf", 422, "broken_document"),
        ("notes.pdf", pdf_of(TEXT)[:200], 422, "broken_document"),
        ("notes.docx", b"PK\x03\x04", 422, "broken_document"),
        ("notes.docx", bomb(), 422, "unsupported_document"),
        ("notes.pdf", pdf_of(""), 422, "scanned_document"),
        ("notes.txt", b" \n", 422, "empty_text"),
        ("notes.txt", b"a\0b", 422, "unsupported_document"),
        ("notes.txt", b"a " * (3 * JSON_BYTES), 413, "text_too_long"),
        ("notes.txt", b"a" * (12 * JSON_BYTES), 413, "too_large"),
    ],
)
async def test_an_unreadable_document_is_refused_with_its_own_code(
    desk: Desk, name: str, content: bytes, status: int, code: str
):
    answer = await upload(desk.client(), name, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"options": "{"}, "/options"),
        ({"options": '{"flashcards": -1}'}, "/options/flashcards"),
        ({"options": '{"cards": 1}'}, "/options/cards"),
        ({"title": "t" * 201}, "/title"),
        ({"title": "a\0b"}, "/title"),
        ({"text": TEXT}, "/text"),
    ],
)
async def test_an_invalid_form_field_has_a_pointer(desk: Desk, fields: dict[str, str], pointer: str):
    answer = await upload(desk.client(), "notes.txt", TEXT.encode(), **fields)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_a_form_without_a_document_has_a_pointer(desk: Desk):
    answer = await desk.client().post("/api/collections", files={"title": (None, "Plants")})
    assert answer.json()["errors"][0]["pointer"] == "/file"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
    ],
)
async def test_a_malformed_form_is_refused(desk: Desk, media_type: str, body: bytes):
    answer = await desk.client().post("/api/collections", content=body, headers={"Content-Type": media_type})
    assert answer.status_code in {400, 422}


# -- taking away ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def ready(result_store: ResultStore) -> str:
    source = replace(make_source(), place=Place(PlaceKind.PAGE, 12))
    card = make_card(front="=cmd()", back="tab\there\nand a line", source=source)
    made = make_collection(title="L’été / 2026", flashcards=[card])
    final = make_final_job(kind=Kind.COLLECTION, result=msgspec.json.encode(made))
    await result_store.save([final])
    return f"/api/collections/{final.id}/export"


async def test_the_json_export_is_the_whole_collection(desk: Desk, ready: str):
    answer = await desk.client().get(ready)

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["object"] == "collection"
    assert answer.json()["flashcards"][0]["front"] == "=cmd()"


async def test_the_csv_export_contains_no_formula(desk: Desk, ready: str):
    answer = await desk.client().get(ready, params={"format": "csv"})

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, card, question = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head[:7] == ["type", "front", "back", "choices", "explanation", "quote", "difficulty"]
    assert card[:3] == ["flashcard", "'=cmd()", "tab\there\nand a line"]
    place = head.index("place")
    assert (card[place], question[place]) == ("page 12", "")
    assert question[1:4] == ["Quelle ville la Seine traverse-t-elle ?", "Paris", "Lyon | Paris | Lille"]


@pytest.mark.parametrize("name", list(EXPORTS))
async def test_every_format_can_be_downloaded(desk: Desk, ready: str, name: str):
    answer = await desk.client().get(ready, params={"format": name})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, EXPORTS[name].media_type)
    assert answer.headers["Content-Disposition"].endswith(f".{EXPORTS[name].suffix}")
    assert answer.headers["AI-Disclosure"].startswith("mode=machine-generated, model=")
    assert answer.content


async def test_an_export_is_named_after_the_title(desk: Desk, ready: str):
    answer = await desk.client().get(ready, params={"format": "csv"})
    name = "L%20%C3%A9t%C3%A9%202026.csv"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"


async def test_an_unfinished_collection_cannot_be_exported(desk: Desk):
    client = desk.client()
    made = await submit(client)

    answer = await client.get(f"/api/collections/{made['id']}/export")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    assert answer.headers["Retry-After"] == "2"


async def test_an_unknown_format_has_a_pointer(desk: Desk, ready: str):
    answer = await desk.client().get(ready, params={"format": "docx"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/format")


async def test_prefer_wait_returns_the_ready_collection(
    desk: Desk, harness: JobHarness, result_store: ResultStore
):
    async def make(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Done(make_collection(), "model-1", "offline")

    async with asyncio.TaskGroup() as group:
        consumer = harness.consumer(make, stream=StreamName.COLLECTION, results=result_store)
        working = group.create_task(consumer.run())
        answer = await desk.client().post("/api/collections", json=COLLECTION, headers={"Prefer": "wait=20"})
        consumer.stop()
        await working

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert len(answer.json()["flashcards"]) == 2
