"""Reverse proxy to the chat service; response bodies are streamed."""

from http import HTTPStatus

import aiohttp
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth.authenticator import Caller
from shared.domain.errors import ChatUnavailable
from shared.domain.tracing import SpanName, Tracer
from shared.runtime.http.disconnect import until_disconnect

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 330.0
"""Longest pause between two chunks of a response: longer than a model takes for an answer that is not streamed."""
RETRY_SECONDS = 2.0
ROUTE = "/api/chat"

PASSED_ON = frozenset(
    b"content-type content-language cache-control vary retry-after x-accel-buffering ratelimit ratelimit-policy x-chat-id ai-disclosure".split()
)
"""Response headers of the chat service that the gateway passes on."""

log = structlog.get_logger()


def connect_chat(url: str) -> aiohttp.ClientSession:
    """A pool of connections to the chat service at `url`.

    aiohttp parses in C: a request takes a seventh of the processor time that it takes with httpx, and learners wait for it.
    """
    return aiohttp.ClientSession(
        url,
        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS, total=None),
        connector=aiohttp.TCPConnector(limit=0),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class ChatProxy:
    """Forwards the requests of authenticated callers. The chat service trusts only senders that know the `secret`."""

    def __init__(self, http: aiohttp.ClientSession, *, secret: str, tracer: Tracer) -> None:
        """`http` has the chat service as its base URL."""
        self._http = http
        self._secret = secret
        self._tracer = tracer
        self._is_unreachable = False

    def forward(self, body: bytes, caller: Caller, *, request_id: str, accept_language: str) -> ASGIApp:
        """The application that forwards the request and sends its response. It raises `ChatUnavailable`."""
        headers = {
            "Content-Type": "application/json",
            "Accept-Language": accept_language,
            "X-Request-Id": request_id,
            "X-Etude-User": caller.user,
            "X-Etude-Plan": caller.plan_name,
            "X-Etude-Internal": self._secret,
        }

        async def respond(_: Scope, receive: Receive, send: Send) -> None:
            await self._respond(body, headers, receive, send)

        return respond

    async def _respond(self, body: bytes, headers: dict[str, str], receive: Receive, send: Send) -> None:
        """A client that disconnects closes the request to the chat service, which ends the work there."""
        with self._tracer.span(SpanName.FORWARD, method="POST", route=ROUTE) as span:
            if span.traceparent:
                headers["traceparent"] = span.traceparent
            async with until_disconnect(receive):
                response = await self._begin(body, headers)
                span.set_attributes(status=response.status)
                async with response:
                    await _pass_on(response, send)

    async def _begin(self, body: bytes, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """The response, with its body unread. An outage is logged once, not for every request."""
        try:
            response = await self._http.post(ROUTE, data=body, headers=headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            if not self._is_unreachable:
                log.warning("chat.unreachable", error_type=type(error).__name__)
            self._is_unreachable = True
            raise ChatUnavailable(retry_after=RETRY_SECONDS) from None
        if self._is_unreachable:
            log.info("chat.reachable")
        self._is_unreachable = False
        if response.status == HTTPStatus.UNAUTHORIZED:
            response.close()
            log.error("chat.refused")  # the secret is wrong: the gateway has authenticated the caller
            raise ChatUnavailable(retry_after=RETRY_SECONDS)
        return response


async def _pass_on(response: aiohttp.ClientResponse, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in response.raw_headers if name.lower() in PASSED_ON]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    async for chunk in response.content.iter_any():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
