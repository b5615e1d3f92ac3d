"""One call of the API: where it is, what it does, and what its page of the description says."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth.authenticator import Authenticator, Caller
from gateway.http.responses import answer_problem
from gateway.metrics import GatewayMetrics
from shared.domain.errors import LimitReached, StudyError

KIND = "job_kind"
Handler = Callable[[Request, Caller], Awaitable[ASGIApp]]
"""Called with a request whose caller is known; returns what answers. Both may raise `StudyError`, before they send."""
PublicHandler = Callable[[Request], Awaitable[ASGIApp]]
WhatsLeft = Callable[[Caller], Awaitable[Mapping[str, str]]]
"""The headers that tell a caller what is left of their plan."""


class Endpoint(Struct, frozen=True):
    method: str
    path: str
    handler: Handler
    description: dict[str, Any]
    """Its OpenAPI operation."""
    is_submission: bool = False
    """Its refusals are counted, under the kind that the handler has put into the scope."""


class PublicEndpoint(Struct, frozen=True):
    """One that anybody may call."""

    method: str
    path: str
    handler: PublicHandler
    description: dict[str, Any]


class Door:
    """An endpoint as an ASGI application: lets callers in, and puts refusals into their language."""

    def __init__(
        self, endpoint: Endpoint, authenticator: Authenticator, whats_left: WhatsLeft, watch: GatewayMetrics
    ) -> None:
        self._watch = watch
        self._endpoint = endpoint
        self._authenticator = authenticator
        self._whats_left = whats_left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["route_template"] = (
            self._endpoint.path
        )  # what the log shows: the path itself is the client's text
        caller: Caller | None = None
        try:
            caller = await self._authenticator.authenticate(request.headers.get("authorization", ""))
            answer = await self._endpoint.handler(request, caller)
            await answer(scope, receive, send)
        except StudyError as error:
            if self._endpoint.is_submission:
                self._watch.refused(scope.get(KIND, ""), error)
            headers = await self._headers(error, caller)
            await answer_problem(request, error, headers)(scope, receive, send)

    async def _headers(self, error: StudyError, caller: Caller | None) -> Mapping[str, str]:
        """Who has reached a limit is told what is left."""
        if caller is None or not isinstance(error, LimitReached):
            return {}
        return await self._whats_left(caller)


class PublicDoor:
    """An endpoint that anybody may call, as an ASGI application."""

    def __init__(self, endpoint: PublicEndpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["route_template"] = self._endpoint.path
        try:
            answer = await self._endpoint.handler(request)
        except StudyError as error:
            answer = answer_problem(request, error)
        await answer(scope, receive, send)
