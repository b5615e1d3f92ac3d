"""When maintenance acts next. The settler and the attempt runner bring its times forward; maintenance sleeps until then."""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class MaintenanceSchedule:
    """The times of the next sweep and of the next promotion, by the monotonic clock. The first sweep is due at once."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._sweep_at = 0.0
        self._promote_at = NEVER
        self._brought_forward = asyncio.Event()

    def sweep_within(self, seconds: float) -> None:
        self._sweep_at = min(self._sweep_at, self._monotonic() + seconds)
        self._brought_forward.set()

    def promote_within(self, seconds: float) -> None:
        """A retry comes due in so many seconds."""
        self._promote_at = min(self._promote_at, self._monotonic() + seconds)
        self._brought_forward.set()

    def take_sweep(self) -> bool:
        """Whether a sweep is due. If so none is scheduled any more, so that one asked for meanwhile is not forgotten."""
        is_due = self._monotonic() >= self._sweep_at
        if is_due:
            self._sweep_at = NEVER
        return is_due

    def take_promotion(self) -> bool:
        """The same for a promotion."""
        is_due = self._monotonic() >= self._promote_at
        if is_due:
            self._promote_at = NEVER
        return is_due

    async def wait(self) -> None:
        """Sleep until something is due."""
        while (seconds := min(self._sweep_at, self._promote_at) - self._monotonic()) > 0:
            self._brought_forward.clear()
            try:
                async with asyncio.timeout(None if seconds == NEVER else seconds):
                    await self._brought_forward.wait()
            except TimeoutError:
                pass
