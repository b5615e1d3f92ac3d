"""Writes traces by OpenTelemetry's SDK, which sends them from a thread of its own: nothing here waits for a collector."""

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
from shared.adapters.otel.semantic_conventions import ATTRIBUTES, FORMS, Form, name_of
from shared.domain.errors import StudyError
from shared.domain.jobs.job import JobId, LeasedJob
from shared.domain.tracing import Fact, Leg

QUEUE_SPANS = 4_096
"""Spans that wait to be sent; when the collector is away for long, the oldest go."""
BATCH_SPANS = 512
SEND_EVERY_MS = 2_000.0
FLUSH_SECONDS = 1.5
"""For what is left when the process stops: little beside any grace, and enough for a collector that answers."""
MAX_FACT_CHARACTERS = 200


class OpenTelemetryTracer:
    """Writes the traces of one process. Knows no global state: whoever has it can write, nobody else."""

    def __init__(self, endpoint: str, *, service: str, version: str, ratio: float) -> None:
        """`ratio`: how many of the traces that begin here are kept; those that come along keep what was decided."""
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the exporter below says what matters
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
    def span(self, leg: Leg, *, parent: str | None = None, **facts: Fact) -> Generator["_Span"]:
        context = None if parent is None else _read(parent) or Context()
        written = self._begin(leg, facts, context)
        with _under_way(written, FORMS[leg], facts) as span:
            yield span

    @contextmanager
    def attempt(self, job: LeasedJob) -> Generator["_Span"]:
        """The id of an attempt's span follows from the job and the attempt's number, which is the fence: the next attempt
        knows it, though this one may die before it could write anything down."""
        parent = _read(job.traceparent)
        trace_id, flags = _hashed(job.id, size=16), TraceFlags(TraceFlags.SAMPLED)
        if parent is not None:
            came = trace.get_current_span(parent).get_span_context()
            trace_id, flags = came.trace_id, came.trace_flags
        links: list[Link] = []
        if job.attempt > 1:
            before = _attempt_id(job.id, job.attempt - 1)
            links.append(Link(SpanContext(trace_id, before, is_remote=True, trace_flags=flags)))
        facts = {"kind": job.kind, "job_id": job.id, "stream": job.stream, "attempt": job.attempt}
        with self._ids.given(trace_id, _attempt_id(job.id, job.attempt)):
            written = self._begin(Leg.ATTEMPT, facts, parent or Context(), links)
        with _under_way(written, FORMS[Leg.ATTEMPT], facts) as span:
            yield span

    async def close(self) -> None:
        flushing = threading.Thread(target=self._provider.shutdown, name="flush-traces", daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, FLUSH_SECONDS)
        if flushing.is_alive():
            self._exporter.shutdown()  # it would go on trying; what is left goes with the process

    def _begin(
        self, leg: Leg, facts: Mapping[str, Fact], context: Context | None, links: Sequence[Link] = ()
    ) -> trace.Span:
        form = FORMS[leg]
        return self._tracer.start_span(name_of(form, facts), context, form.kind, form.fixed, links)


@contextmanager
def _under_way(written: trace.Span, form: Form, facts: Mapping[str, Fact]) -> Generator["_Span"]:
    """Ends the span with the block. What escapes is told by its code: its words, and its traceback, may hold a text."""
    span = _Span(written, form, facts)
    try:
        if not form.is_current:
            yield span
            return
        trace_id = f"{written.get_span_context().trace_id:032x}"
        with (
            trace.use_span(written, record_exception=False, set_status_on_exception=False),
            bound_contextvars(trace_id=trace_id),
        ):
            yield span
    except BaseException as error:
        span.fail(_code(error))
        raise
    finally:
        written.end()


class _Span:
    def __init__(self, written: trace.Span, form: Form, facts: Mapping[str, Fact]) -> None:
        self._written = written
        self._form = form
        self._facts: dict[str, Fact] = {}
        self.note(**facts)

    @property
    def traceparent(self) -> str:
        context = self._written.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def note(self, **facts: Fact) -> None:
        self._facts |= facts
        self._written.update_name(name_of(self._form, self._facts))
        for name, value in facts.items():
            if name in ATTRIBUTES:
                self._written.set_attribute(ATTRIBUTES[name], _plain(value))

    def fail(self, code: str) -> None:
        self._written.set_attribute("error.type", code)
        self._written.set_status(Status(StatusCode.ERROR))


class _Ids(RandomIdGenerator):
    """Random ids, but for a span that is given its own."""

    def __init__(self) -> None:
        self._given: tuple[int, int] | None = None

    @contextmanager
    def given(self, trace_id: int, span_id: int) -> Generator[None]:
        """For the span that is begun in this block; its trace id only if it begins a trace."""
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
    """None for what is no traceparent, as the standard has it. Its companions `tracestate` and `baggage` are free text
    and are not read."""
    context = _propagator.extract({"traceparent": traceparent}, Context())
    return context if trace.get_current_span(context).get_span_context().is_valid else None


def _plain(value: Fact) -> Fact:
    return str(value)[:MAX_FACT_CHARACTERS] if isinstance(value, str) else value


def _code(error: BaseException) -> str:
    match error:
        case StudyError():
            return error.code
        case asyncio.CancelledError() | GeneratorExit():
            return "cancelled"
        case _:
            return type(error).__name__
