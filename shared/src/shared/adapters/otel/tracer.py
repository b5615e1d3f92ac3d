"""Writes traces with OpenTelemetry's SDK. The SDK sends them from its own thread, so nothing here waits for a collector."""

import asyncio
import logging
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars

from shared.adapters.otel.exporter import SpanExporter
from shared.adapters.otel.semantic_conventions import ATTRIBUTES, FORMS, SpanForm, format_name
from shared.domain.errors import StudyError
from shared.domain.jobs.job import JobId, LeasedJob
from shared.domain.tracing import Attribute, SpanName

QUEUE_SPANS = 4_096
"""Most spans that wait to be sent. While the collector is away the oldest are dropped."""
BATCH_SPANS = 512
SEND_EVERY_MS = 2_000.0
FLUSH_SECONDS = 1.5
"""Time limit for sending the remaining spans when the process stops: short beside any grace period, and enough for a collector
that responds."""
MAX_ATTRIBUTE_CHARACTERS = 200


class OpenTelemetryTracer:
    """Writes the traces of one process. It sets no global state, so only code that was given the tracer can write spans."""

    def __init__(self, endpoint: str, *, service: str, version: str, ratio: float) -> None:
        """`ratio` is the share of the traces beginning here that is kept, from 0 to 1. Traces from outside keep their sampling decision."""
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # our exporter logs what matters
        self._exporter = SpanExporter(endpoint)
        self._ids = _Ids()
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=Resource.create(
                {"service.namespace": "etude", "service.name": service, "service.version": version}
            ),
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=QUEUE_SPANS,
                schedule_delay_millis=SEND_EVERY_MS,
                max_export_batch_size=BATCH_SPANS,
            )
        )
        self._tracer = self._provider.get_tracer("etude")

    @contextmanager
    def span(
        self, name: SpanName, *, parent: str | None = None, **attributes: Attribute
    ) -> Generator["_Span"]:
        context = None if parent is None else _read(parent) or Context()
        otel_span = self._begin(name, attributes, context)
        with _active(otel_span, FORMS[name], attributes) as span:
            yield span

    @contextmanager
    def attempt(self, job: LeasedJob) -> Generator["_Span"]:
        """The id of an attempt's span is derived from the job and the attempt number. So the next attempt can link to it, even if this
        one dies before it writes anything."""
        parent = _read(job.traceparent)
        trace_id, flags = _hashed(job.id, size=16), TraceFlags(TraceFlags.SAMPLED)
        if parent is not None:
            submitted_in = trace.get_current_span(parent).get_span_context()
            trace_id, flags = submitted_in.trace_id, submitted_in.trace_flags
        links: list[Link] = []
        if job.attempt > 1:
            before = _attempt_id(job.id, job.attempt - 1)
            links.append(Link(SpanContext(trace_id, before, is_remote=True, trace_flags=flags)))
        attributes = {"kind": job.kind, "job_id": job.id, "stream": job.stream, "attempt": job.attempt}
        with self._ids.given(trace_id, _attempt_id(job.id, job.attempt)):
            otel_span = self._begin(SpanName.ATTEMPT, attributes, parent or Context(), links)
        with _active(otel_span, FORMS[SpanName.ATTEMPT], attributes) as span:
            yield span

    async def close(self) -> None:
        flushing = threading.Thread(target=self._provider.shutdown, name="flush-traces", daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, FLUSH_SECONDS)
        if flushing.is_alive():
            self._exporter.shutdown()  # else it would keep trying; the remaining spans are lost

    def _begin(
        self,
        name: SpanName,
        attributes: Mapping[str, Attribute],
        context: Context | None,
        links: Sequence[Link] = (),
    ) -> trace.Span:
        form = FORMS[name]
        return self._tracer.start_span(format_name(form, attributes), context, form.kind, form.fixed, links)


@contextmanager
def _active(otel_span: trace.Span, form: SpanForm, attributes: Mapping[str, Attribute]) -> Generator["_Span"]:
    """End the span with the block. An exception is recorded by its code alone, because its message and traceback may hold text."""
    span = _Span(otel_span, form, attributes)
    try:
        if not form.is_current:
            yield span
            return
        trace_id = f"{otel_span.get_span_context().trace_id:032x}"
        with (
            trace.use_span(otel_span, record_exception=False, set_status_on_exception=False),
            bound_contextvars(trace_id=trace_id),
        ):
            yield span
    except BaseException as error:
        span.fail(_code(error))
        raise
    finally:
        otel_span.end()


class _Span:
    def __init__(self, otel_span: trace.Span, form: SpanForm, attributes: Mapping[str, Attribute]) -> None:
        self._otel_span = otel_span
        self._form = form
        self._attributes: dict[str, Attribute] = {}
        self.set_attributes(**attributes)

    @property
    def traceparent(self) -> str:
        context = self._otel_span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def set_attributes(self, **attributes: Attribute) -> None:
        self._attributes |= attributes
        self._otel_span.update_name(format_name(self._form, self._attributes))
        for name, value in attributes.items():
            if name in ATTRIBUTES:
                self._otel_span.set_attribute(ATTRIBUTES[name], _shorten(value))

    def fail(self, code: str) -> None:
        self._otel_span.set_attribute("error.type", code)
        self._otel_span.set_status(Status(StatusCode.ERROR))


class _Ids(RandomIdGenerator):
    """Generates random ids, except inside `given`."""

    def __init__(self) -> None:
        self._given: tuple[int, int] | None = None

    @contextmanager
    def given(self, trace_id: int, span_id: int) -> Generator[None]:
        """Use these ids for the span that begins in this block. The trace id counts only if the span begins a trace."""
        self._given = trace_id, span_id
        try:
            yield
        finally:
            self._given = None

    def generate_trace_id(self) -> int:
        return self._given[0] if self._given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self._given[1] if self._given else super().generate_span_id()


def _attempt_id(job_id: JobId, attempt: int) -> int:
    return _hashed(f"{job_id}/{attempt}", size=8)


def _hashed(name: str, *, size: int) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:size])


_propagator = TraceContextTextMapPropagator()


def _read(traceparent: str) -> Context | None:
    """The context of a traceparent; None if it is not valid by the standard. `tracestate` and `baggage` are free text and are not read."""
    context = _propagator.extract({"traceparent": traceparent}, Context())
    return context if trace.get_current_span(context).get_span_context().is_valid else None


def _shorten(value: Attribute) -> Attribute:
    return str(value)[:MAX_ATTRIBUTE_CHARACTERS] if isinstance(value, str) else value


def _code(error: BaseException) -> str:
    match error:
        case StudyError():
            return error.code
        case asyncio.CancelledError() | GeneratorExit():
            return "cancelled"
        case _:
            return type(error).__name__
