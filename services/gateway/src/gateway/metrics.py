"""Metrics of the gateway: submissions, refusals, failed authentications, event streams and their delay."""

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
    TextTooLong,
    TooLarge,
    TooLargeForPlan,
    TooManyJobs,
    TooManyPages,
    TooManyRequests,
    Unavailable,
)
from shared.domain.jobs.job import Kind
from shared.runtime.observability.metrics.meter import Meter

OTHER = "other"
REFUSALS: Mapping[type[StudyError], str] = {
    BudgetExceeded: "budget",
    RateLimited: "rate",
    TooManyRequests: "rate",
    TooManyJobs: "unfinished",
    Overloaded: "overload",
    Unavailable: "unavailable",
    IdempotencyConflict: "conflict",
    TooLarge: "size",
    TextTooLong: "size",
    TooManyPages: "size",
    TooLargeForPlan: "too_large",
    RequestError: "invalid",
}
"""Reason of a refusal by error, the most specific first. Other errors do not refuse a submission."""
AUTH_FAILURES = ("missing", "malformed", "expired", "signature", "unknown_key", "claims")

LIMITED_BY = ("user", "address")


class GatewayMetrics:
    """`plans` are the names of the tiers."""

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
        self._limited = meter.counter("etude_requests_limited_total")
        self._limited.expect(LIMITED_BY)
        self._streams = meter.gauge("etude_event_streams_active").of()
        self._inflight = meter.gauge("etude_http_inflight_requests").of()
        """A stream is a request in flight, though the server has handed its connection over."""
        self._delays = meter.histogram("etude_event_delay_seconds").of()

    def accepted(self, kind: Kind, tier: str, *, is_replay: bool) -> None:
        if is_replay:
            self._deduplicated.of(kind).add()
        else:
            self._accepted.of(kind, tier).add()

    def refused(self, kind: str, error: StudyError) -> None:
        """A submission was refused. `kind` is empty when it was not known yet."""
        if isinstance(error, NotConfirmed):
            return  # the job may have been accepted
        reason = next((reason for one, reason in REFUSALS.items() if isinstance(error, one)), None)
        if reason:
            self._rejected.of(kind or OTHER, reason).add()

    def authentication_failed(self, reason: str) -> None:
        self._auth_failures.of(reason).add()

    def limited(self, by: str) -> None:
        """A request was refused because there were too many of its user or of its address."""
        self._limited.of(by).add()

    def stream_opened(self) -> None:
        self._streams.add(1)
        self._inflight.add(1)

    def stream_closed(self) -> None:
        self._streams.add(-1)
        self._inflight.add(-1)

    def now(self) -> float:
        return self._clock()

    def event_delivered(self, event_id: str, *, since: float) -> None:
        """An event was written to a stream opened at `since`. Older events were replayed, so their delay means nothing."""
        happened_at = int(event_id.partition("-")[0]) / 1000
        if happened_at >= since:
            self._delays.observe(max(0.0, self._clock() - happened_at))
