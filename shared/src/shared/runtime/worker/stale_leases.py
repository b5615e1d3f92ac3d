"""The first source of jobs: leases of dead workers, in the shards where a sweep allowed claiming (decision 23)."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.attempts.slots import Slots

log = structlog.get_logger()


class StaleLeases:
    """Claims for free slots. Without a shard that may be claimed in it sends no command."""

    def __init__(
        self,
        stream: JobStream,
        slots: Slots,
        policy: JobPolicy,
        monotonic: Callable[[], float],
        metrics: JobMetrics,
    ) -> None:
        self._stream = stream
        self._slots = slots
        self._policy = policy
        self._monotonic = monotonic
        self._metrics = metrics
        self._claimable_until: dict[int, float] = {}
        """Shard → monotonic time until which what the sweep saw may be acted upon."""
        self._claiming = asyncio.Lock()

    def allow(self, shard: int) -> None:
        """A sweep found leases in `shard` that are stale while Redis was reachable."""
        self._claimable_until[shard] = self._monotonic() + self._policy.claim_seconds

    async def take(self) -> Sequence[LeasedJob]:
        """Claim from one shard as many jobs as there are free slots. Nothing: there is no more to claim, or no slot."""
        async with self._claiming:
            for shard, until in list(self._claimable_until.items()):
                free = self._slots.free
                if free <= 0:
                    break
                claimed = await self._claim(shard, free) if self._monotonic() < until else ()
                if len(claimed) < free:
                    del self._claimable_until[shard]
                if claimed:
                    return claimed
        return ()

    async def _claim(self, shard: int, limit: int) -> Sequence[LeasedJob]:
        claimed = await self._stream.claim(shard, limit, with_suspect=not self._slots.has_suspect)
        self._metrics.reclaimed(claimed)
        for one in claimed:
            log.warning("job.claimed", job_id=one.id, kind=one.kind, attempt=one.attempt)
        return claimed
