"""One call of the API: where it is, what it does, and what its page of the description says."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.answers import answer_problem
from gateway.auth import Authenticator, Caller
from shared.domain.errors import StudyError

Handler = Callable[[Request, Caller], Awaitable[ASGIApp]]
"""Called with a request whose caller is known; returns what answers. Both may raise `StudyError`, before they send."""
PublicHandler = Callable[[Request], Awaitable[ASGIApp]]


class Endpoint(Struct, frozen=True):
    method: str
    path: str
    handler: Handler
    description: dict[str, Any]
    """Its OpenAPI operation."""


class PublicEndpoint(Struct, frozen=True):
    """One that anybody may call."""

    method: str
    path: str
    handler: PublicHandler
    description: dict[str, Any]


class Door:
    """An endpoint as an ASGI application: lets callers in, and puts refusals into their language."""

    def __init__(self, endpoint: Endpoint | PublicEndpoint, authenticator: Authenticator) -> None:
        self._endpoint = endpoint
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["route_template"] = (
            self._endpoint.path
        )  # what the log shows: the path itself is the client's text
        try:
            answer = await self._answer(request)
            await answer(scope, receive, send)
        except StudyError as error:
            await answer_problem(request, error)(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        if isinstance(self._endpoint, PublicEndpoint):
            return await self._endpoint.handler(request)
        caller = await self._authenticator.authenticate(request.headers.get("authorization", ""))
        return await self._endpoint.handler(request, caller)
