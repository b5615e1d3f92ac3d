"""Whatever is sent, the answer is one a reader understands, and nothing is accepted, held or broken."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from tests.deadline import DEADLINE_SECONDS
from tests.gateway.desk import COLLECTION, SUMMARY, TEXT, Desk

from gateway.http.request_headers import wait_seconds
from shared.runtime.http.request_body import JSON_BYTES

JSON = {"Content-Type": "application/json"}


def padded(size: int) -> bytes:
    """A good body of exactly this many bytes."""
    body = json.dumps(SUMMARY).encode()
    return body.replace(b"Photo", b"Photo" + b"o" * (size - len(body)), 1)


async def refused(
    desk: Desk, status: int, code: str, path: str = "/api/ai", **request: Any
) -> dict[str, Any]:
    client = desk.client()
    answer = await client.post(path, **request)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    usage = (await client.get("/api/usage")).json()
    assert usage["unfinished_jobs"]["count"] == 0
    assert [window["held"] for window in usage["windows"]] == [0, 0]
    return problem


async def test_one_mebibyte_is_accepted(desk: Desk):
    answer = await desk.client().post("/api/ai", content=padded(JSON_BYTES), headers=JSON)
    assert answer.status_code == 202


async def test_one_byte_more_is_too_large(desk: Desk):
    problem = await refused(desk, 413, "too_large", content=padded(JSON_BYTES + 1), headers=JSON)
    assert "1048576" in problem["detail"]


async def test_a_large_body_is_refused_while_it_arrives(desk: Desk):
    async def chunks() -> AsyncIterator[bytes]:
        body = padded(JSON_BYTES + 1)
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    await refused(desk, 413, "too_large", content=chunks(), headers=JSON)


async def test_ten_megabytes_of_one_word_are_too_large(desk: Desk):
    body = json.dumps({"kind": "summary", "input": {"text": "word " * 2_000_000}})
    await refused(desk, 413, "too_large", content=body, headers=JSON)


async def test_a_mebibyte_of_one_word_is_priced_and_accepted(desk: Desk):
    body = SUMMARY | {"input": {"text": "a" * 1_000_000}}
    assert (await desk.client().post("/api/ai", json=body)).status_code == 202


@pytest.mark.parametrize("path", ["/api/ai", "/api/collections", "/api/chat", "/api/usage/estimate"])
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_wrong_content_type_is_refused(desk: Desk, path: str, media_type: str):
    headers = {"Content-Type": media_type}
    await refused(desk, 415, "unsupported_media_type", path, content=json.dumps(SUMMARY), headers=headers)


@pytest.mark.parametrize("path", ["/api/ai", "/api/collections", "/api/usage/estimate"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"text": "a"}{}', 400, "malformed_json"),
        (b'{"text": "\xff\xfe"}', 400, "invalid_encoding"),
        ('{"text": "café"}'.encode("latin-1"), 400, "invalid_encoding"),
        (b"[" * 10_000 + b"]" * 10_000, 400, "too_deep"),
        (b'{"text":' * 10_000 + b"1" + b"}" * 10_000, 400, "too_deep"),
        (b"[]", 422, "invalid_fields"),
        (b"null", 422, "invalid_fields"),
        (b'"text"', 422, "invalid_fields"),
    ],
)
async def test_an_invalid_body_gets_its_own_error_code(
    desk: Desk, path: str, body: bytes, status: int, code: str
):
    await refused(desk, status, code, path, content=body, headers=JSON)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/kind", "/input"]),
        ({"kind": "song", "input": {"text": TEXT}}, ["/kind"]),
        ({"kind": "collection", "input": {"text": TEXT}}, ["/kind"]),
        ({"kind": "quiz", "input": TEXT}, ["/input"]),
        ({"kind": "quiz", "input": {"text": 7}}, ["/input/text"]),
        ({"kind": "quiz", "input": {"text": TEXT, "txt": 1}, "option": {}}, ["/input/txt", "/option"]),
        ({"kind": "quiz", "input": {"text": TEXT}, "options": {"questions": 0}}, ["/options/questions"]),
        ({"kind": "quiz", "input": {"text": TEXT}, "options": {"questions": 501}}, ["/options/questions"]),
        ({"kind": "quiz", "input": {"text": TEXT}, "options": {"language": "de_DE"}}, ["/options/language"]),
        ({"kind": "quiz", "input": {"text": "a\0b"}}, ["/input/text"]),
    ],
)
async def test_every_error_in_a_job_has_a_pointer(desk: Desk, body: dict[str, Any], pointers: list[str]):
    problem = await refused(desk, 422, "invalid_fields", json=body)
    assert [fault["pointer"] for fault in problem["errors"]] == pointers
    assert all(fault["detail"] for fault in problem["errors"])


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/text"]),
        (COLLECTION | {"title": "t" * 201}, ["/title"]),
        (COLLECTION | {"title": "a\0"}, ["/title"]),
        (COLLECTION | {"kind": "quiz"}, ["/kind"]),
        (
            COLLECTION | {"options": {"flashcards": 0, "questions": 0}},
            ["/options/flashcards", "/options/questions"],
        ),
    ],
)
async def test_every_error_in_a_collection_has_a_pointer(
    desk: Desk, body: dict[str, Any], pointers: list[str]
):
    problem = await refused(desk, 422, "invalid_fields", "/api/collections", json=body)
    assert [fault["pointer"] for fault in problem["errors"]] == pointers


@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0\u2003"])
async def test_an_empty_text_is_refused_with_its_own_code(desk: Desk, text: str):
    await refused(desk, 422, "empty_text", json={"kind": "quiz", "input": {"text": text}})
    await refused(desk, 422, "empty_text", "/api/collections", json={"text": text})


async def test_a_refusal_is_in_the_reader_s_language(desk: Desk):
    problem = await refused(
        desk, 422, "empty_text", json=SUMMARY | {"input": {"text": ""}}, headers={"Accept-Language": "fr"}
    )
    assert problem["title"] == "Le texte est vide"


async def test_a_refused_body_leaves_the_connection_usable(desk: Desk):
    async with httpx.AsyncClient(
        base_url=desk.url,
        headers=desk.client().headers,
        limits=httpx.Limits(max_connections=1),
        timeout=DEADLINE_SECONDS,
    ) as client:
        await client.post("/api/ai", content=padded(3 * JSON_BYTES), headers=JSON)
        answer = await client.post("/api/ai", json=SUMMARY)
    assert answer.status_code == 202


@pytest.mark.parametrize("path", ["/api/ai", "/api/collections", "/api/chat", "/api/usage/estimate"])
async def test_a_compressed_body_is_refused_with_what_to_do(desk: Desk, path: str):
    headers = JSON | {"Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(SUMMARY).encode())
    problem = await refused(desk, 415, "unsupported_encoding", path, content=body, headers=headers)
    assert "Content-Encoding" in problem["detail"]


async def test_a_compressed_upload_is_refused(desk: Desk):
    files = {"file": ("plants.txt", TEXT.encode(), "text/plain")}
    headers = {"Content-Encoding": "gzip"}
    answer = await desk.client().post("/api/collections", files=files, headers=headers)
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/ai?limt=5"),
        ("HEAD", "/api/ai?limt=5"),
        ("POST", "/api/ai?limt=5"),
        ("GET", "/api/collections?kind=quiz&limt=5"),
        ("GET", "/api/usage?limt=5"),
        ("GET", "/api/events?limt=5"),
        ("DELETE", "/api/me?limt=5"),
    ],
)
async def test_an_unknown_query_parameter_is_refused(desk: Desk, method: str, path: str):
    answer = await desk.client().request(method, path)
    assert answer.status_code == 422
    if method != "HEAD":
        assert "/query/limt" in [fault["pointer"] for fault in answer.json()["errors"]]


async def test_a_known_query_parameter_is_taken(desk: Desk):
    client = desk.client()
    for path in ("/api/ai?limit=5&kind=quiz", "/api/collections?limit=5", "/healthz?probe=1"):
        assert (await client.get(path)).status_code == 200
        assert (await client.head(path)).status_code == 200


async def test_the_token_is_checked_before_the_query(desk: Desk):
    assert (await desk.anonymous().get("/api/ai?limt=5")).status_code == 401


@pytest.mark.parametrize(
    "lines", [["wait=1", "respond-async"], ["respond-async", "wait=1"], ["respond-async, wait=1", "wait=20"]]
)
async def test_the_first_wait_of_several_prefer_lines_counts(lines: list[str]):
    headers = [(b"prefer", line.encode()) for line in lines]
    assert wait_seconds(Request({"type": "http", "headers": headers})) == 1
