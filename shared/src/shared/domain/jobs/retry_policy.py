"""The number of attempts, and the delays between them."""

from msgspec import Struct


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """Exponential backoff with full jitter, which spreads the retries of many jobs that failed together."""

    max_attempts: int = 5
    """Limit of counted attempts, the first one included."""
    max_crashes: int = 3
    """A job becomes a dead letter after this many crashes of a worker that held it."""
    base_seconds: float = 1.0
    cap_seconds: float = 60.0

    @property
    def suspect_crashes(self) -> int:
        """A job with this many crashes is a suspect: it may have caused them, and one more makes it a dead letter."""
        return self.max_crashes - 1

    def is_exhausted(self, failures: int) -> bool:
        return failures >= self.max_attempts

    def delay(self, failures: int, *, jitter: float, floor: float | None = None) -> float:
        """Seconds to wait after the `failures`-th counted failure. `jitter` in [0, 1) scales the backoff. With a `floor`, such as
        a `Retry-After`, the backoff is added to it, at most `base_seconds`."""
        backoff = jitter * min(self.cap_seconds, self.base_seconds * 2.0 ** max(0, min(failures - 1, 30)))
        return backoff if floor is None else floor + min(backoff, self.base_seconds)
