"""What the gateway counts: jobs let in and refused, callers turned away, listeners and how soon they hear."""

import time
from collections.abc import Callable, Iterable, Mapping

from shared.domain.errors import (
    BudgetExceeded,
    IdempotencyConflict,
    NotConfirmed,
    Overloaded,
    RateLimited,
    RequestError,
    StudyError,
    TooLarge,
    TooManyJobs,
    Unavailable,
)
from shared.domain.jobs.job import Kind
from shared.runtime.observability.metrics.meter import Meter

OTHER = "other"
REFUSALS: Mapping[type[StudyError], str] = {
    BudgetExceeded: "budget",
    RateLimited: "rate",
    TooManyJobs: "unfinished",
    Overloaded: "overload",
    Unavailable: "unavailable",
    IdempotencyConflict: "conflict",
    TooLarge: "size",
    RequestError: "invalid",
}
"""By error, the most particular first; what is not here says nothing about the submission."""
AUTH_FAILURES = ("missing", "malformed", "expired", "signature", "unknown_key", "claims")


class GatewayMetrics:
    """Told of what happens at the door. `plans` are the names of the tiers."""

    def __init__(self, meter: Meter, plans: Iterable[str], *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        tiers, kinds = sorted(plans), list(Kind)
        self._accepted = meter.counter("etude_jobs_accepted_total")
        self._accepted.expect(kinds, tiers)
        self._rejected = meter.counter("etude_jobs_rejected_total")
        self._rejected.expect([*kinds, OTHER], sorted(set(REFUSALS.values())))
        self._deduplicated = meter.counter("etude_jobs_deduplicated_total")
        self._deduplicated.expect(kinds)
        self._auth_failures = meter.counter("etude_auth_failures_total")
        self._auth_failures.expect(AUTH_FAILURES)
        self._streams = meter.gauge("etude_event_streams_active").of()
        self._delays = meter.histogram("etude_event_delay_seconds").of()

    def accepted(self, kind: Kind, tier: str, *, is_replay: bool) -> None:
        if is_replay:
            self._deduplicated.of(kind).add()
        else:
            self._accepted.of(kind, tier).add()

    def refused(self, kind: str, error: StudyError) -> None:
        """A submission. `kind` is empty when it was refused before anybody could tell."""
        if isinstance(error, NotConfirmed):
            return  # accepted, for all that is known
        reason = next((reason for one, reason in REFUSALS.items() if isinstance(error, one)), None)
        if reason:
            self._rejected.of(kind or OTHER, reason).add()

    def turned_away(self, reason: str) -> None:
        self._auth_failures.of(reason).add()

    def stream_began(self) -> None:
        self._streams.add(1)

    def stream_ended(self) -> None:
        self._streams.add(-1)

    def now(self) -> float:
        return self._clock()

    def heard(self, event_id: str, *, since: float) -> None:
        """An event was written to a listener who came at `since`; what is older stood in the log."""
        told_at = int(event_id.partition("-")[0]) / 1000
        if told_at >= since:
            self._delays.observe(max(0.0, self._clock() - told_at))
