"""Renews this process's leases from a thread of its own, so that a blocked event loop keeps its jobs.

When a lease is lost, because its job was taken over or cancelled, the thread tells the loop at once, and the attempt
stops. Past the attempt's deadline a lease is no longer renewed: a hung attempt must not hold its job for ever.
"""

import asyncio
import threading
from collections.abc import Callable

import structlog
from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import SyncRedisClient
from shared.adapters.redis.connection import is_away
from shared.domain.jobs.job import JobId, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy

log = structlog.get_logger()

BATCH = 250
"""Leases renewed in one call: about half a millisecond of Redis."""


class _Held(Struct, frozen=True):
    job: LeasedJob
    since: float
    """Monotonic time by which the lease had been taken."""
    until: float
    """Monotonic time after which the lease is not renewed."""
    on_lost: Callable[[], None]


class LeaseRenewer:
    """Renews the leases that are held. The loop calls `hold` and `let_go`; everything else runs in the thread."""

    def __init__(
        self, redis: SyncRedisClient, *, consumer: str, policy: JobPolicy, monotonic: Callable[[], float]
    ) -> None:
        self._redis = redis
        self._consumer = consumer
        self._policy = policy
        self._monotonic = monotonic
        self._held: dict[JobId, _Held] = {}
        self._renewed_at: dict[str, float] = {}
        """Stream → monotonic time at which the last renewal of all its leases began. Only complete renewals count."""
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="lease_renewer", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def hold(self, job: LeasedJob, on_lost: Callable[[], None]) -> None:
        """Renew this lease until it is let go or lost, or its attempt exceeds its limit and the grace to settle."""
        limit = self._policy.attempt_seconds + self._policy.settle_grace_seconds
        now = self._monotonic()
        self._held[job.id] = _Held(job, now, now + limit, on_lost)

    def let_go(self, job: LeasedJob) -> None:
        held = self._held.get(job.id)
        if held is not None and held.job.attempt == job.attempt:
            del self._held[job.id]

    def is_certain(self, job: LeasedJob) -> bool:
        """Whether no other process can own this job: its lease was taken or renewed less than a lease ago (decision 22)."""
        held = self._held.get(job.id)
        if held is None or held.job.attempt != job.attempt:
            return False
        renewed_at = self._renewed_at.get(_stream_of(job), 0.0)
        return self._monotonic() < max(held.since, renewed_at) + self._policy.lease_seconds

    def _run(self) -> None:
        while not self._stopping.wait(self._policy.renew_seconds):
            try:
                self.renew()
            except Exception as error:
                # The thread must survive any error: without it all jobs of this process would be taken over.
                if not is_away(error):
                    log.exception("lease_renewer.failed")
                else:
                    log.warning("lease_renewer.redis_unreachable", error_type=type(error).__name__)

    def renew(self) -> None:
        """Renew every lease once."""
        now = self._monotonic()
        by_stream: dict[str, list[_Held]] = {}
        for held in list(self._held.values()):
            if held.until >= now:
                by_stream.setdefault(_stream_of(held.job), []).append(held)
        for stream, leases in by_stream.items():
            for i in range(0, len(leases), BATCH):
                self._renew_batch(stream, leases[i : i + BATCH])
            self._renewed_at[stream] = now

    def _renew_batch(self, stream: str, leases: list[_Held]) -> None:
        args = [part for held in leases for part in (held.job.entry, held.job.id, held.job.attempt)]
        replies = scripts.run_sync(self._redis, scripts.RENEW, stream, self._consumer, *args)
        for held, is_renewed in zip(leases, replies, strict=True):
            if not is_renewed:
                self._report_lost(held)

    def _report_lost(self, held: _Held) -> None:
        # The loop may have settled the job during the call; then nothing is lost.
        if self._held.get(held.job.id) is not held or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._lose, held)

    def _lose(self, held: _Held) -> None:
        if self._held.get(held.job.id) is held:
            del self._held[held.job.id]
            held.on_lost()


def _stream_of(job: LeasedJob) -> str:
    return keys.work_stream(job.shard, job.stream)
