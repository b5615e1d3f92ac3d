"""The parts of a worker, wired: jobs go from the sources through the runner to the settler, and nothing calls back."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from shared.adapters.redis.connection import end
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.attempts import settler
from shared.runtime.worker.attempts.attempt_runner import AttemptRunner, ProviderSelector
from shared.runtime.worker.attempts.settler import Settler
from shared.runtime.worker.attempts.slots import Slots
from shared.runtime.worker.attempts.step_reuse import BoughtSteps
from shared.runtime.worker.consumer import Consumer
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.maintenance import maintenance
from shared.runtime.worker.maintenance.maintenance import Maintenance
from shared.runtime.worker.maintenance.maintenance_schedule import MaintenanceSchedule
from shared.runtime.worker.new_entries import NewEntries
from shared.runtime.worker.stale_leases import StaleLeases


class Results(settler.Results, maintenance.Results, BoughtSteps, Protocol):
    """Where rows are kept: `shared.adapters.postgres.result_store.ResultStore`."""


class Worker:
    """Runs the jobs of one stream, and the maintenance that falls to this process."""

    def __init__(
        self,
        stream: JobStream,
        attempt_store: AttemptStore,
        maintenance_store: MaintenanceStore,
        results: Results,
        renewer: LeaseRenewer,
        handlers: Mapping[Kind, Handler],
        select_provider: ProviderSelector,
        *,
        concurrency: int,
        policy: JobPolicy,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
        metrics: JobMetrics,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        """`clock` is the server's time in Unix seconds; `jitter` gives numbers from 0 to 1."""
        schedule = MaintenanceSchedule(monotonic)
        settler = Settler(stream, results, schedule, policy, clock, jitter, metrics, tracer)
        self.slots = Slots(concurrency, policy)
        self.runner = AttemptRunner(
            self.slots,
            attempt_store,
            settler,
            results,
            renewer,
            schedule,
            handlers,
            select_provider,
            policy,
            metrics,
            tracer,
        )
        self.stale_leases = StaleLeases(stream, self.slots, policy, monotonic, metrics)
        new_entries = NewEntries(stream, self.slots, metrics)
        self.consumer = Consumer(stream, self.slots, self.stale_leases, new_entries, self.runner, policy)
        self.maintenance = Maintenance(
            stream, maintenance_store, results, self.stale_leases, schedule, self.runner.start, policy, jitter
        )

    async def run(self) -> None:
        """Run until the consumer is stopped."""
        maintaining = asyncio.create_task(self.maintenance.run())
        await self.consumer.run()
        await end(maintaining)
