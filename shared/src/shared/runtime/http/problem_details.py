"""Errors as problem details (RFC 9457), in the reader's language. The HTTP status of every code is decided here."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct

from shared.domain.error_messages import DEFAULT_LANGUAGE, MESSAGES, localize, localize_field
from shared.domain.errors import FieldProblem, InvalidFields, Problem, StudyError, UnsupportedEncoding, tree
from shared.domain.provider_errors import ProviderError

MEDIA_TYPE = "application/problem+json"
INTERNAL_ERROR = 500

STATUS: dict[str, int] = {
    "internal_error": INTERNAL_ERROR,
    "invalid_request": 400,
    "invalid_fields": 422,
    "malformed_json": 400,
    "invalid_encoding": 400,
    "too_deep": 400,
    "too_large": 413,
    "text_too_long": 413,
    "too_many_pages": 413,
    "unsupported_media_type": 415,
    "unsupported_encoding": 415,
    "head_too_large": 431,
    "request_timed_out": 408,
    "unsupported_document": 422,
    "broken_document": 422,
    "locked_document": 422,
    "scanned_document": 422,
    "document_too_complex": 422,
    "empty_text": 422,
    "too_large_for_plan": 422,
    "too_many_items": 422,
    "invalid_idempotency_key": 400,
    "idempotency_conflict": 422,
    "not_authenticated": 401,
    "model_not_allowed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "precondition_required": 428,
    "precondition_failed": 412,
    "collection_full": 409,
    "not_ready": 409,
    "limit_reached": 429,
    "budget_exceeded": 429,
    "rate_limited": 429,
    "too_many_jobs": 429,
    "too_many_requests": 429,
    "too_many_failures": 429,
    "too_many_uploads": 429,
    "too_much_reading": 429,
    "too_many_streams": 429,
    "unavailable": 503,
    "overloaded": 503,
    "too_many_connections": 503,
    "streams_exhausted": 503,
    "store_unavailable": 503,
    "not_confirmed": 503,
    "chat_unavailable": 503,
    "no_usable_text": 422,
    "nothing_new": 422,
    "attempt_timed_out": 504,
    "provider_error": 502,
    "provider_busy": 503,
    "provider_unavailable": 503,
    "provider_timed_out": 504,
    "provider_garbled": 502,
    "provider_out_of_credit": 503,
    "provider_refused": 422,
    "language_needs_model": 422,
    "context_too_long": 422,
    "provider_misconfigured": 503,
}
"""HTTP status by error code. Every other code has status 500."""


FIELDS_BYTES = 12_288
"""Largest size of `errors` in one response, in bytes: a client may choose long names for its fields."""
POINTER_CHARACTERS = 200
"""Longest pointer in a response; a longer one is cut."""


class FieldFault(Struct, frozen=True):
    pointer: str
    """JSON Pointer (RFC 6901) to the invalid value."""
    detail: str


class ProblemView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of `application/problem+json`, and the `error` of a job."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    code: str
    retryable: bool
    retry_after: int | None = None
    """Seconds."""
    request_id: str = ""
    errors: list[FieldFault] = []


def problem_type(code: str) -> str:
    """The URI reference that identifies a problem type; the gateway explains the code there."""
    return f"/problems/{code}"


def status_of(code: str) -> int:
    return STATUS.get(code, INTERNAL_ERROR)


def is_retryable(code: str) -> bool:
    """Whether the same request may succeed later."""
    return code in _RETRYABLE


_RETRYABLE = frozenset(
    kind.code for root in (StudyError, ProviderError) for kind in tree(root) if kind.is_retryable
)


def view_problem(
    problem: Problem,
    *,
    language: str,
    fields: Sequence[FieldProblem] = (),
    instance: str = "",
    request_id: str = "",
) -> ProblemView:
    """The body that describes a problem in `language`."""
    message = localize(problem, language)
    return ProblemView(
        type=problem_type(problem.code),
        title=message.title,
        status=status_of(problem.code),
        detail=message.detail,
        instance=instance,
        code=problem.code,
        retryable=is_retryable(problem.code),
        retry_after=None if problem.retry_after is None else math.ceil(problem.retry_after),
        request_id=request_id,
        errors=list(_view_fields(fields, language)),
    )


def _view_fields(fields: Sequence[FieldProblem], language: str) -> Iterator[FieldFault]:
    """The first errors, as many as fit in one response."""
    size = 0
    for field in fields:
        detail = localize_field(field.code, field.params, language)
        fault = FieldFault(field.pointer[:POINTER_CHARACTERS], detail)
        size += len(msgspec.json.encode(fault))
        if size > FIELDS_BYTES:
            return
        yield fault


def problem_response_parts(
    error: StudyError | Problem, *, accept_language: str, request_id: str, instance: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the response to a request that failed with `error`."""
    problem = error.problem if isinstance(error, StudyError) else error
    language = negotiate_language(accept_language)
    view = view_problem(
        problem,
        language=language,
        fields=error.fields if isinstance(error, InvalidFields) else (),
        instance=instance,
        request_id=request_id,
    )
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    if view.retry_after is not None:
        headers["Retry-After"] = str(view.retry_after)
    if isinstance(error, UnsupportedEncoding):
        headers["Accept-Encoding"] = "identity"
    if view.status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return view.status, headers, msgspec.json.encode(view)


@lru_cache(maxsize=1_000)
def negotiate_language(header: str) -> str:
    """The supported language that an `Accept-Language` header prefers; English if it accepts none of them."""
    accepted = ((_quality(params), tag.split("-")[0].strip().lower()) for tag, params in _ranges(header))
    supported = [
        (quality, tag) for quality, tag in accepted if quality > 0 and (tag in MESSAGES or tag == "*")
    ]
    best = max(supported, key=lambda choice: choice[0], default=(0.0, DEFAULT_LANGUAGE))[1]
    return DEFAULT_LANGUAGE if best == "*" else best


def _ranges(header: str) -> Iterator[tuple[str, str]]:
    for part in header.split(",")[:20]:
        tag, _, params = part.partition(";")
        yield tag, params


def _quality(params: str) -> float:
    name, _, value = params.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
