"""The time of the Redis server as a process knows it. It dates results and job ages, whatever the machine's clock says."""

from collections.abc import Callable


class ServerClock:
    """Runs on from the time it was last set to. Until then it is the process's own clock."""

    def __init__(self, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset = clock() - monotonic()

    def now(self) -> float:
        """The server's time in Unix seconds."""
        return self._monotonic() + self._offset

    def set(self, now: float) -> None:
        self._offset = now - self._monotonic()
