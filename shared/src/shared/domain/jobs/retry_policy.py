"""How long to wait before the next attempt, and how many there are."""

from msgspec import Struct


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """Exponential backoff with full jitter: spreads the retries of many jobs that failed together."""

    max_attempts: int = 5
    """Counted attempts, the first one included: N allowed means N tries."""
    max_crashes: int = 3
    """A job that was held by this many owners that died is a dead letter."""
    base_seconds: float = 1.0
    cap_seconds: float = 60.0

    @property
    def suspect_crashes(self) -> int:
        """A job with this many crashes is a suspect: one more is its last, and it may be what killed its owners."""
        return self.max_crashes - 1

    def is_exhausted(self, failures: int) -> bool:
        return failures >= self.max_attempts

    def delay(self, failures: int, *, jitter: float, floor: float | None = None) -> float:
        """Seconds to wait after the `failures`-th counted failure. `jitter` in [0, 1) scales the whole delay;
        `floor` (a `Retry-After`) is never undercut: the jitter then comes on top."""
        backoff = jitter * min(self.cap_seconds, self.base_seconds * 2.0 ** max(0, min(failures - 1, 30)))
        return backoff if floor is None else floor + min(backoff, self.base_seconds)
