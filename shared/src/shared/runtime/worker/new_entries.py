"""The second source of jobs: entries of the stream that nobody has read yet."""

from collections.abc import Sequence

from shared.adapters.redis.jobs.job_stream import Entry, JobStream
from shared.domain.jobs.job import LeasedJob
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.attempts.slots import Slots

MAX_READ = 64
"""Entries read and leased in one call: their jobs begin while the next entries are read."""


class NewEntries:
    """Reads entries for free slots and leases their jobs."""

    def __init__(self, stream: JobStream, slots: Slots, metrics: JobMetrics) -> None:
        self._stream = stream
        self._slots = slots
        self._metrics = metrics
        self._unleased: list[Entry] = []
        """Read, but no reply to their lease has come. They may be leased to us already, and nobody renews them."""

    async def read(self, *, block: bool = True) -> bool:
        """Read up to one entry per free slot. Returns whether there were any."""
        if self._slots.free <= 0:
            return False
        self._unleased = await self._stream.read(min(self._slots.free, MAX_READ), block=block)
        self._metrics.polled()
        return bool(self._unleased)

    async def lease(self) -> Sequence[LeasedJob]:
        """Lease what was read. To be called again after an error: leasing twice gives the same attempt."""
        if not self._unleased:
            return ()
        leased = await self._stream.lease(self._unleased)
        self._unleased = []
        # This process may have claimed the attempt itself, while the reply to its lease was lost.
        leased = [one for one in leased if not self._slots.runs(one)]
        self._metrics.leased(leased)
        return leased
