"""What routes say about themselves for OpenAPI: responses, problems, parameters and bodies, by their msgspec types."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.runtime.http.problem_details import MEDIA_TYPE, ProblemView, status_of

Document = dict[str, Any]
Responses = dict[int | str, Document]
"""What FastAPI takes as `responses=`."""

SCHEMA_TYPES: dict[str, type] = {}
"""Every type that a route refers to, by the name of its schema; `openapi_document` describes them."""

BODY_PROBLEMS = (
    "malformed_json",
    "invalid_encoding",
    "too_deep",
    "too_large",
    "unsupported_media_type",
    "unsupported_encoding",
    "invalid_fields",
    "empty_text",
    "too_many_uploads",
)
UPLOAD_PROBLEMS = (
    "invalid_request",
    "unsupported_document",
    "broken_document",
    "locked_document",
    "scanned_document",
    "text_too_long",
    "too_many_pages",
    "document_too_complex",
    "too_much_reading",
)
EVERYWHERE = ("not_authenticated", "too_many_failures", "too_many_requests", "invalid_fields", "unavailable")
"""Problems of every route that needs a caller: of the token, the number of requests, and the query."""
SUBMIT_PROBLEMS = (
    *BODY_PROBLEMS,
    "invalid_idempotency_key",
    "idempotency_conflict",
    "model_not_allowed",
    "budget_exceeded",
    "too_large_for_plan",
    "too_many_items",
    "not_found",
    "not_ready",
    "rate_limited",
    "too_many_jobs",
    "overloaded",
    "not_confirmed",
)
EDIT_PROBLEMS = (
    *BODY_PROBLEMS,
    "not_found",
    "not_ready",
    "precondition_required",
    "precondition_failed",
)
STREAM_PROBLEMS = ("too_many_streams", "streams_exhausted")
ACCEPTED_HEADERS = ("Location", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed")
HEADERS = {
    "Location": "URL of the job.",
    "Retry-After": "Seconds to wait before the next request.",
    "ETag": "Names this state; send it back as `If-None-Match`, or as `If-Match` with a change.",
    "RateLimit": 'What is left: `"day";r=<tokens>;t=<seconds>`, and of requests in this `"minute"`.',
    "RateLimit-Policy": 'The windows: `"day";q=<tokens>;w=<seconds>;qu="tokens"`.',
    "Idempotent-Replayed": "`true`: this key was used before, and this is the job that was made then.",
    "Preference-Applied": "The preference that was honoured.",
    "Link": "URL of the next page, as `rel=next`.",
    "Content-Language": "Language of the messages in this response.",
    "Content-Disposition": "The file name to save it under.",
    "WWW-Authenticate": "The authentication scheme.",
    "Allow": "The methods that this path allows.",
    "X-Chat-Id": "Id of this answer.",
    "AI-Disclosure": 'What made this: `mode=machine-generated, model="…", provider="…"`.',
}

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a repeated request safe for 24 hours: the same key and body return the same job, charged once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=10`: respond with the result if it is ready within this many seconds (at most 30).",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An `ETag`: the response is 304 when nothing has changed since.",
    "schema": {"type": "string"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` of the collection that you have seen: nothing is changed if it has changed since.",
    "schema": {"type": "string"},
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Resume after the event with this id.",
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
    "description": "`next_cursor` of the previous page.",
    "schema": {"type": "string"},
}


def choice_parameter(name: str, choices: Sequence[str], default: str | None = None) -> Document:
    schema: Document = {"type": "string", "enum": list(choices)}
    return {"name": name, "in": "query", "schema": schema | ({"default": default} if default else {})}


def query_parameter(name: str, description: str, **schema: object) -> Document:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


def reference(kind: type, name: str = "") -> Document:
    """A schema by its name; the type is described once, among the components."""
    SCHEMA_TYPES[name or kind.__name__] = kind
    return {"$ref": f"#/components/schemas/{name or kind.__name__}"}


def takes(*parameters: Document, body: Document | None = None, is_public: bool = False) -> Document:
    """What FastAPI takes as `openapi_extra=`: the parameters and the body that the route decodes itself."""
    extra: Document = {"parameters": list(parameters)}
    if body:
        extra["requestBody"] = body
    if is_public:
        extra["security"] = []
    return extra


def json_body(kind: type | Document, example: object) -> Document:
    """`kind` is a msgspec type or a schema."""
    schema = reference(kind) if isinstance(kind, type) else kind
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def one_of(*kinds: type, tag_field: str) -> Document:
    """A schema for objects that a tag tells apart."""
    return {"oneOf": [reference(kind) for kind in kinds], "discriminator": {"propertyName": tag_field}}


def returns(
    description: str,
    kind: type | Document | None = None,
    *,
    headers: Iterable[str] = (),
    media_type: str = "application/json",
) -> Document:
    """One response of a route. `kind` is its msgspec type or a schema; None: it has no body."""
    described: Document = {
        "description": description,
        "headers": {name: header(HEADERS[name]) for name in headers},
    }
    if kind is not None:
        schema = reference(kind) if isinstance(kind, type) else kind
        described["content"] = {media_type: {"schema": schema}}
    return described


def header(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}


def problems(*codes: str) -> Responses:
    """The problems of a route that needs a caller, by status: `codes`, and those that every such route has."""
    return public_problems(*codes, *EVERYWHERE)


def public_problems(*codes: str) -> Responses:
    by_status: dict[int, set[str]] = {}
    for code in (*codes, "internal_error"):
        by_status.setdefault(status_of(code), set()).add(code)
    return {status: _problem(status, sorted(found)) for status, found in sorted(by_status.items())}


def _problem(status: int, codes: Sequence[str]) -> Document:
    extra = {
        401: ("WWW-Authenticate",),
        429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
        503: ("Retry-After",),
    }.get(status, ())
    names = ", ".join(f"`{code}`" for code in codes)
    return returns(
        f"A problem: {names}.", ProblemView, headers=("Content-Language", *extra), media_type=MEDIA_TYPE
    )


EVENT_STREAM = returns(
    "Server-sent events: each has `id`, `event` and `data` (JSON); a comment is sent when nothing happens.",
    {"type": "string"},
    headers=("AI-Disclosure",),
    media_type="text/event-stream",
)
NOTHING_LEFT = returns("The job has ended and you have received all of its events.")
