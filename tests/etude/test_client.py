"""Both clients: what they send, what they repeat, and how they read responses and event streams."""

import itertools
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.etude.scripted_api import AsyncCaller, Connect, ScriptedApi, SyncCaller, problem, stream

from etude import (
    ApiError,
    ChatDelta,
    ChatMessage,
    Client,
    CollectionStatus,
    Conflict,
    Event,
    File,
    Finished,
    InvalidUrl,
    ItemChanges,
    ItemMade,
    JobKind,
    NotAuthenticated,
    NotFound,
    OwnCard,
    Progressed,
    RetryPolicy,
    StatusChanged,
    TooManyRequests,
    Unavailable,
    UnexpectedResponse,
    Unreachable,
)
from etude import api_requests as api
from etude.retries import RECONNECTIONS

JOB = {"id": "j1", "kind": "text", "status": "queued"}
LOST = httpx.ReadError("connection lost")
STATUS = b'id: 1-0\nevent: status\ndata: {"job_id":"j1","kind":"text","status":"running"}\n\n'
PROGRESS = b'id: 2-0\nevent: progress\ndata: {"job_id":"j1","done":1,"total":3}\n\n'
DONE = b'id: 3-0\nevent: done\ndata: {"job_id":"j1","kind":"text","status":"succeeded"}\n\n'
QUESTION = [ChatMessage("user", "Why?")]


@pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    return request.param


def job(status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=JOB)


async def test_a_response_becomes_a_typed_value(connect: Connect):
    job = await connect(ScriptedApi(httpx.Response(200, json={**JOB, "unknown": 1}))).send(api.get_job("j1"))

    assert (job.id, job.kind, job.status, job.result) == ("j1", "text", "queued", None)


async def test_a_submission_keeps_its_key_when_the_connection_is_lost(connect: Connect):
    fake = ScriptedApi(LOST, LOST, job(202))

    await connect(fake).send(api.submit_job(JobKind.TEXT, "Water boils."))

    keys = {request.headers["Idempotency-Key"] for request in fake.requests}
    assert (len(fake.requests), len(keys)) == (3, 1)
    assert fake.pauses == [0.0, 1.0]
    assert len({request.content for request in fake.requests}) == 1


async def test_two_submissions_have_different_keys(connect: Connect):
    fake = ScriptedApi(job(202), job(202))
    client = connect(fake)

    for _ in range(2):
        await client.send(api.submit_job(JobKind.TEXT, "Water boils."))

    assert len({request.headers["Idempotency-Key"] for request in fake.requests}) == 2


async def test_the_caller_s_own_key_is_sent(connect: Connect):
    fake = ScriptedApi(job(202))

    await connect(fake).send(api.submit_job(JobKind.TEXT, "Water.", idempotency_key="mine"))

    assert fake.requests[0].headers["Idempotency-Key"] == "mine"


async def test_a_document_is_uploaded_again_after_a_lost_connection(connect: Connect):
    collection = httpx.Response(202, json={"id": "c1", "status": "processing"})
    fake = ScriptedApi(LOST, collection)

    await connect(fake).send(api.upload_collection(File("a.pdf", b"%PDF-1.7", "application/pdf")))

    assert all(b"%PDF-1.7" in request.content for request in fake.requests)


async def test_an_item_is_added_once_and_a_change_is_not_repeated(connect: Connect):
    item = httpx.Response(201, json={"collection_id": "c1", "etag": '"2"'})
    fake = ScriptedApi(LOST, item, LOST)
    client = connect(fake)

    added = await client.send(api.add_item("c1", OwnCard(front="F", back="B"), etag='"1"'))
    with pytest.raises(Unreachable):
        await client.send(api.edit_item("c1", "i/1", ItemChanges(flagged=True), etag=added.etag))

    first, again, edit = fake.requests
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert (first.headers["If-Match"], edit.headers["If-Match"]) == ('"1"', '"2"')
    assert (edit.method, edit.url.raw_path) == ("PATCH", b"/api/collections/c1/items/i%2F1")
    assert json.loads(first.content)["type"] == "flashcard"
    assert json.loads(edit.content) == {"flagged": True}


async def test_a_change_that_came_too_late_is_a_conflict(connect: Connect):
    fake = ScriptedApi(problem(412, "precondition_failed"))

    with pytest.raises(Conflict):
        await connect(fake).send(api.rename_collection("c1", "Mine", etag='"1"'))


async def test_a_list_of_collections_takes_filters(connect: Connect):
    fake = ScriptedApi(httpx.Response(200, json={"data": []}))

    await connect(fake).send(api.list_collections(title_part="eau", status=CollectionStatus.READY))

    assert dict(fake.requests[0].url.params) == {"limit": "20", "q": "eau", "status": "ready"}


async def test_a_lost_connection_is_retried_a_limited_number_of_times(connect: Connect):
    fake = ScriptedApi(LOST, LOST, LOST)

    with pytest.raises(Unreachable, match="http://etude"):
        await connect(fake).send(api.get_usage())

    assert len(fake.requests) == 3


async def test_retry_after_is_obeyed(connect: Connect):
    busy = problem(503, "overloaded", headers={"Retry-After": "7"}, retryable=True, retry_after=3)
    fake = ScriptedApi(busy, job(202))

    await connect(fake).send(api.submit_job(JobKind.TEXT, "Water."))

    assert fake.pauses == [7.0]


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 429, "code": "budget_exceeded", "retryable": True, "retry_after": 3600},
        {"status": 503, "code": "overloaded", "retryable": True},
        {"status": 422, "code": "empty_text", "retryable": False, "retry_after": 1},
    ],
    ids=["too_long", "no_retry_after", "not_retryable"],
)
async def test_a_refusal_that_is_not_retryable_is_raised_at_once(connect: Connect, refusal: dict[str, Any]):
    fake = ScriptedApi(problem(**refusal))

    with pytest.raises(ApiError):
        await connect(fake).send(api.submit_job(JobKind.TEXT, "Water."))

    assert fake.pauses == []


async def test_the_retry_policy_is_the_caller_s(connect: Connect):
    fake = ScriptedApi(LOST)

    with pytest.raises(Unreachable):
        await connect(fake, retries=RetryPolicy(retries=0)).send(api.get_usage())


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, NotAuthenticated), (404, NotFound), (429, TooManyRequests), (503, Unavailable), (422, ApiError)],
)
async def test_a_problem_becomes_a_typed_error(connect: Connect, status: int, expected: type[ApiError]):
    errors = [{"pointer": "/kind", "detail": "Unknown."}]
    refusal = problem(status, "a_code", request_id="r1", retry_after=90, retryable=True, errors=errors)

    with pytest.raises(expected) as raised:
        await connect(ScriptedApi(refusal)).send(api.get_job("j1"))

    error = raised.value
    assert type(error) is expected
    assert (error.status, error.code, error.detail) == (status, "a_code", "Because.")
    assert (error.retryable, error.retry_after, error.request_id) == (True, 90, "r1")
    assert [(one.pointer, one.detail) for one in error.errors] == [("/kind", "Unknown.")]


async def test_a_refusal_that_is_no_problem_keeps_its_status(connect: Connect):
    with pytest.raises(Unavailable, match="502") as raised:
        await connect(ScriptedApi(httpx.Response(502, text="<html>"))).send(api.get_usage())

    assert (raised.value.status, raised.value.code) == (502, "")


@pytest.mark.parametrize("body", ["<html>", "{}", "[]"])
async def test_a_body_of_something_else_is_named(connect: Connect, body: str):
    with pytest.raises(UnexpectedResponse, match="http://etude/ is not Etude"):
        await connect(ScriptedApi(httpx.Response(200, text=body))).send(api.get_job("j1"))


@pytest.mark.parametrize("url", ["localhost:8000", "::", "http:///x", "ftp://etude"])
def test_an_invalid_url_is_refused(url: str):
    with pytest.raises(InvalidUrl):
        Client(url, "t")


def test_a_method_has_the_name_and_the_description_of_its_operation():
    with Client("http://etude", "t") as client:
        assert client.submit_job.__name__ == "submit_job"
        assert client.submit_job.__doc__ == api.submit_job.__doc__
        assert client.job_events.__doc__ == api.job_events.__doc__


# -- event streams --------------------------------------------------------------------------------------------------


async def test_events_are_typed(connect: Connect):
    card = {"id": "c1", "front": "Q", "back": "A", "source": {"quote": "A", "start": 0, "end": 1}}
    made = json.dumps({"job_id": "j1", "attempt": 2, "type": "flashcard", "item": card}).encode()
    item = b"id: 2-1\nevent: item\ndata: " + made + b"\n\n"

    events = await connect(ScriptedApi(stream(STATUS, PROGRESS, item, DONE))).events(api.job_events("j1"))

    assert [event.id for event in events] == ["1-0", "2-0", "2-1", "3-0"]
    assert [type(event.data) for event in events] == [StatusChanged, Progressed, ItemMade, Finished]


async def test_a_lost_stream_resumes_after_the_last_event(connect: Connect):
    fake = ScriptedApi(stream(STATUS, PROGRESS, breaks=True), LOST, stream(DONE))

    events = await connect(fake).events(api.job_events("j1", after="0-7"))

    assert [event.id for event in events] == ["1-0", "2-0", "3-0"]
    assert [request.headers["Last-Event-ID"] for request in fake.requests] == ["0-7", "2-0", "2-0"]
    assert fake.pauses == [1.0, 2.0]


async def test_a_first_connection_names_no_event(connect: Connect):
    fake = ScriptedApi(stream(DONE))

    await connect(fake).events(api.job_events("j1"))

    assert "Last-Event-ID" not in fake.requests[0].headers


async def test_an_unreachable_server_is_given_up_after_a_while(connect: Connect):
    fake = ScriptedApi(*[httpx.Response(503)] * (RECONNECTIONS + 1))

    with pytest.raises(Unreachable):
        await connect(fake).events(api.job_events("j1"))

    assert len(fake.pauses) == RECONNECTIONS


async def test_a_204_ends_the_stream(connect: Connect):
    assert await connect(ScriptedApi(httpx.Response(204))).events(api.job_events("j1", after="3-0")) == []


async def test_a_refused_stream_is_an_error(connect: Connect):
    with pytest.raises(NotFound):
        await connect(ScriptedApi(problem(404, "not_found"))).events(api.job_events("j1"))


async def test_a_page_in_place_of_a_stream_is_an_error(connect: Connect):
    with pytest.raises(UnexpectedResponse):
        await connect(ScriptedApi(httpx.Response(200, text="<html>"))).events(api.job_events("j1"))


async def test_the_stream_of_all_events_goes_on_after_a_job(connect: Connect):
    fake = ScriptedApi(stream(DONE, STATUS), problem(401, "not_authenticated"))

    with pytest.raises(NotAuthenticated):
        await connect(fake).events(api.all_events())

    assert fake.requests[1].headers["Last-Event-ID"] == "1-0"


async def test_a_stream_whose_token_expires_is_resumed_with_the_next_one(connect: Connect):
    fake = ScriptedApi(stream(STATUS, b"event: expired\ndata: {}\n\n"), stream(DONE))
    tokens = iter(["first", "second"])

    events = await connect(fake, token=lambda: next(tokens)).events(api.job_events("j1"))

    assert [event.id for event in events] == ["1-0", "3-0"]
    assert [request.headers["Authorization"] for request in fake.requests] == [
        "Bearer first",
        "Bearer second",
    ]
    assert fake.requests[1].headers["Last-Event-ID"] == "1-0"


async def test_heartbeats_and_unknown_events_are_skipped(connect: Connect):
    unknown = b"id: 2-5\nevent: applause\ndata: {}\n\n"

    events = await connect(ScriptedApi(stream(STATUS, b":\n\n", unknown, b":\n\n", DONE))).events(
        api.job_events("j1")
    )

    assert [event.id for event in events] == ["1-0", "3-0"]


async def test_waiting_listens_and_then_reads_once(connect: Connect):
    fake = ScriptedApi(stream(STATUS, DONE), httpx.Response(200, json={**JOB, "status": "succeeded"}))

    job = await connect(fake).wait_for_job("j1")

    assert job.status == "succeeded"
    assert [request.url.path for request in fake.requests] == ["/api/ai/j1/events", "/api/ai/j1"]


async def test_waiting_for_a_collection_reads_the_collection(connect: Connect):
    fake = ScriptedApi(stream(DONE), httpx.Response(200, json={"id": "c1", "status": "ready"}))

    assert (await connect(fake).wait_for_collection("c1")).status == "ready"


STREAM = (
    b": hello\n\nretry: 2000\n\n"
    b'id: 1-0\nevent: progress\ndata: {"job_id":"j1","done":1,"total":3}\n\n'
    b":\n\n"
    b'id: 2-0\r\nevent: done\r\ndata: {"job_id":"j1",\r\ndata: "kind":"text","status":"failed"}\r\n\r\n'
)
EVENTS = [
    Event("1-0", Progressed(job_id="j1", done=1, total=3)),
    Event("2-0", Finished(job_id="j1", kind="text", status="failed")),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_however_the_bytes_are_cut_the_events_are_the_same(cuts: list[int]):
    bounds = [0, *cuts, len(STREAM)]
    response = stream(*(STREAM[start:end] for start, end in itertools.pairwise(bounds)))

    with Client("http://etude", "t", transport=httpx.MockTransport(lambda _: response)) as client:
        assert list(client.job_events("j1")) == EVENTS


async def test_an_incomplete_last_event_is_dropped(connect: Connect):
    fake = ScriptedApi(stream(STATUS, DONE[:-1]), stream(DONE))

    events = await connect(fake).events(api.job_events("j1"))

    assert [event.id for event in events] == ["1-0", "3-0"]
    assert fake.requests[1].headers["Last-Event-ID"] == "1-0"


# -- chat -----------------------------------------------------------------------------------------------------------


async def test_a_line_separator_of_unicode_does_not_cut_a_line(connect: Connect):
    text = "before\u2028after\x85end"
    delta = b"event: delta\ndata: " + json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n\n"

    assert await connect(ScriptedApi(stream(delta))).answer(QUESTION) == [ChatDelta(text)]


@pytest.mark.parametrize("is_refused", [False, True], ids=["lost", "refused"])
async def test_a_question_is_not_asked_twice(connect: Connect, is_refused: bool):
    whole, streamed = (
        ScriptedApi(problem(503, "overloaded", retryable=True, retry_after=1) if is_refused else LOST)
        for _ in range(2)
    )

    with pytest.raises(Unavailable if is_refused else Unreachable):
        await connect(whole).send(api.ask(QUESTION))
    with pytest.raises(Unavailable if is_refused else Unreachable):
        await connect(streamed).answer(QUESTION)


async def test_an_answer_that_breaks_off_is_an_error(connect: Connect):
    broken = b'event: error\ndata: {"title":"Busy","status":503,"code":"provider_busy"}\n\n'

    with pytest.raises(Unavailable) as raised:
        await connect(ScriptedApi(stream(broken))).answer(QUESTION)

    assert raised.value.code == "provider_busy"
