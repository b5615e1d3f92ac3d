"""Maintenance: recovers what no request or attempt would.

It claims the jobs of dead workers, promotes retries on time, expires holds, saves the rows of jobs that a script made
final, finishes removals that broke off, and restores lost budgets. One process of the fleet sweeps at a time, and rarely; each process promotes the
retries it caused itself to the moment.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from shared.adapters.redis.jobs.job_stream import JobStream
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.adapters.redis.scripts import SweepReply
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.runtime.erasure.job_remover import JobRemover, RemovedRows
from shared.runtime.worker.maintenance.budget_restoring import Charges, restore_budgets
from shared.runtime.worker.maintenance.maintenance_schedule import NEVER, MaintenanceSchedule
from shared.runtime.worker.stale_leases import StaleLeases

log = structlog.get_logger()

MIN_PAUSE_FRACTION = 0.8
"""Shortest pause between two sweeps of a process, as a fraction of the sweep interval; the longest is as much above it.
Spreads the sweepers of a fleet."""
SWEEP_LOCK_FRACTION = 0.75
"""TTL of the sweep lock, as a fraction of the sweep interval. It is below `MIN_PAUSE_FRACTION`, or a lone worker would be
blocked by its own lock."""


class Results(Charges, RemovedRows, Protocol):
    """Where rows are saved: `shared.adapters.postgres.result_store.ResultStore`."""

    async def save_records(self, jobs: Sequence[JobSnapshot]) -> None: ...


class Maintenance:
    """The sweeper of one process. `start` runs the jobs it claims."""

    def __init__(
        self,
        stream: JobStream,
        store: MaintenanceStore,
        results: Results,
        stale_leases: StaleLeases,
        schedule: MaintenanceSchedule,
        start: Callable[[Sequence[LeasedJob]], None],
        policy: JobPolicy,
        jitter: Callable[[], float],
    ) -> None:
        self._stream = stream
        self._store = store
        self._results = results
        self._stale_leases = stale_leases
        self._schedule = schedule
        self._start = start
        self._policy = policy
        self._jitter = jitter
        self._remover = JobRemover(store.removals(stream.shards), results)
        self._pause_seconds = policy.sweep_seconds

    async def run(self) -> None:
        """Act whenever something is due, until cancelled."""
        while True:
            await self._schedule.wait()
            if self._schedule.take_sweep():
                self._schedule.sweep_within(await self._seconds_after(self._sweep_and_pause))
            if self._schedule.take_promotion():
                self._schedule.promote_within(await self._seconds_after(self.promote))

    async def _seconds_after(self, action: Callable[[], Awaitable[float]]) -> float:
        """Do it; returns in how many seconds to do it again. No fault in here may end all recovery."""
        try:
            return await action()
        except StoreUnavailable:
            pass
        except Exception:
            log.exception("maintenance.failed")
        return self._policy.sweep_seconds

    async def _sweep_and_pause(self) -> float:
        spread = MIN_PAUSE_FRACTION + 2 * (1 - MIN_PAUSE_FRACTION) * self._jitter()
        return await self.sweep() * spread

    async def sweep(self) -> float:
        """Look once for forgotten work in every shard; returns the seconds until the next look."""
        interval_seconds = SWEEP_LOCK_FRACTION * self._policy.sweep_seconds
        found = [
            await self._sweep_shard(shard, interval_seconds=interval_seconds)
            for shard in range(self._stream.shards)
        ]
        swept = [one for one in found if one is not None]
        if swept:  # otherwise another process has just looked, and this one keeps its pace
            is_busy = any(one.entries > 0 or one.has_waiting for one in swept)
            self._pause_seconds = self._policy.sweep_seconds if is_busy else self._policy.idle_sweep_seconds
        return self._pause_seconds

    async def _sweep_shard(self, shard: int, *, interval_seconds: float) -> SweepReply | None:
        found = await self._stream.sweep(shard, interval_seconds=interval_seconds)
        if found is None:
            return None
        if found.may_claim:
            self._stale_leases.allow(shard)
            while claimed := await self._stale_leases.take():
                self._start(claimed)
        if found.lost_at_ms:
            await restore_budgets(self._store, self._results, found, shard=shard, shards=self._stream.shards)
        if found.has_waiting:
            await self._process_waiting(shard)
        return found

    async def _process_waiting(self, shard: int) -> None:
        await self._store.promote(shard)
        if expired := await self._store.expire_holds(shard):
            log.warning("holds.expired", count=expired)
        if unsaved := await self._store.unsaved(shard):
            ended = [job for job in unsaved if not job.is_erased]
            await self._results.save_records(ended)
            await self._store.forget_unsaved(shard, [job.id for job in ended])
            for job in unsaved:
                if job.is_erased:
                    await self._remover.remove(job.user, job.id, job.kind)

    async def promote(self) -> float:
        """Move due retries into the streams; returns the seconds until the next one is due."""
        waits = [await self._store.promote(shard) for shard in range(self._stream.shards)]
        return min((wait for wait in waits if wait is not None), default=NEVER)
