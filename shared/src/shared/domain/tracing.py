"""The port through which traces are written: what became of a request or a job, as spans. Off, it costs nothing."""

from contextlib import AbstractContextManager, nullcontext
from enum import Enum, auto
from typing import Protocol

from shared.domain.jobs.job import LeasedJob

Fact = str | int | float


class Leg(Enum):
    """What a span may stand for: a leg of the way from a request to its result."""

    REQUEST = auto()
    """An HTTP request, as its server sees it."""
    FORWARD = auto()
    """The same request passed on, as its sender sees it."""
    SUBMIT = auto()
    ATTEMPT = auto()
    CALL = auto()
    """One question to a provider, with its answer."""
    SAVE = auto()
    SETTLE = auto()


class Span(Protocol):
    """One leg under way."""

    @property
    def traceparent(self) -> str:
        """What makes a span elsewhere a child of this one (W3C Trace Context). Empty: no trace is written here."""
        ...

    def note(self, **facts: Fact) -> None:
        """Facts by our own words; one that is no fact of a trace is left out. Never text of a learner's or a provider's."""
        ...

    def fail(self, code: str) -> None:
        """It went wrong: our code of the error."""
        ...


class Tracer(Protocol):
    """Nothing here raises, and nothing waits for whoever collects the traces."""

    def span(self, leg: Leg, *, parent: str | None = None, **facts: Fact) -> AbstractContextManager[Span]:
        """A leg for as long as the block lasts; what escapes the block marks it as failed, by its code or type alone.
        `parent` is a traceparent as it came from outside; None: the leg that is under way here."""
        ...

    def attempt(self, job: LeasedJob) -> AbstractContextManager[Span]:
        """The leg of one attempt: a part of the trace that submitted the job, linked to the attempt before it."""
        ...

    async def close(self) -> None:
        """Send what is left, for a moment at most."""
        ...


class _NoSpan:
    traceparent = ""

    def note(self, **facts: Fact) -> None: ...

    def fail(self, code: str) -> None: ...


class NoTracer:
    """Tracing is off."""

    _NOTHING = nullcontext(_NoSpan())

    def span(self, leg: Leg, *, parent: str | None = None, **facts: Fact) -> AbstractContextManager[Span]:
        return self._NOTHING

    def attempt(self, job: LeasedJob) -> AbstractContextManager[Span]:
        return self._NOTHING

    async def close(self) -> None: ...


NO_TRACER = NoTracer()
