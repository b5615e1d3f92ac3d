"""An application whose every request is a span, a child of its caller's when that says so."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shared.domain.tracing import NO_TRACER, Span, SpanName, Tracer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNTRACED = {"/healthz", "/readyz"}
"""Asked every few seconds, for ever."""


def traced(app: App, tracer: Tracer) -> App:
    """The application itself when no traces are written."""
    return app if tracer is NO_TRACER else TracedApp(app, tracer)


class TracedApp:
    """The application says by `scope["route_template"]` which of its routes it was: a path is the client's text."""

    def __init__(self, app: App, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            return await self._app(scope, receive, send)
        with self._tracer.span(SpanName.REQUEST, parent=_traceparent(scope), method=_method(scope)) as span:
            answer = _Answer(span, send)
            try:
                await self._app(scope, receive, answer.send)
            finally:
                span.set_attributes(route=scope.get("route_template", ""), status=answer.status)
                if answer.status >= 500:
                    span.fail(str(answer.status))
        return None


class _Answer:
    def __init__(self, span: Span, send: Send) -> None:
        self._span = span
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = (b"traceresponse", self._span.traceparent.encode())
            message = {**message, "headers": [*message["headers"], told]}
        await self._send(message)


def _traceparent(scope: Scope) -> str:
    """Of two, none: somebody on the way does not know what it does."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    return given[0].decode("latin-1") if len(given) == 1 else ""


def _method(scope: Scope) -> str:
    """One of the usual ones: a method may be any word."""
    return scope["method"] if scope["method"] in METHODS else "_OTHER"


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
