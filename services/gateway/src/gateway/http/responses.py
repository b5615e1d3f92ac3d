"""Answers: structs encoded once, and errors as problems."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shared.domain.errors import StudyError
from shared.runtime.http.problem_details import negotiate_language, problem_response_parts

CACHED = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization"}
"""May be kept by its reader, and must be asked about again: cheap, with its `ETag`."""

_encoder = msgspec.json.Encoder()


def answer_json(
    view: msgspec.Struct | dict[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(_encoder.encode(view), status, headers, "application/json")


def answer_problem(request: Request, error: StudyError, headers: Mapping[str, str] | None = None) -> Response:
    status, about, body = problem_response_parts(
        error,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request_id_of(request),
        instance=request.scope["path"],
    )
    return Response(body, status, {**about, **(headers or {})})


def request_id_of(request: Request) -> str:
    return request.scope.get("request_id", "")


def language_of(request: Request) -> str:
    """What the reader reads."""
    return negotiate_language(request.headers.get("accept-language", ""))


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether the reader has what this tag names already."""
    known = request.headers.get("if-none-match")
    return known is not None and (
        known.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in known.split(",")}
    )


def answer_unchanged(headers: Mapping[str, str]) -> Response:
    return Response(None, 304, headers)
