"""A collector of traces: real OTLP over HTTP, decoded by OpenTelemetry's own messages."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from tests.deadline import DEADLINE_SECONDS

POLL_SECONDS = 0.01
"""How often the server looks whether it shall stop; its default of 0.5 s would be the length of every test."""


class CollectedSpan(Struct, frozen=True, kw_only=True):
    """One span, as it arrived."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the first of its trace."""
    links: list[tuple[str, str]]
    """Trace and span ids."""
    attributes: dict[str, Any]
    is_error: bool


class TraceCollector:
    """A context manager; what comes in while it is open is kept."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._spans: list[CollectedSpan] = []
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._take))
        serve = partial(self._server.serve_forever, poll_interval=POLL_SECONDS)
        self._thread = threading.Thread(target=serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def received(self) -> bytes:
        """Everything, as it came over the wire."""
        return b"\n".join(self._bodies)

    @property
    def spans(self) -> list[CollectedSpan]:
        return list(self._spans)

    def wait(self, is_there: Callable[[Sequence[CollectedSpan]], bool]) -> list[CollectedSpan]:
        """The spans once they are there; those that are, after a while in which they did not come."""
        with self._arrived:
            self._arrived.wait_for(lambda: is_there(self._spans), DEADLINE_SECONDS)
            return self.spans

    def _take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._arrived:
            self._bodies.append(body)
            for resource in request.resource_spans:
                about = _plain(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self._spans += [_collected(str(about["service.name"]), sent) for sent in scope.spans]
            self._arrived.notify_all()


def _handler(take: Callable[[bytes], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler


def _collected(service: str, sent: Sent) -> CollectedSpan:
    return CollectedSpan(
        service=service,
        name=sent.name,
        kind=Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_"),
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in sent.links],
        attributes=_plain(sent.attributes),
        is_error=sent.status.code == Status.STATUS_CODE_ERROR,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def family(spans: Sequence[CollectedSpan], of: CollectedSpan) -> list[str]:
    """Names of the spans right below one."""
    return sorted(span.name for span in spans if span.parent_id == of.span_id)
