"""The time limits and other numbers of job processing."""

from msgspec import Struct

from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.retry_policy import RetryPolicy


class JobPolicy(Struct, frozen=True, kw_only=True):
    lease_seconds: float = 10.0
    """A lease that is not renewed for this long is stale. It is short, so that another worker takes over the jobs of a dead one in
    seconds."""
    renew_seconds: float = 2.0
    """Interval of renewals: five per lease. A renewal also tells the worker that its job was cancelled (promised: within 3 s)."""
    sweep_seconds: float = 2.0
    """Interval at which the fleet looks for stale leases while there is work."""
    idle_sweep_seconds: float = 6.0
    """The same interval while there is no work. It is shorter than a lease, and costs Redis about one command per second."""
    claim_seconds: float = 5.0
    """How long a sweep's finding may be acted upon. It covers several sweeps and is shorter than a lease, so that a lease does not
    look stale only because Redis was unreachable since."""
    block_seconds: float = 5.0
    """How long a blocking read waits for work before it is repeated."""
    attempt_seconds: float = 300.0
    """An attempt that takes longer is stopped and counts as a failure."""
    settle_grace_seconds: float = 60.0
    """How long a lease is renewed after the time limit of its attempt, for saving and settling. After that a hung process loses it."""
    drain_seconds: float = 25.0
    """How long running jobs may finish after SIGTERM; the others are handed back. Below the usual 30 s grace of a container."""
    offline_after_seconds: float = 120.0
    """Age from which the offline generator may take over a job if its plan allows it; at the last attempt it may at any age. Late
    enough to outlast a short outage of the provider, and soon enough for a learner who waits."""
    park_seconds: float = 30.0
    """How long a job with a kind or version of a newer release waits before it is read again."""
    claim_scan_entries: int = 10_000
    """Pending entries that one sweep reads, which bounds its cost for Redis to about a millisecond."""
    backlog_entries: int = 100_000
    """Limit of entries per shard and stream; beyond it a submission is refused with 503."""
    overload_retry_seconds: float = 30.0
    """The `Retry-After` of such a refusal."""
    retry: RetryPolicy = RetryPolicy()

    def is_last_resort(self, job: LeasedJob, *, now: float) -> bool:
        """Whether the offline generator may take over in this attempt if no model is available."""
        return self.retry.is_exhausted(job.failures + 1) or now - job.created_at >= self.offline_after_seconds

    def is_suspect(self, job: LeasedJob) -> bool:
        """Whether one more crash would make it a dead letter. Suspects do not run side by side, so that a job that did not cause
        the crashes is not counted down by one that did."""
        return 0 < job.crashes == self.retry.suspect_crashes
