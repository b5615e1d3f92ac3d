"""Closes attempts: decides, saves what is final, then settles. Attempts that end together are settled in one call."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from shared.adapters.batcher import Batcher
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.errors import HandedBack, LeaseLost, StoreUnavailable, Unexpected
from shared.domain.jobs.bought_step import BoughtStep
from shared.domain.jobs.job import JobId, JobState, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Fail, Outcome, Retry
from shared.domain.jobs.settlement import Settlement, decide, hand_back
from shared.domain.tracing import NO_TRACER, SpanName, Tracer
from shared.domain.usage import Usage
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.maintenance.maintenance_schedule import MaintenanceSchedule
from shared.runtime.worker.store_retry import until_available

log = structlog.get_logger()

MAX_SETTLED = 64
"""Attempts settled in one call: enough to share a round trip, few enough that the first slots are free again while the
next attempts are settled."""

Ending = Outcome | JobSnapshot | None
"""How an attempt ended: with an outcome, with the row an earlier attempt had saved, or interrupted (None)."""


class Results(Protocol):
    """Keeps the rows of final jobs: `shared.adapters.postgres.result_store.ResultStore`."""

    async def save(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def find(self, job_id: JobId) -> JobSnapshot | None: ...


class Settler:
    """Closes the attempts of one stream's jobs."""

    def __init__(
        self,
        stream: JobStream,
        results: Results,
        schedule: MaintenanceSchedule,
        policy: JobPolicy,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        metrics: JobMetrics,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._stream = stream
        self._results = results
        self._policy = policy
        self._clock = clock
        self._jitter = jitter
        self._schedule = schedule
        self._metrics = metrics
        self._tracer = tracer
        self._batcher = Batcher[Settlement, bool](
            self._write, count=lambda ready: min(len(ready), MAX_SETTLED)
        )

    async def find_saved(self, job: LeasedJob) -> JobSnapshot | None:
        """The row of an earlier attempt that died between its save and its settlement."""
        if job.attempt == 1:
            return None
        saved = await until_available(
            lambda: self._results.find(job.id), seconds=self._policy.settle_grace_seconds
        )
        return saved if saved and saved.state is JobState.SUCCEEDED else None

    async def settle(
        self, job: LeasedJob, ending: Ending, usage: Usage, steps: Sequence[BoughtStep] = ()
    ) -> Settlement | None:
        """Close the attempt. The row keeps `steps`, which the job has bought. Returns None if nothing was settled, because another attempt owns the job or Redis is unreachable."""
        match ending:
            case None:
                settlement = hand_back(job, HandedBack().problem, usage=usage, now=self._clock())
            case JobSnapshot():
                settlement = Settlement(
                    job=job, state=ending.state, usage=ending.usage, failures=job.failures
                )
            case _:
                settlement = self._decide(job, ending, usage)
                if settlement.is_final:
                    settlement = await self._save(settlement, steps)
        return await self._settle(settlement)

    async def _save(self, settlement: Settlement, steps: Sequence[BoughtStep]) -> Settlement:
        """Save the row. Returns what is to be settled, which differs when the row cannot be kept."""
        row = to_final(settlement, steps, now=self._clock())
        try:
            with self._tracer.span(SpanName.SAVE, job_id=row.id):
                await until_available(
                    lambda: self._results.save([row]), seconds=self._policy.settle_grace_seconds
                )
        except StoreUnavailable as error:
            again = Retry(error.problem, after=error.retry_after, counted=False)
            return self._decide(settlement.job, again, settlement.usage)
        except Unexpected as error:
            if settlement.done is None:
                raise
            log.error("job.result_refused")  # Postgres would refuse it again, so the job fails
            refused = self._decide(settlement.job, Fail(error.problem), settlement.usage)
            return await self._save(refused, ())
        return settlement

    def _decide(self, job: LeasedJob, outcome: Outcome, usage: Usage) -> Settlement:
        return decide(job, outcome, self._policy.retry, usage=usage, now=self._clock(), jitter=self._jitter())

    async def _settle(self, settlement: Settlement) -> Settlement | None:
        stream, state = settlement.job.stream, settlement.state
        try:
            with self._tracer.span(SpanName.SETTLE, stream=stream, state=state) as span:
                is_settled = await until_available(
                    lambda: self._batcher.add(settlement), seconds=self._policy.settle_grace_seconds
                )
                if not is_settled:
                    span.fail(LeaseLost.code)
        except StoreUnavailable:
            # The lease runs out, and another attempt goes on.
            log.warning("job.abandoned", reason="redis_unreachable")
            self._metrics.lost(settlement.job, StoreUnavailable)
            return None
        if not is_settled:
            log.warning("job.settle_refused", state=settlement.state)
            self._metrics.fenced(settlement.job)
            self._metrics.lost(settlement.job)
            return None
        self._announce(settlement)
        return settlement

    async def _write(self, batch: list[Settlement]) -> Sequence[bool]:
        settled = await self._stream.settle(batch, now=self._clock())
        return [settled[one.job.id] for one in batch]

    def _announce(self, settlement: Settlement) -> None:
        problem = settlement.problem
        log.info("job.settled", state=settlement.state, code=problem.code if problem else None)
        if settlement.retry_at is not None:
            self._schedule.promote_within(settlement.retry_at - self._clock())


def to_final(settlement: Settlement, steps: Sequence[BoughtStep] = (), *, now: float) -> JobSnapshot:
    """The row a final settlement leaves in Postgres."""
    job, done = settlement.job, settlement.done
    return JobSnapshot(
        id=job.id,
        user=job.user,
        kind=job.kind,
        state=settlement.state,
        attempt=job.attempt,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=now,
        plan=job.plan,
        usage=settlement.usage,
        windows=job.windows,
        model=done.model if done else "",
        generated_by=done.generated_by if done else "",
        fallback_used=done.fallback_used if done else False,
        title=job.title,
        result=msgspec.json.encode(done.result) if done else None,
        problem=settlement.problem,
        steps=tuple(steps),
    )
