"""Reverse proxy to the chat service; response bodies are streamed."""

from collections.abc import Mapping
from http import HTTPStatus

import httpx
import structlog
from starlette.types import Receive, Scope, Send

from gateway.auth.authenticator import Caller
from shared.domain.errors import ChatUnavailable
from shared.domain.tracing import SpanName, Tracer
from shared.runtime.http.disconnect import until_disconnect

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 330.0
"""Longest pause between two chunks of a response: longer than a model takes for an answer that is not streamed."""
RETRY_SECONDS = 2.0

PASSED_ON = frozenset(
    b"content-type content-language cache-control vary retry-after x-accel-buffering ratelimit ratelimit-policy x-chat-id".split()
)
"""Response headers of the chat service that the gateway passes on."""

log = structlog.get_logger()


def connect_chat(url: str) -> httpx.AsyncClient:
    """A pool of connections to the chat service at `url`."""
    return httpx.AsyncClient(
        base_url=url,
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
        trust_env=False,
    )


class ChatService:
    """Client of the chat service. An outage is logged once, not for every request."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` has the chat service as its base URL."""
        self._http = http
        self._is_unreachable = False

    def ask(self, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        return self._http.build_request("POST", "/api/chat", content=body, headers=headers)

    async def begin(self, request: httpx.Request) -> httpx.Response:
        """The response, with its body unread. Raises `ChatUnavailable`."""
        try:
            response = await self._http.send(request, stream=True)
        except httpx.TransportError as error:
            if not self._is_unreachable:
                log.warning("chat.unreachable", error_type=type(error).__name__)
            self._is_unreachable = True
            raise ChatUnavailable(retry_after=RETRY_SECONDS) from None
        if self._is_unreachable:
            log.info("chat.reachable")
        self._is_unreachable = False
        if (
            response.status_code == HTTPStatus.UNAUTHORIZED
        ):  # the secret is wrong: the caller was authenticated here
            await response.aclose()
            log.error("chat.refused")
            raise ChatUnavailable(retry_after=RETRY_SECONDS)
        return response


class ForwardedCall:
    """One call, as the answer to the request that made it. While it is under way the client is watched: a hang-up
    before or during the answer closes the call, which ends the work behind it."""

    def __init__(self, chat: ChatService, request: httpx.Request, tracer: Tracer) -> None:
        self._chat = chat
        self._request = request
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `ChatUnavailable` when no answer begins."""
        method, route = self._request.method, self._request.url.path
        with self._tracer.span(SpanName.FORWARD, method=method, route=route) as span:
            if span.traceparent:
                self._request.headers["traceparent"] = span.traceparent
            async with until_disconnect(receive):
                response = await self._chat.begin(self._request)
                span.set_attributes(status=response.status_code)
                try:
                    await _pass_on(response, send)
                finally:
                    await response.aclose()


async def _pass_on(response: httpx.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in response.headers.raw if name.lower() in PASSED_ON]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    async for piece in response.aiter_raw():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class ChatProxy:
    """Forwards the calls of authenticated callers. Only who knows the `secret` may name a caller to the chat service."""

    def __init__(self, http: httpx.AsyncClient, *, secret: str, tracer: Tracer) -> None:
        """`http` has the chat service as its base URL."""
        self._chat = ChatService(http)
        self._secret = secret
        self._tracer = tracer

    def forward(self, body: bytes, caller: Caller, *, request_id: str, accept_language: str) -> ForwardedCall:
        headers = {
            "Content-Type": "application/json",
            "Accept-Language": accept_language,
            "X-Request-Id": request_id,
            "X-Etude-User": caller.user,
            "X-Etude-Plan": caller.plan_name,
            "X-Etude-Internal": self._secret,
        }
        return ForwardedCall(self._chat, self._chat.ask(body, headers), self._tracer)
