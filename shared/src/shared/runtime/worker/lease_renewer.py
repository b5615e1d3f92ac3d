"""The heartbeat: a thread of its own that renews this process's leases, whatever the event loop is doing.

A blocked loop keeps its jobs. A lease that was lost (its job taken over, or cancelled) is told to the loop at once,
which stops the work. Past its deadline a lease is let go: a hung attempt must not hold its job for ever.
"""

import asyncio
import threading
from collections.abc import Callable

import structlog
from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.connection import SyncRedisClient, is_away
from shared.domain.jobs.job import JobId, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy

log = structlog.get_logger()

BATCH = 250
"""Leases renewed in one call: about half a millisecond of Redis."""


class _Held(Struct, frozen=True):
    job: LeasedJob
    since: float
    """Monotonic: when the lease was taken, at the latest."""
    until: float
    """Monotonic: after this the lease is not renewed any more."""
    on_lost: Callable[[], None]


class LeaseRenewer:
    """Renews what is held. `hold` and `let_go` are called from the loop, everything else runs in the thread."""

    def __init__(
        self, redis: SyncRedisClient, *, consumer: str, policy: JobPolicy, monotonic: Callable[[], float]
    ) -> None:
        self._redis = redis
        self._consumer = consumer
        self._policy = policy
        self._monotonic = monotonic
        self._held: dict[JobId, _Held] = {}
        self._renewed_at: dict[str, float] = {}
        """Monotonic, by stream: when all its leases were last about to be renewed, and were."""
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
        """Renew this lease until it is let go, is lost, or its attempt is far over its limit."""
        limit = self._policy.attempt_seconds + self._policy.settle_grace_seconds
        now = self._monotonic()
        self._held[job.id] = _Held(job, now, now + limit, on_lost)

    def let_go(self, job: LeasedJob) -> None:
        held = self._held.get(job.id)
        if held is not None and held.job.attempt == job.attempt:
            del self._held[job.id]

    def is_certain(self, job: LeasedJob) -> bool:
        """Whether nobody else can have this job: it was leased or renewed less than a lease ago, by our own clock."""
        held = self._held.get(job.id)
        if held is None or held.job.attempt != job.attempt:
            return False
        renewed_at = self._renewed_at.get(_stream_of(job), 0.0)
        return self._monotonic() < max(held.since, renewed_at) + self._policy.lease_seconds

    def _run(self) -> None:
        while not self._stopping.wait(self._policy.renew_seconds):
            try:
                self.beat()
            except Exception as error:
                # Whatever it is, the thread must outlive it: without it every job of this process is taken over.
                if not is_away(error):
                    log.exception("lease_renewer.failed")
                else:
                    log.warning("lease_renewer.redis_away", error_type=type(error).__name__)

    def beat(self) -> None:
        """Renew every lease once."""
        now = self._monotonic()
        by_stream: dict[str, list[_Held]] = {}
        for held in list(self._held.values()):
            if held.until >= now:
                by_stream.setdefault(_stream_of(held.job), []).append(held)
        for stream, leases in by_stream.items():
            for i in range(0, len(leases), BATCH):
                self._renew(stream, leases[i : i + BATCH])
            self._renewed_at[stream] = now

    def _renew(self, stream: str, leases: list[_Held]) -> None:
        args = [part for held in leases for part in (held.job.entry, held.job.id, held.job.attempt)]
        answers = scripts.run_sync(self._redis, scripts.RENEW, stream, self._consumer, *args)
        for held, answer in zip(leases, answers, strict=True):
            if not answer:
                self._tell_lost(held)

    def _tell_lost(self, held: _Held) -> None:
        # The loop may have settled the job while we asked: then nothing is lost.
        if self._held.get(held.job.id) is not held or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._lose, held)

    def _lose(self, held: _Held) -> None:
        if self._held.get(held.job.id) is held:
            del self._held[held.job.id]
            held.on_lost()


def _stream_of(job: LeasedJob) -> str:
    return keys.work_stream(job.shard, job.stream)
