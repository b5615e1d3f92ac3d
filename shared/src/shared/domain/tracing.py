"""The port for tracing: requests and jobs as spans. While tracing is off it costs nothing."""

from contextlib import AbstractContextManager, nullcontext
from enum import Enum, auto
from typing import Protocol

from shared.domain.jobs.job import LeasedJob

Attribute = str | int | float


class SpanName(Enum):
    """What a span covers. `adapters/otel/semantic_conventions.py` has the names that a collector sees."""

    REQUEST = auto()
    """An HTTP request, as its server sees it."""
    FORWARD = auto()
    """A request that is passed on to another service, as its sender sees it."""
    SUBMIT = auto()
    ATTEMPT = auto()
    CALL = auto()
    """One call to a model."""
    SAVE = auto()
    SETTLE = auto()


class Span(Protocol):
    """A span that has not ended."""

    @property
    def traceparent(self) -> str:
        """The context that makes a span elsewhere a child of this one (W3C Trace Context). It is empty while tracing is off."""
        ...

    def set_attributes(self, **attributes: Attribute) -> None:
        """Add span attributes. Keys outside `ATTRIBUTES` are dropped. Never pass user or model text."""
        ...

    def fail(self, code: str) -> None:
        """Mark the span as failed, with the code of a `StudyError`."""
        ...


class Tracer(Protocol):
    """Nothing here raises, and nothing waits for the collector."""

    def span(
        self, name: SpanName, *, parent: str | None = None, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        """A span that lasts as long as the block. An exception that leaves the block marks it as failed, by code or type alone.
        `parent` is a traceparent that came from outside; None means the current span of this context."""
        ...

    def attempt(self, job: LeasedJob) -> AbstractContextManager[Span]:
        """The span of one attempt. It belongs to the trace that submitted the job and links to the attempt before it."""
        ...

    async def close(self) -> None:
        """Send the spans that are left, within a short time limit."""
        ...


class _NoSpan:
    traceparent = ""

    def set_attributes(self, **attributes: Attribute) -> None: ...

    def fail(self, code: str) -> None: ...


class NoTracer:
    """The tracer while tracing is off."""

    _NO_SPAN = nullcontext(_NoSpan())

    def span(
        self, name: SpanName, *, parent: str | None = None, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        return self._NO_SPAN

    def attempt(self, job: LeasedJob) -> AbstractContextManager[Span]:
        return self._NO_SPAN

    async def close(self) -> None: ...


NO_TRACER = NoTracer()
