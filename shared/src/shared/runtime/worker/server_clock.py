"""The server's time in a process: what a worker dates a result with, and tells a job's age by, whatever its machine's
clock says."""

from collections.abc import Callable


class ServerClock:
    """Goes on by itself from the last time it was set; until then it is the process's own."""

    def __init__(self, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ahead = clock() - monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return self._monotonic() + self._ahead

    def set(self, now: float) -> None:
        self._ahead = now - self._monotonic()
