"""The composition root of both workers: opens what a worker needs, runs it until a signal, drains, and exits with 0."""

import asyncio
import gc
import os
import random
import secrets
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import NamedTuple

import structlog
import uvloop

from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.client import BlockingClient, RedisClient, SyncRedisClient
from shared.adapters.redis.connection import connect, connect_blocking, connect_sync, end
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.adapters.redis.jobs.job_stream import JobStream, reader_name
from shared.adapters.redis.jobs.maintenance_store import MaintenanceStore
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind, StreamName
from shared.domain.jobs.job_policy import JobPolicy
from shared.runtime.config.model_prices import read_prices
from shared.runtime.config.plans import read_plans
from shared.runtime.config.settings import InvalidSettings, read_settings
from shared.runtime.generation.provider_factory import ProviderSettings, build_providers, models_of
from shared.runtime.observability.logging_setup import configure_logs
from shared.runtime.observability.metrics.job_metrics import OTHER, JobMetrics
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics
from shared.runtime.observability.metrics.server import serving_metrics
from shared.runtime.observability.metrics.store_metrics import PoolMetrics, ScriptMetrics
from shared.runtime.observability.tracing_setup import open_tracer
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.liveness import beat
from shared.runtime.worker.provider_selection import ProviderSelection
from shared.runtime.worker.server_clock import ServerClock
from shared.runtime.worker.worker import Worker

log = structlog.get_logger()


class WorkerSettings(ProviderSettings, frozen=True, kw_only=True):
    """The settings of a worker."""

    plans_file: str = ""
    """Path of the plans file; empty means the shipped plans. It says which models are asked, and who may be answered offline
    when no model can."""
    concurrency: int = 100
    """How many jobs one process runs at a time. They mostly wait for the provider."""
    pulse_dir: str = ""
    """Folder of the liveness files; empty means that none are written."""


def run_worker(service: str, stream: StreamName, handlers: Mapping[Kind, Handler]) -> None:
    """Run a worker of `stream` until SIGTERM or SIGINT."""
    try:
        settings = read_settings(WorkerSettings, os.environ)  # noqa: TID251 - a composition root
    except InvalidSettings as error:
        raise SystemExit(f"{service}: {error}") from None
    configure_logs(service, log_format=settings.log_format, level=settings.log_level)
    try:
        uvloop.run(_run(service, stream, handlers, settings, JobPolicy()))
    except InvalidSettings as error:
        raise SystemExit(f"{service}: {error}") from None


async def _run(
    service: str,
    stream_name: StreamName,
    handlers: Mapping[Kind, Handler],
    settings: WorkerSettings,
    policy: JobPolicy,
) -> None:
    name = f"{service}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    plans = read_plans(settings.plans_file or None)
    prices = read_prices(settings.model_prices)
    clock = ServerClock(clock=time.time, monotonic=time.monotonic)
    meter = Meter(service)
    models = ModelMetrics(meter, models_of(settings, plans), prices, kinds=[*handlers, OTHER])
    async with AsyncExitStack() as stack:
        tracer = open_tracer(settings, service=service)
        stack.push_async_callback(tracer.close)
        await stack.enter_async_context(serving_metrics(meter, settings))
        stores = await _open_stores(stack, name, settings, policy, meter)
        providers = build_providers(settings, plans, redis=stores.redis, metrics=models, tracer=tracer)
        stack.push_async_callback(providers.close)
        stream = JobStream(
            stores.redis,
            stores.blocking,
            stream_name,
            consumer=name,
            shards=settings.shards,
            policy=policy,
            on_time=clock.set,
        )
        renewer = LeaseRenewer(stores.renewing, consumer=name, policy=policy, monotonic=time.monotonic)
        worker = Worker(
            stream,
            AttemptStore(stores.redis),
            MaintenanceStore(stores.redis),
            stores.results,
            renewer,
            handlers,
            ProviderSelection(plans, providers, policy, clock.now).select,
            concurrency=settings.concurrency,
            policy=policy,
            clock=clock.now,
            monotonic=time.monotonic,
            jitter=random.random,
            metrics=JobMetrics(meter, stream_name, plans, models),
            tracer=tracer,
        )
        renewer.start()
        stack.push_async_callback(renewer.stop)
        _call_on_signals(worker.consumer.stop)
        gc.freeze()
        log.info("worker.ready", consumer=name, stream=stream_name, pid=os.getpid())
        beating = asyncio.create_task(beat(settings.pulse_dir, worker.consumer.has_read))
        await worker.run()
        await end(beating)
        log.info("worker.stopped", consumer=name)


class _Stores(NamedTuple):
    redis: RedisClient
    blocking: BlockingClient
    """For blocking reads alone."""
    renewing: SyncRedisClient
    """For the renewing thread alone."""
    results: ResultStore


async def _open_stores(
    stack: AsyncExitStack, name: str, settings: WorkerSettings, policy: JobPolicy, meter: Meter
) -> _Stores:
    scripts, pool, url = ScriptMetrics(meter), PoolMetrics(meter), settings.redis_url
    redis = connect(url, name=name, observe=scripts)
    stack.push_async_callback(redis.aclose)
    blocking = connect_blocking(url, name=reader_name(name), block_seconds=policy.block_seconds)
    stack.push_async_callback(blocking.aclose)
    renewing = connect_sync(url, name=f"{name}:renew", timeout_seconds=policy.renew_seconds, observe=scripts)
    stack.callback(renewing.close)
    results = await ResultStore.open(settings.postgres_url, name=name, observer=pool)
    stack.push_async_callback(results.close)
    pool.track_pool(results)
    return _Stores(redis, blocking, renewing, results)


def _call_on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
