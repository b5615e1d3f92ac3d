"""How a worker lives: built from settings, runs until a signal, drains, exits 0. Used by both workers' `__main__`."""

import asyncio
import gc
import os
import random
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

import structlog
import uvloop

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.attempt_store import AttemptStore
from shared.adapters.redis.connection import connect, connect_blocking, connect_sync, end
from shared.adapters.redis.job_stream import JobStream, reader_name
from shared.adapters.redis.maintenance_store import MaintenanceStore
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind, LeasedJob, StreamName
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.llm.provider import Provider
from shared.runtime.config.plans import DEFAULT_PLAN, read_plans
from shared.runtime.config.settings import InvalidSettings, read_settings
from shared.runtime.generation.provider_factory import ProviderSettings, build_providers, models_of
from shared.runtime.observability.logging_setup import configure_logs
from shared.runtime.observability.metrics.job_metrics import OTHER, JobMetrics
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics, read_prices
from shared.runtime.observability.metrics.server import serving_metrics
from shared.runtime.observability.metrics.store_metrics import PoolMetrics, ScriptMetrics
from shared.runtime.observability.tracing_setup import open_tracer
from shared.runtime.worker.consumer import Consumer
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.liveness import beat
from shared.runtime.worker.maintenance import Maintenance
from shared.runtime.worker.server_clock import ServerClock
from shared.runtime.worker.settler import Settler

log = structlog.get_logger()


class WorkerSettings(ProviderSettings, frozen=True, kw_only=True):
    """What a worker needs to know."""

    plans_file: str = ""
    """Path of the plans, as the gateway reads them; the shipped plans when empty. A plan says whether its users get the
    offline generator when no model is available."""
    concurrency: int = 100
    """Jobs that one process runs at a time."""
    pulse_dir: str = ""
    """Folder of the liveness files that the probes read; no files when empty."""


def run_worker(service: str, stream: StreamName, handlers: Mapping[Kind, Handler]) -> None:
    """Live as a worker of `stream` until SIGTERM or SIGINT."""
    try:
        settings = read_settings(WorkerSettings, os.environ)  # noqa: TID251 - a composition root
    except InvalidSettings as error:
        raise SystemExit(f"{service}: {error}") from None
    configure_logs(service, log_format=settings.log_format, level=settings.log_level)
    try:
        uvloop.run(_live(service, stream, handlers, settings, JobPolicy()))
    except InvalidSettings as error:
        raise SystemExit(f"{service}: {error}") from None


async def _live(
    service: str,
    stream_name: StreamName,
    handlers: Mapping[Kind, Handler],
    settings: WorkerSettings,
    policy: JobPolicy,
) -> None:
    consumer_name = f"{service}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    plans = read_plans(settings.plans_file or None)
    server_clock = ServerClock(clock=time.time, monotonic=time.monotonic)
    meter = Meter(service)
    scripts, pool = ScriptMetrics(meter), PoolMetrics(meter)
    models = ModelMetrics(
        meter,
        models_of(settings),
        read_prices(settings.model_prices),
        kinds=[*handlers, OTHER],
    )
    watch = JobMetrics(meter, stream_name, plans, models)
    async with AsyncExitStack() as stack:
        tracer = open_tracer(settings, service=service)
        stack.push_async_callback(tracer.close)
        await stack.enter_async_context(serving_metrics(meter, settings))
        redis = connect(settings.redis_url, name=consumer_name, observe=scripts)
        stack.push_async_callback(redis.aclose)
        blocking = connect_blocking(
            settings.redis_url, name=reader_name(consumer_name), block_seconds=policy.block_seconds
        )
        stack.push_async_callback(blocking.aclose)
        renewing = connect_sync(
            settings.redis_url,
            name=f"{consumer_name}:renew",
            timeout_seconds=policy.renew_seconds,
            observe=scripts,
        )
        stack.callback(renewing.close)
        results = await ResultStore.open(settings.postgres_url, name=consumer_name, watcher=pool)
        stack.push_async_callback(results.close)
        pool.look_at(results)
        providers = build_providers(settings, redis=redis, metrics=models, tracer=tracer)
        stack.push_async_callback(providers.close)

        def provider_for(job: LeasedJob) -> Provider:
            may_fall_back = plans.get(job.plan, plans[DEFAULT_PLAN]).offline_fallback
            is_last_resort = policy.is_last_resort(job, now=server_clock.now())
            return providers.choose(allow_offline=may_fall_back and is_last_resort)

        def expect_due(seconds: float) -> None:
            housekeeping.expect_due(seconds)

        stream = JobStream(
            redis,
            blocking,
            stream_name,
            consumer=consumer_name,
            shards=settings.shards,
            policy=policy,
            on_time=server_clock.set,
        )
        heartbeat = LeaseRenewer(renewing, consumer=consumer_name, policy=policy, monotonic=time.monotonic)
        settler = Settler(
            stream,
            results,
            policy=policy,
            clock=server_clock.now,
            jitter=random.random,
            on_retry=expect_due,
            watch=watch,
            tracer=tracer,
        )
        consumer = Consumer(
            stream,
            AttemptStore(redis),
            settler,
            heartbeat,
            handlers,
            provider_for,
            concurrency=settings.concurrency,
            policy=policy,
            jitter=random.random,
            on_suspect_gone=lambda: housekeeping.expect_next(),
            claim_first=lambda: housekeeping.claim_first(),
            watch=watch,
            tracer=tracer,
        )
        housekeeping = Maintenance(
            stream,
            MaintenanceStore(redis),
            results,
            free=lambda: consumer.free,
            has_suspect=lambda: consumer.has_suspect,
            start=consumer.take_over,
            policy=policy,
            monotonic=time.monotonic,
            jitter=random.random,
        )
        heartbeat.start()
        stack.push_async_callback(heartbeat.stop)
        _stop_on_signals(consumer)
        gc.freeze()
        log.info("worker.ready", consumer=consumer_name, stream=stream_name, pid=os.getpid())
        sweeping = asyncio.create_task(housekeeping.run())
        beating = asyncio.create_task(beat(settings.pulse_dir, consumer.has_read))
        await consumer.run()
        await end(beating)
        await end(sweeping)
        log.info("worker.stopped", consumer=consumer_name)


def _stop_on_signals(consumer: Consumer) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, consumer.stop)
