"""Pauses before the restarts of a process that keeps exiting."""

from msgspec import Struct


class Backoff(Struct, frozen=True, kw_only=True):
    """Exponential pauses, from `base_seconds` to `cap_seconds`."""

    base_seconds: float = 0.5
    cap_seconds: float = 15.0
    stable_seconds: float = 30.0
    """After a run of this length the count of crashes starts again."""

    def count(self, crashes: int, *, run_seconds: float) -> int:
        """The crashes in a row, after `crashes` earlier ones and a run of `run_seconds` that crashed too."""
        return 1 if run_seconds > self.stable_seconds else crashes + 1

    def delay(self, crashes: int) -> float:
        """Seconds to wait after so many crashes in a row."""
        return min(self.cap_seconds, self.base_seconds * 2.0 ** (crashes - 1))


BACKOFF = Backoff()
