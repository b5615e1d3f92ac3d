"""The API's description of itself (OpenAPI 3.1): made of the types that requests are decoded to and answers made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from shared.runtime.http.problem_details import MEDIA_TYPE, ProblemView, status_of

Document = dict[str, Any]

TYPES: dict[str, type] = {}
"""Every type that a description mentions, by the name of its schema."""

BODY_PROBLEMS = (
    "malformed_json",
    "invalid_encoding",
    "too_deep",
    "too_large",
    "unsupported_media_type",
    "invalid_fields",
    "empty_text",
)
SUBMIT_PROBLEMS = (
    *BODY_PROBLEMS,
    "invalid_idempotency_key",
    "idempotency_conflict",
    "budget_exceeded",
    "rate_limited",
    "too_many_jobs",
    "overloaded",
    "not_confirmed",
)
ACCEPTED_HEADERS = ("Location", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed")
ANSWER_HEADERS = {
    "X-Request-Id": "Of this request: yours, when you sent a valid one.",
}
HEADERS = {
    "Location": "Where the job is.",
    "Retry-After": "Seconds to wait before asking again.",
    "ETag": "Of this state; send it back as `If-None-Match`.",
    "RateLimit": 'What is left: `"day";r=<tokens>;t=<seconds>`, and of requests in this `"minute"`.',
    "RateLimit-Policy": 'The windows: `"day";q=<tokens>;w=<seconds>;qu="tokens"`.',
    "Idempotent-Replayed": "`true`: this key was used before, and this is the job made then.",
    "Preference-Applied": "The `Prefer` that was honoured.",
    "Link": "The next page, as `rel=next`.",
    "Content-Language": "Of the messages in this answer.",
    "Content-Disposition": "The name to save it under.",
    "WWW-Authenticate": "How to sign in.",
    "Allow": "The methods that are allowed here.",
    "X-Chat-Id": "Of this answer.",
}

JOB_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "A UUIDv7.",
    "schema": {"type": "string", "format": "uuid"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a repeated request safe for 24 hours: the same key and body give the same job, charged once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=10`: answer with the result if it is there within so many seconds (at most 30).",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An `ETag`: 304 when nothing has changed since.",
    "schema": {"type": "string"},
}
ACCEPT_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "Of the messages: `fr` or `en`.",
    "schema": {"type": "string"},
    "example": "fr",
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Resume after this event.",
    "schema": {"type": "string", "pattern": r"^\d{1,19}-\d{1,19}$"},
}
LAST_EVENT_ID_QUERY = {**LAST_EVENT_ID, "name": "last_event_id", "in": "query"}
LIMIT = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
}
AFTER = {
    "name": "after",
    "in": "query",
    "description": "`next_cursor` of the page before.",
    "schema": {"type": "string"},
}


def choice_parameter(name: str, choices: Sequence[str], default: str | None = None) -> Document:
    schema: Document = {"type": "string", "enum": list(choices)}
    return {"name": name, "in": "query", "schema": schema | ({"default": default} if default else {})}


def reference(kind: type, name: str = "") -> Document:
    """A schema by its name; the type is described once, among the components."""
    TYPES[name or kind.__name__] = kind
    return {"$ref": f"#/components/schemas/{name or kind.__name__}"}


def json_body(kind: type, example: object) -> Document:
    return {
        "required": True,
        "content": {"application/json": {"schema": reference(kind), "example": example}},
    }


def answer(
    description: str, schema: Document | None = None, *, headers: Iterable[str] = (), media_type: str = ""
) -> Document:
    content = {media_type or "application/json": {"schema": schema}} if schema else {}
    described = {name: _header(HEADERS[name]) for name in headers}
    described |= {name: _header(text) for name, text in ANSWER_HEADERS.items()}
    return {"description": description, "headers": described} | ({"content": content} if content else {})


def _header(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}


EVENT_ANSWERS = {
    200: answer(
        "Server-sent events: `id`, `event` and `data` (JSON) of each; a comment when nothing happens.",
        {"type": "string"},
        media_type="text/event-stream",
    ),
    204: answer("It is over, and you have heard everything."),
}


def operation(
    operation_id: str,
    summary: str,
    *,
    tag: str,
    answers: Mapping[int, Document],
    problems: Sequence[str] = (),
    parameters: Sequence[Document] = (),
    body: Document | None = None,
    is_public: bool = False,
) -> Document:
    """One call. `problems` are the codes it may answer with, besides those that any call may."""
    codes = [*problems, *(() if is_public else ("not_authenticated", "unavailable")), "internal_error"]
    described: Document = {
        "operationId": operation_id,
        "summary": summary,
        "tags": [tag],
        "parameters": [*parameters, ACCEPT_LANGUAGE],
        "responses": {str(status): one for status, one in answers.items()} | _problem_answers(codes),
    }
    if body:
        described["requestBody"] = body
    if is_public:
        described["security"] = []
    return described


def describe_api(paths: Mapping[str, Mapping[str, Document]], *, version: str) -> Document:
    """The whole document."""
    reference(ProblemView)
    _, components = msgspec.json.schema_components(
        list(TYPES.values()), ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Etude",
            "version": version,
            "description": "Text in, study material out.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in ("jobs", "collections", "chat", "usage", "health")],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A signed token (JWT) or an API key (`etk_…`).",
                }
            },
        },
    }


def _problem_answers(codes: Iterable[str]) -> Document:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(status_of(code), []).append(code)
    return {str(status): _problem_answer(status, sorted(set(of))) for status, of in sorted(by_status.items())}


def _problem_answer(status: int, codes: Sequence[str]) -> Document:
    extra = {
        401: ("WWW-Authenticate",),
        429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
        503: ("Retry-After",),
    }.get(status, ())
    said = ", ".join(f"`{code}`" for code in codes)
    return answer(
        f"A problem: {said}.",
        reference(ProblemView),
        headers=("Content-Language", *extra),
        media_type=MEDIA_TYPE,
    )
