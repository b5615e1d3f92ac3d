"""Runs leased jobs, each in a slot: renews the lease, runs the handler, settles, and frees the slot."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.domain.errors import LeaseLost, StoreUnavailable, Unexpected
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.outcome import Retry
from shared.domain.llm.provider import Provider
from shared.domain.tracing import NO_TRACER, Span, Tracer
from shared.runtime.observability.logging_setup import current_job
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.attempts.attempt import run_handler
from shared.runtime.worker.attempts.attempt_context import FencedAttemptContext
from shared.runtime.worker.attempts.settler import Ending, Settler
from shared.runtime.worker.attempts.slots import RunningAttempt, Slots
from shared.runtime.worker.attempts.step_reuse import BoughtSteps
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.maintenance.maintenance_schedule import MaintenanceSchedule

log = structlog.get_logger()

ProviderSelector = Callable[[LeasedJob], Provider]
"""Chooses the provider of a job by its plan."""


class AttemptRunner:
    """Starts attempts. Whoever leased the jobs hands them to `start`; nothing is reported back."""

    def __init__(
        self,
        slots: Slots,
        store: AttemptStore,
        settler: Settler,
        bought: BoughtSteps,
        renewer: LeaseRenewer,
        schedule: MaintenanceSchedule,
        handlers: Mapping[Kind, Handler],
        select_provider: ProviderSelector,
        policy: JobPolicy,
        metrics: JobMetrics,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._slots = slots
        self._store = store
        self._settler = settler
        self._bought = bought
        self._renewer = renewer
        self._schedule = schedule
        self._handlers = handlers
        self._select_provider = select_provider
        self._policy = policy
        self._metrics = metrics
        self._tracer = tracer
        metrics.track_slots(slots=slots.concurrency, busy=lambda: len(slots))

    def start(self, leased: Sequence[LeasedJob]) -> None:
        """Run jobs that this process owns now."""
        for one in leased:
            self._lose_earlier_attempts(one)
            run = RunningAttempt(one)
            self._slots.occupy(run)
            self._renewer.hold(one, run.lose)
            run.task = asyncio.create_task(self._run(run))

    def _lose_earlier_attempts(self, job: LeasedJob) -> None:
        """A process may claim its own stale lease: the attempt under way here is then over."""
        if job.attempt > 1:
            for run in self._slots:
                if run.job.id == job.id:
                    run.lose()

    async def _run(self, run: RunningAttempt) -> None:
        job = run.job
        current_job.set(job)
        with self._tracer.attempt(job) as span:
            try:
                await self._attempt(run, span)
            except Exception:
                span.fail(Unexpected.code)
                log.exception("job.abandoned")  # a bug; the lease runs out, and the next attempt goes on
            finally:
                self._renewer.let_go(job)
                self._slots.release(run)
                if self._policy.is_suspect(job):
                    self._schedule.sweep_within(0)  # the next suspect may be waiting for this one to end

    async def _attempt(self, run: RunningAttempt, span: Span) -> None:
        began = time.monotonic()
        context = self._context_of(run)
        try:
            ending = await self._handle(run, context)
        except LeaseLost:
            self._metrics.lost(run.job)
            span.fail(LeaseLost.code)
            return
        run.is_settling = True
        settlement = await self._settler.settle(run.job, ending, context.usage, context.reuse.steps)
        if settlement is None:
            span.fail(LeaseLost.code)
            return
        self._metrics.settled(settlement, seconds=time.monotonic() - began)
        if settlement.problem:
            span.fail(settlement.problem.code)

    def _context_of(self, run: RunningAttempt) -> FencedAttemptContext:
        return FencedAttemptContext(
            run.job,
            self._store,
            self._select_provider(run.job),
            policy=self._policy,
            bought=self._bought,
            metrics=self._metrics,
            may_spend=lambda: self._renewer.is_certain(run.job),
        )

    async def _handle(self, run: RunningAttempt, context: FencedAttemptContext) -> Ending:
        """Run the handler, unless an earlier attempt saved its result. Raises `LeaseLost`."""
        try:
            saved = await self._settler.find_saved(run.job)
            return saved or await run_handler(context, self._handlers, self._policy)
        except StoreUnavailable as error:
            return Retry(error.problem, after=error.retry_after, counted=False)
        except asyncio.CancelledError:
            if not run.is_interrupted:
                raise
            if run.is_lost:
                raise LeaseLost from None
            return None
