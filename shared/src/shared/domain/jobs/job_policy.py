"""The numbers that decide about a job's life, each with its unit and its reason."""

from msgspec import Struct

from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.retry_policy import RetryPolicy


class JobPolicy(Struct, frozen=True, kw_only=True):
    lease_seconds: float = 10.0
    """A lease that is not renewed for this long is stale: short, so that a dead worker's jobs move on in seconds."""
    renew_seconds: float = 2.0
    """Five chances per lease; also how soon an owner learns that its job was cancelled (promised: 3 s)."""
    sweep_seconds: float = 2.0
    """How often somebody in the fleet looks for stale leases, while there is work."""
    idle_sweep_seconds: float = 6.0
    """The same while there is none: still well within a lease, at a command a second."""
    claim_seconds: float = 5.0
    """How long a sweep's leave to claim holds, for the next free slot to act upon: several sweeps, and well within a
    lease, so that what looks stale was not just a Redis that went away since."""
    block_seconds: float = 5.0
    """How long a read waits for work before it asks again."""
    attempt_seconds: float = 300.0
    """An attempt that takes longer is stopped and counts as a failure."""
    settle_grace_seconds: float = 60.0
    """After its attempt's limit a lease is renewed for this long, to save and settle; then a hung process loses it."""
    drain_seconds: float = 25.0
    """After SIGTERM: finish what runs, then hand the rest back; below a container's usual 30 s grace."""
    offline_after_seconds: float = 120.0
    """A job this old, or at its last attempt, may be answered by the offline generator when its plan allows it: late
    enough to outlast a provider's hiccup, soon enough for a learner who waits."""
    park_seconds: float = 30.0
    """How long a job of a newer release's kind or version waits before somebody looks at it again."""
    claim_scan_entries: int = 10_000
    """Pending entries one sweep looks at: a bound on what it costs Redis (about a millisecond)."""
    backlog_entries: int = 100_000
    """Entries per shard and stream; beyond, a submission is refused with 503."""
    overload_retry_seconds: float = 30.0
    """What a refused submitter is told to wait."""
    retry: RetryPolicy = RetryPolicy()

    def is_last_resort(self, job: LeasedJob, *, now: float) -> bool:
        """Whether this attempt had better bring something, even if no model can."""
        return self.retry.is_exhausted(job.failures + 1) or now - job.created_at >= self.offline_after_seconds

    def is_suspect(self, job: LeasedJob) -> bool:
        """Whether it may be what killed its owners, and one more crash would be its last: it runs beside no other
        suspect, so that the innocent among them live."""
        return 0 < job.crashes == self.retry.suspect_crashes
