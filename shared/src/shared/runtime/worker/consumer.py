"""The consumer: fills free slots with jobs until it is stopped, and then finishes or hands back what runs."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from redis.exceptions import ResponseError

from shared.adapters.redis.connection import is_away
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.runtime.worker.attempts.attempt_runner import AttemptRunner
from shared.runtime.worker.attempts.slots import Slots
from shared.runtime.worker.new_entries import NewEntries
from shared.runtime.worker.stale_leases import StaleLeases

log = structlog.get_logger()

READ_RETRY_SECONDS = 1.0
"""Pause after a read that failed: one log line a second at most, and work goes on within two seconds of a recovery."""
WAKE_SECONDS = 0.2
"""Pause between two tries to end a blocked read."""
HAND_BACK_SECONDS = 2.0
"""Pause between two cancellations of an attempt: one that meets a lost connection can get lost with it."""


class Consumer:
    """Runs the jobs of one stream. An unreachable Redis never ends it."""

    def __init__(
        self,
        stream: JobStream,
        slots: Slots,
        stale_leases: StaleLeases,
        new_entries: NewEntries,
        runner: AttemptRunner,
        policy: JobPolicy,
    ) -> None:
        self._stream = stream
        self._slots = slots
        self._stale_leases = stale_leases
        self._new_entries = new_entries
        self._runner = runner
        self._policy = policy
        self.ready = asyncio.Event()
        """Set before the first read."""
        self.has_read = asyncio.Event()
        """Set once Redis has answered a read."""
        self._stopping = asyncio.Event()
        self._is_unreachable = False

    def stop(self) -> None:
        """Take no more jobs. `run` returns when what runs is finished or handed back."""
        self._slots.close()
        self._stopping.set()

    async def run(self) -> None:
        """Take and run jobs until `stop`."""
        taking = asyncio.create_task(self._take_until_stopped())
        try:
            await self._stopping.wait()
        finally:
            self.stop()
            await self._end_taking(taking)
            await self._drain_slots()

    async def drain(self) -> int:
        """Run what is queued until nothing is left; returns how many attempts that took. Makes tests deterministic."""
        await self._stream.ensure_groups()
        attempts = 0
        while await self._new_entries.read(block=False):
            leased = await self._new_entries.lease()
            self._runner.start(leased)
            attempts += len(leased)
            await self._slots.wait_until_idle()
        return attempts

    # -- taking jobs --------------------------------------------------------------------------------------------

    async def _take_until_stopped(self) -> None:
        with suppress(StoreUnavailable):  # the first read then creates what is missing
            await self._stream.ensure_groups()
        while not self._stopping.is_set():
            await self._slots.wait_for_free()
            self.ready.set()
            try:
                self._runner.start(await self._take())
                self._note_read()
            except Exception as error:  # noqa: BLE001 - nothing that goes wrong with a read may end the reading
                await self._recover(error)

    async def _take(self) -> Sequence[LeasedJob]:
        """Ask the sources in order: what was read but not leased, jobs of dead workers, new entries."""
        leased = await self._new_entries.lease() or await self._stale_leases.take()
        if not leased and await self._new_entries.read():
            leased = await self._new_entries.lease()
        return leased

    async def _recover(self, error: Exception) -> None:
        """Create a missing group again, and wait for an unreachable server. Either is logged once."""
        if isinstance(error, ResponseError) and str(error).startswith("NOGROUP"):
            log.warning("consumer.group_missing", stream=self._stream.stream)
        elif isinstance(error, StoreUnavailable) or is_away(error):
            if not self._is_unreachable:
                log.warning("consumer.redis_unreachable", error_type=type(error).__name__)
            self._is_unreachable = True
        else:
            log.error("consumer.read_failed", exc_info=error)
        with suppress(StoreUnavailable):
            await self._stream.ensure_groups()
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_RETRY_SECONDS):
                await self._stopping.wait()

    def _note_read(self) -> None:
        self.has_read.set()
        if self._is_unreachable:
            log.info("consumer.redis_reachable")
        self._is_unreachable = False

    # -- stopping -----------------------------------------------------------------------------------------------

    async def _end_taking(self, taking: asyncio.Task[None]) -> None:
        """End a blocked read from the outside: cancelling it could lose the entries it was about to be given."""
        while not taking.done():
            try:
                await self._stream.wake()
            except Exception:  # noqa: BLE001 - not permitted or unreachable: the read ends by itself after its block time
                log.info("consumer.unblock_failed")
            await asyncio.wait([taking], timeout=WAKE_SECONDS)

    async def _drain_slots(self) -> None:
        """Wait for what still runs, then hand back what is left."""
        if len(self._slots):
            log.info("consumer.draining", jobs=len(self._slots))
            await self._slots.wait_until_idle(seconds=self._policy.drain_seconds)
        while left := list(self._slots):
            log.info("consumer.handing_back", jobs=len(left))
            for run in left:
                run.interrupt()
            await self._slots.wait_until_idle(seconds=HAND_BACK_SECONDS)
