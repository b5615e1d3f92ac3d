"""Metrics of a worker's jobs: how long they wait, how their attempts end, how long they take."""

import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.domain.errors import HandedBack, JobError, LeaseLost, StoreUnavailable, tree
from shared.domain.jobs.job import JobState, Kind, LeasedJob, StreamName, UserId
from shared.domain.jobs.settlement import Settlement
from shared.domain.llm.provider import Completion
from shared.domain.provider_errors import ProviderError
from shared.domain.study.material import Quality
from shared.domain.study.validation import REASONS
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

OTHER = "other"
TENANT_SHARDS = 16
OUTCOMES = ("succeeded", "failed", "dead_lettered", "retried")
RESULTS = {"succeeded": "done", "failed": "fail", "dead_lettered": "fail", "retried": "retry"}
KINDS = frozenset(Kind)
CODES = sorted(
    {StoreUnavailable.code, *(error.code for root in (JobError, ProviderError) for error in tree(root))}
)
"""Codes of all errors that can end an attempt."""


class JobMetrics:
    """Metrics of the jobs of one stream in this process. `plans` are the names of the tiers."""

    def __init__(
        self,
        meter: Meter,
        stream: StreamName,
        plans: Iterable[str],
        models: ModelMetrics | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._models = models
        self._tiers = frozenset(plans)
        self._clock = clock
        kinds = [*(kind for kind in Kind if kind.stream is stream), OTHER]
        tiers = [*sorted(self._tiers), OTHER]
        self._settled = meter.counter("etude_jobs_settled_total")
        self._settled.expect(kinds, tiers, OUTCOMES)
        self._attempts = meter.counter("etude_job_attempts_total")
        self._attempts.expect(kinds, ["done"], [""])
        self._attempts.expect(kinds, ["retry", "fail"], CODES)
        self._attempts.expect(kinds, ["lost"], [LeaseLost.code, StoreUnavailable.code])
        self._attempts.expect(kinds, ["handed_back"], [HandedBack.code])
        self._waits = meter.histogram("etude_job_queue_wait_seconds")
        self._waits.expect(kinds, ["first", "redelivery"])
        self._fairness = meter.histogram("etude_job_fairness_wait_seconds")
        self._fairness.expect([str(shard) for shard in range(TENANT_SHARDS)])
        self._processing = meter.histogram("etude_job_processing_seconds")
        self._processing.expect(kinds, OUTCOMES)
        self._end_to_end = meter.histogram("etude_job_end_to_end_seconds")
        self._end_to_end.expect(kinds, tiers)
        self._deliveries = meter.histogram("etude_job_deliveries").of(stream)
        self._reclaimed = meter.counter("etude_jobs_reclaimed_total").of(stream)
        self._lost = meter.counter("etude_job_lease_lost_total")
        self._lost.expect(kinds)
        self._fenced = meter.counter("etude_fenced_writes_total")
        self._fenced.expect(kinds)
        self._items = meter.counter("etude_items_rejected_total")
        self._items.expect(kinds, REASONS)
        self._uncharged = meter.counter("etude_tokens_uncharged_total")
        self._uncharged.expect(kinds)
        self._slots = meter.gauge("etude_worker_slots").of(stream)
        self._busy = meter.gauge("etude_worker_slots_busy").of(stream)
        self._polled = meter.gauge("etude_worker_last_poll_timestamp_seconds").of(stream)

    def track_slots(self, *, slots: int, busy: Callable[[], int]) -> None:
        """Expose the number of slots, and at each scrape how many are busy."""
        self._slots.set(slots)
        self._busy.read_from(busy)

    def polled(self) -> None:
        self._polled.set(self._clock())

    def leased(self, leased: Sequence[LeasedJob]) -> None:
        """Count jobs that were leased, for the first time or again."""
        now = self._clock()
        for job in leased:
            if job.attempt == 1:
                wait = max(0.0, now - job.created_at)
                self._waits.of(kind_of(job), "first").observe(wait)
                self._fairness.of(_tenant_shard(job.user)).observe(wait)
            else:
                since = int(job.entry.partition("-")[0]) / 1000
                self._waits.of(kind_of(job), "redelivery").observe(max(0.0, now - since))

    def reclaimed(self, leased: Sequence[LeasedJob]) -> None:
        """Count jobs taken over from dead workers. How long they had been stale is unknown."""
        self._reclaimed.add(len(leased))

    def lost(self, job: LeasedJob, error: type[LeaseLost] | type[StoreUnavailable] = LeaseLost) -> None:
        """Count an attempt that ended without settling its job."""
        self._lost.of(kind_of(job)).add()
        self._attempts.of(kind_of(job), "lost", error.code).add()

    def fenced(self, job: LeasedJob) -> None:
        """Count a write that the fence refused."""
        self._fenced.of(kind_of(job)).add()

    def completion_lost(self, completion: Completion[Any]) -> None:
        """Count a completion that was paid for but could not be kept."""
        if self._models:
            self._models.lost(completion)

    def uncharged(self, job: LeasedJob, tokens: int) -> None:
        """Count what a call used beyond the job's hold."""
        self._uncharged.of(kind_of(job)).add(tokens)

    def settled(self, settlement: Settlement, *, seconds: float) -> None:
        """Count a settled attempt. `seconds` is the time since its lease."""
        job, outcome, problem = settlement.job, _outcome(settlement), settlement.problem
        kind, tier = kind_of(job), job.plan if job.plan in self._tiers else OTHER
        code = problem.code if problem else ""
        result = HandedBack.code if code == HandedBack.code else RESULTS[outcome]
        self._settled.of(kind, tier, outcome).add()
        self._attempts.of(kind, result, code).add()
        self._processing.of(kind, outcome).observe(seconds)
        if settlement.is_final:
            self._end_to_end.of(kind, tier).observe(max(0.0, self._clock() - job.created_at))
            self._deliveries.observe(job.attempt)
        if settlement.done is not None:
            self._count_dropped(kind, getattr(settlement.done.result, "quality", None))

    def _count_dropped(self, kind: str, quality: object) -> None:
        for reason, count in quality.dropped.items() if isinstance(quality, Quality) else ():
            self._items.of(kind, reason).add(count)


def kind_of(job: LeasedJob) -> str:
    return job.kind if job.kind in KINDS else OTHER


def _tenant_shard(user: UserId) -> str:
    return str(zlib.crc32(user.encode()) % TENANT_SHARDS)


def _outcome(settlement: Settlement) -> str:
    if settlement.is_dead:
        return "dead_lettered"
    return "retried" if settlement.state is JobState.QUEUED else str(settlement.state)
