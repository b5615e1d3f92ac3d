"""HTTP requests: counted while they run, timed until they are answered; an event stream until it begins."""

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from shared.runtime.observability.metrics.meter import Meter

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
"""As ASGI has them."""

UNKNOWN_ROUTE = "-"
OTHER_METHOD = "_OTHER"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
EVENTS = b"text/event-stream"
Known = tuple[str, str, Iterable[int]]
"""Method, route template, and the statuses it answers with."""


class MeteredApp:
    """An ASGI application whose requests are seen. `route_of` gives the template, or nothing for a path that is none."""

    def __init__(
        self, app: ASGIApp, meter: Meter, routes: Iterable[Known], *, route_of: Callable[[Scope], str]
    ) -> None:
        self._app = app
        self._route_of = route_of
        self._durations = meter.histogram("http_server_request_duration_seconds")
        for method, route, statuses in routes:
            self._durations.expect([method], [route], [str(status) for status in statuses])
        self._inflight = meter.gauge("etude_http_inflight_requests").of()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        seen = _Answer(send, lambda status: self._observe(scope, status, began))
        began = time.perf_counter()
        self._inflight.add(1)
        try:
            await self._app(scope, receive, seen.send)
        finally:
            self._inflight.add(-1)
            seen.end()
        return None

    def _observe(self, scope: Scope, status: int, began: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        route = self._route_of(scope) or UNKNOWN_ROUTE
        self._durations.of(method, route, str(status)).observe(time.perf_counter() - began)


class _Answer:
    """Says once when the time is over, with the status. One that never came (the client went before it) is no answer."""

    def __init__(self, send: Send, tell: Callable[[int], Any]) -> None:
        self._send = send
        self._tell = tell
        self._status = 0
        self._is_told = False

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if any(
                name == b"content-type" and value.startswith(EVENTS) for name, value in message["headers"]
            ):
                self.end()

    def end(self) -> None:
        if self._status and not self._is_told:
            self._is_told = True
            self._tell(self._status)
