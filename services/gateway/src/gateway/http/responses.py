"""Responses: structs encoded by msgspec, problems, and ASGI applications in the shape that FastAPI passes on."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.domain.errors import PreconditionFailed, PreconditionRequired, StudyError
from shared.runtime.http.problem_details import negotiate_language, problem_response_parts

VARIES = {"Vary": "Accept-Language, Authorization"}
"""What else than the URL the response depends on."""

_encoder = msgspec.json.Encoder()


class AsgiResponse(Response):
    """A response that an ASGI application writes: FastAPI returns only `Response` objects unchanged."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def json_response(
    view: msgspec.Struct | dict[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(_encoder.encode(view), status, headers, "application/json")


def problem_response(
    request: Request, error: StudyError, headers: Mapping[str, str] | None = None
) -> Response:
    status, own_headers, body = problem_response_parts(
        error,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request_id_of(request),
        instance=request.scope["path"],
    )
    return Response(body, status, {**own_headers, **(headers or {})})


def request_id_of(request: Request) -> str:
    return request.scope.get("request_id", "")


def language_of(request: Request) -> str:
    """The language of the response, negotiated from `Accept-Language`."""
    return negotiate_language(request.headers.get("accept-language", ""))


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names this entity tag."""
    known = request.headers.get("if-none-match")
    return known is not None and _names(known, tag)


def _names(known: str, tag: str) -> bool:
    return known.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in known.split(",")}


def require_match(request: Request, tag: str) -> None:
    """Raises `PreconditionRequired` without `If-Match`, and `PreconditionFailed` if it does not name this entity tag.

    A tag names a state of the resource and not the bytes of a response, so a proxy that compressed the response and made the tag
    weak does no harm.
    """
    known = request.headers.get("if-match")
    if known is None:
        raise PreconditionRequired
    if not _names(known, tag):
        raise PreconditionFailed


def not_modified_response(headers: Mapping[str, str]) -> Response:
    return Response(None, 304, headers)
