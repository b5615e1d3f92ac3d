"""The outermost layer of a service: gives every request an id, safe headers, a log line, metrics and a span."""

import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.domain.tracing import NO_TRACER, Span, SpanName, Tracer
from shared.runtime.http.handover import HANDOVER, hand_over
from shared.runtime.observability.metrics.meter import Meter

KnownResponses = tuple[str, str, Iterable[int]]
"""Method, route template, and the statuses that the route responds with."""

SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store, no-transform"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Added to every response that does not set them itself. Without `no-transform` a proxy may compress an event stream, and then
sends no event before its buffer is full."""
UNTRACED_PATHS = {"/healthz", "/readyz"}
"""Probes call these paths every few seconds, so they get no spans."""
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
OTHER_METHOD = "_OTHER"
UNKNOWN_ROUTE = "-"
_EVENT_STREAM = b"text/event-stream"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

log = structlog.get_logger()


def new_request_id() -> str:
    return os.urandom(12).hex()


class RequestMiddleware:
    """One middleware for all of it, because every request pays for each layer.

    Logs, metrics and spans name the route's template, never the path, and a method of `METHODS`: the client may put any text in both.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        meter: Meter,
        known: Iterable[KnownResponses],
        tracer: Tracer = NO_TRACER,
        new_request_id: Callable[[], str] = new_request_id,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._tracer = tracer
        self._new_request_id = new_request_id
        self._monotonic = monotonic
        self._durations = meter.histogram("http_server_request_duration_seconds")
        for method, route, statuses in known:
            self._durations.expect([method], [route], [str(status) for status in statuses])
        self._inflight = meter.gauge("etude_http_inflight_requests").of()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        given = _header(scope, b"x-request-id")
        scope["request_id"] = given if _REQUEST_ID.fullmatch(given) else self._new_request_id()
        self._inflight.add(1)
        try:
            with (
                self._span(scope) as span,
                structlog.contextvars.bound_contextvars(request_id=scope["request_id"]),
            ):
                await self._serve(scope, receive, send, span)
        finally:
            self._inflight.add(-1)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        started = self._monotonic()
        response = _Response(
            send,
            scope["request_id"],
            span.traceparent,
            on_stream=lambda status: self._observe(scope, status, started),
        )
        try:
            await self._app(scope, receive, response.send)
        except ClientDisconnect:
            pass  # nobody is left to respond to
        except Exception:
            log.exception("http.response_interrupted")
            if not response.is_complete:
                # the server closes the connection, so that the client does not take the response for complete
                raise ConnectionError("response interrupted") from None
        finally:
            self._report(scope, response, started, span)

    def _report(self, scope: Scope, response: "_Response", started: float, span: Span) -> None:
        route = _route_of(scope)
        if not response.is_stream:
            self._observe(scope, response.status, started)
        span.set_attributes(route="" if route == UNKNOWN_ROUTE else route, status=response.status)
        if response.status >= 500:
            span.fail(str(response.status))
        log.info(
            "http.request",
            method=scope["method"],
            route=route,
            status=response.status,
            duration_ms=round((self._monotonic() - started) * 1000, 1),
        )

    def _observe(self, scope: Scope, status: int, started: float) -> None:
        """The duration until the response is complete, or starts if it is an event stream. `status` 0: none was sent."""
        if status:
            labels = _method_of(scope), _route_of(scope), str(status)
            self._durations.of(*labels).observe(self._monotonic() - started)

    def _span(self, scope: Scope) -> AbstractContextManager[Span]:
        if scope["path"] in UNTRACED_PATHS:
            return NO_TRACER.span(SpanName.REQUEST)
        return self._tracer.span(SpanName.REQUEST, parent=_traceparent(scope), method=_method_of(scope))


class _Response:
    """Adds headers to the response, and records what has been sent of it."""

    def __init__(
        self, send: Send, request_id: str, traceparent: str, *, on_stream: Callable[[int], None]
    ) -> None:
        self._send = send
        self._own_headers = [(b"x-request-id", request_id.encode())]
        if traceparent:
            self._own_headers.append((b"traceresponse", traceparent.encode()))
        self._on_stream = on_stream
        self.status = 0
        self.is_stream = False
        self.is_complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == HANDOVER:
            self.is_complete = True
            hand_over(self._send, message["protocol"])
            return
        if message["type"] == "http.response.start":
            message = self._start(message)
        self.is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    def _start(self, message: Message) -> Message:
        self.status = message["status"]
        headers = [*message["headers"], *self._own_headers]
        given = dict(message["headers"])
        headers += [header for header in SAFE_HEADERS if header[0] not in given]
        self.is_stream = given.get(b"content-type", b"").startswith(_EVENT_STREAM)
        if self.is_stream:
            self._on_stream(self.status)
        return {**message, "headers": headers}


def _route_of(scope: Scope) -> str:
    """The template of the route that served the request. A route that refused the method did not serve it."""
    route = scope.get("route")
    methods = getattr(route, "methods", None) or ()
    return getattr(route, "path", UNKNOWN_ROUTE) if scope["method"] in methods else UNKNOWN_ROUTE


def _method_of(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else OTHER_METHOD


def _traceparent(scope: Scope) -> str:
    """The header's value. Two of them are ignored: a proxy on the way has not replaced the first one."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    return given[0].decode("latin-1") if len(given) == 1 else ""


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")
