"""The settler: closes attempts. Decides, saves what is final, then settles; what finishes together is settled together."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from shared.adapters.redis.job_stream import JobStream
from shared.domain.errors import HandedBack, LeaseLost, StoreUnavailable, Unexpected
from shared.domain.jobs.job import JobId, JobState, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Fail, Outcome, Retry
from shared.domain.jobs.settlement import Settlement, decide, hand_back
from shared.domain.tracing import NO_TRACER, SpanName, Tracer
from shared.domain.usage import Usage
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.store_retry import until_available

log = structlog.get_logger()

TOGETHER = 64
"""Attempts settled in one call: enough to share a round trip, few enough that the first slots are free, and read for
again, while the next ones are settled."""


class Results(Protocol):
    """Where final jobs are kept: `shared.adapters.postgres.result_store.ResultStore`."""

    async def save(self, jobs: Sequence[JobSnapshot]) -> None: ...

    async def find(self, job_id: JobId) -> JobSnapshot | None: ...


class Settler:
    """Closes the attempts of one stream's jobs."""

    def __init__(
        self,
        stream: JobStream,
        results: Results,
        *,
        policy: JobPolicy,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        on_retry: Callable[[float], None],
        watch: JobMetrics,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._stream = stream
        self._results = results
        self._policy = policy
        self._clock = clock
        self._jitter = jitter
        self._on_retry = on_retry
        self._watch = watch
        self._tracer = tracer
        self._arriving: list[tuple[Settlement, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def find_saved(self, job: LeasedJob) -> JobSnapshot | None:
        """What an earlier attempt saved before it died on the way to its settlement."""
        if job.attempt == 1:
            return None
        saved = await until_available(
            lambda: self._results.find(job.id), seconds=self._policy.settle_grace_seconds
        )
        return saved if saved and saved.state is JobState.SUCCEEDED else None

    async def adopt(self, job: LeasedJob, saved: JobSnapshot) -> Settlement | None:
        """Settle with the result that is there already. Returns what was settled, as the next two do; None: nothing."""
        return await self._settle(
            Settlement(job=job, state=saved.state, usage=saved.usage, failures=job.failures)
        )

    async def give_back(self, job: LeasedJob, usage: Usage) -> Settlement | None:
        """Hand the job to the next reader, unharmed."""
        return await self._settle(hand_back(job, HandedBack().problem, usage=usage, now=self._clock()))

    async def close(self, job: LeasedJob, outcome: Outcome, usage: Usage) -> Settlement | None:
        """Save and settle what the attempt came to. While Postgres is away the job is kept, and later handed on."""
        settlement = self._decide(job, outcome, usage)
        if settlement.is_final:
            settlement = await self._save(settlement)
        return await self._settle(settlement)

    async def _save(self, settlement: Settlement) -> Settlement:
        """Save the row; what is to be settled then: another end, when the row cannot be kept."""
        row = to_final(settlement, now=self._clock())
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
            log.error("job.result_refused")  # by Postgres, and it would be again: the job ends without it
            return await self._save(self._decide(settlement.job, Fail(error.problem), settlement.usage))
        return settlement

    def _decide(self, job: LeasedJob, outcome: Outcome, usage: Usage) -> Settlement:
        return decide(job, outcome, self._policy.retry, usage=usage, now=self._clock(), jitter=self._jitter())

    async def _settle(self, settlement: Settlement) -> Settlement | None:
        stream, state = settlement.job.stream, settlement.state
        try:
            with self._tracer.span(SpanName.SETTLE, stream=stream, state=state) as span:
                is_settled = await until_available(
                    lambda: self._join(settlement), seconds=self._policy.settle_grace_seconds
                )
                if not is_settled:
                    span.fail(LeaseLost.code)
        except StoreUnavailable:
            log.warning(
                "job.left", reason="redis away for too long"
            )  # its lease runs out; another attempt goes on
            self._watch.lost(settlement.job, StoreUnavailable)
            return None
        if not is_settled:
            log.warning("job.settle_refused", state=settlement.state)
            self._watch.fenced(settlement.job)
            self._watch.lost(settlement.job)
            return None
        self._say(settlement)
        return settlement

    async def _join(self, settlement: Settlement) -> bool:
        """Settle with all others that are ready when the call under way comes back."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._arriving.append((settlement, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._arriving:
            batch, self._arriving = self._arriving[:TOGETHER], self._arriving[TOGETHER:]
            try:
                settled = await self._stream.settle([one for one, _ in batch], now=self._clock())
            except Exception as error:  # noqa: BLE001 - whatever it was, each attempt is told
                for _, future in batch:
                    future.set_exception(error)
            else:
                for one, future in batch:
                    future.set_result(settled[one.job.id])

    def _say(self, settlement: Settlement) -> None:
        problem = settlement.problem
        log.info("job.settled", state=settlement.state, code=problem.code if problem else None)
        if settlement.retry_at is not None:
            self._on_retry(settlement.retry_at - self._clock())


def to_final(settlement: Settlement, *, now: float) -> JobSnapshot:
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
    )
