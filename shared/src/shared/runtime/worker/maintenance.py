"""Housekeeping: what nobody else would do. Claims the jobs of dead workers, promotes retries on time, gives expired
holds back, saves the rows of jobs that a script made final, and restores the budgets of a Redis that lost them.

One process of the fleet sweeps at a time, and rarely; a retry this process parked itself is promoted to the moment.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from msgspec.structs import replace

from shared.adapters.redis import keys
from shared.adapters.redis.job_stream import JobStream, Sweep
from shared.adapters.redis.maintenance_store import MaintenanceStore
from shared.domain.budgets import Charge, expiries
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import LeasedJob, UserId
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot

log = structlog.get_logger()

TURN = 0.75
"""Of a sweep's interval is nobody else's: less than the shortest pause, so that nobody finds themselves in the way."""
PAGE = 1_000
"""Budgets restored in one call: about a millisecond of Redis."""
SHORTEST_PAUSE = 0.8
"""Of the interval; the longest is as much above it. Spreads the sweepers of a fleet."""


class Results(Protocol):
    """Where rows are saved as the record tells them: `shared.adapters.postgres.result_store.ResultStore`."""

    async def save_told(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]: ...


class Maintenance:
    """The sweeper of one process. `free` says how many jobs it may claim, `has_suspect` whether a suspect is not to be
    among them, `start` takes them."""

    def __init__(
        self,
        stream: JobStream,
        room: MaintenanceStore,
        results: Results,
        *,
        free: Callable[[], int],
        has_suspect: Callable[[], bool],
        start: Callable[[Sequence[LeasedJob]], None],
        policy: JobPolicy,
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._stream = stream
        self._room = room
        self._results = results
        self._free = free
        self._has_suspect = has_suspect
        self._start = start
        self._policy = policy
        self._monotonic = monotonic
        self._jitter = jitter
        self._pause = policy.sweep_seconds
        self._due_at = float("inf")
        self._claimable: dict[int, float] = {}
        """Shards that a sweep found fit to be claimed in, and until when that may be acted upon."""
        self._claiming = asyncio.Lock()
        self._is_next_awaited = False
        self._woken = asyncio.Event()

    def expect_due(self, seconds: float) -> None:
        """A retry of this stream comes due in so many seconds: be there."""
        due_at = self._monotonic() + max(0.0, seconds)
        if due_at < self._due_at:
            self._due_at = due_at
            self._woken.set()

    def expect_next(self) -> None:
        """A suspect that ran here is gone: take the next one, if any waits for its turn."""
        self._is_next_awaited = True
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. A store that is away is waited for."""
        sweep_at = 0.0
        while True:
            try:
                if self._is_next_awaited or self._monotonic() >= sweep_at:
                    self._is_next_awaited = False
                    sweep_at = self._monotonic() + await self.sweep() * self._spread()
                if self._monotonic() >= self._due_at:
                    await self.promote()
            except StoreUnavailable:
                sweep_at = self._monotonic() + self._policy.sweep_seconds
                self._due_at = max(self._due_at, sweep_at)
            except Exception:
                # A fault in here must not end all recovery.
                log.exception("housekeeping.failed")
                sweep_at = self._monotonic() + self._policy.sweep_seconds
            await self._sleep(min(sweep_at, self._due_at))

    def _spread(self) -> float:
        return SHORTEST_PAUSE + 2 * (1 - SHORTEST_PAUSE) * self._jitter()

    async def _sleep(self, until: float) -> None:
        self._woken.clear()
        if self._is_next_awaited:
            return
        try:
            async with asyncio.timeout(max(0.0, until - self._monotonic())):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def sweep(self) -> float:
        """Look once for forgotten work in every shard; returns the seconds until the next look."""
        policy, found_any, was_looked_at = self._policy, False, False
        for shard in range(self._stream.shards):
            found = await self._stream.sweep(shard, interval_seconds=TURN * policy.sweep_seconds)
            if found is None:
                continue
            was_looked_at = True
            if found.may_claim:
                self._claimable[shard] = self._monotonic() + policy.claim_seconds
                await self.claim_first()
            if found.lost_at_ms:
                await self._restore(shard, found)
            if found.has_waiting:
                await self._look_after(shard)
            found_any = found_any or found.entries > 0 or found.has_waiting
        if was_looked_at:  # else somebody else looked just now, and we keep our pace
            self._pause = policy.sweep_seconds if found_any else policy.idle_sweep_seconds
        return self._pause

    async def claim_first(self) -> None:
        """Take over as many jobs of dead workers as there are free slots. To be called before anything new is read: a
        backlog that fills every slot at once would keep them waiting to its end."""
        async with self._claiming:
            for shard, until in list(self._claimable.items()):
                free = self._free()
                if free <= 0:
                    return
                if self._monotonic() >= until or await self._claim(shard, free) < free:
                    del self._claimable[shard]

    async def _claim(self, shard: int, limit: int) -> int:
        claimed = await self._stream.claim(shard, limit, with_suspect=not self._has_suspect())
        for one in claimed:
            log.warning("job.claimed", job_id=one.id, kind=one.kind, attempt=one.attempt)
        self._start(claimed)
        return len(claimed)

    async def _look_after(self, shard: int) -> None:
        await self._room.promote(shard)
        if expired := await self._room.expire_holds(shard):
            log.warning("holds.expired", count=expired)
        if unsaved := await self._room.unsaved(shard):
            await self._results.save_told(unsaved)
            await self._room.forget_unsaved(shard, [job.id for job in unsaved])

    async def _restore(self, shard: int, found: Sweep) -> None:
        """Budgets of a Redis that lost everything, or never had anything: what Postgres knows was used before."""
        ends, after = expiries(found.now_ms / 1000), None
        is_last = False
        while not is_last:
            page = await self._results.charged_before(
                found.lost_at_ms / 1000, list(ends), after=after, limit=PAGE
            )
            is_last, after = len(page) < PAGE, page[-1] if page else None
            mine = [
                replace(one, expires_at_ms=ends[one.window])
                for one in page
                if keys.shard_of(UserId(one.user), self._stream.shards) == shard
            ]
            if not await self._room.restore(shard, mine, lost_at_ms=found.lost_at_ms, is_last=is_last):
                return
            if mine:
                log.warning("budgets.restored", shard=shard, count=len(mine))

    async def promote(self) -> None:
        """Move what is due into the streams, and be there for the next."""
        waits = [await self._room.promote(shard) for shard in range(self._stream.shards)]
        upcoming = [wait for wait in waits if wait is not None]
        self._due_at = self._monotonic() + min(upcoming) if upcoming else float("inf")
