"""The cron process, `python -m collection_worker.cron`: runs the duties on time. Any number of them may run.

arq schedules the duties, each once in the whole fleet. It is used for nothing else.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC
from typing import Any

import msgspec
import structlog
from arq.connections import ArqRedis
from arq.cron import CronJob, cron
from arq.worker import Worker

from collection_worker.duties import (
    FORGET,
    PRUNE,
    REWRITE,
    Duty,
    forget_consumers,
    open_streams,
    prune_results,
    rewrite_logs,
)
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.connection import connect, connection_pool, end, is_away
from shared.adapters.redis.topology.cluster import is_cluster
from shared.runtime.config.settings import CommonSettings, InvalidSettings, read_settings
from shared.runtime.observability.logging_setup import configure_logs
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.server import serving_metrics
from shared.runtime.observability.metrics.store_collector import StoreCollector
from shared.runtime.worker.liveness import beat

log = structlog.get_logger()

QUEUE = "etude:cron"
"""Prefix of arq's own keys. Those of jobs are in `shared.adapters.redis.keys`."""
POLL_SECONDS = 10.0
"""Pause between two polls of arq. No duty is urgent, so an idle cron asks Redis six times a minute."""
AWAY_SECONDS = 5.0
"""Pause before arq is started again after Redis was unreachable."""
MIN_RETENTION_DAYS = 32
"""Monthly budgets are restored from rows, so the rows of a month must be kept."""

OnDone = Callable[[str, int], None]
"""Called with the name of the duty that was done, and how many things it changed."""


class CronSettings(CommonSettings, frozen=True, kw_only=True):
    cron_redis_url: str = ""
    """URL of the Redis that holds arq's keys, if not the jobs' own. It is required on a cluster, which arq cannot use."""
    result_retention_days: int = 365
    """Days after its last use when a result or a collection is deleted, at least 32; 0 means never. It is used when its
    owner shows, exports or asks about it."""
    pulse_dir: str = ""
    """Folder of the liveness file that the probe reads; no file when empty."""


def schedule(
    prune: Duty | None,
    forget: Duty,
    rewrite: Duty | None = None,
    *,
    on_done: OnDone = lambda _duty, _count: None,
) -> list[CronJob]:
    """Prune every night; remove idle consumers and rewrite append-only files every hour. Each is done once in the whole
    fleet. Times are UTC."""
    jobs = [_as_cron_job(FORGET, forget, on_done, hour=None, minute=23, seconds=60)]
    if prune:
        jobs.append(_as_cron_job(PRUNE, prune, on_done, hour=3, minute=17, seconds=3600))
    if rewrite:
        jobs.append(_as_cron_job(REWRITE, rewrite, on_done, hour=None, minute=43, seconds=60))
    return jobs


def _as_cron_job(
    name: str, duty: Duty, on_done: OnDone, *, hour: int | None, minute: int, seconds: int
) -> CronJob:
    async def run(ctx: dict[Any, Any]) -> int:  # arq passes it under this name
        count = await duty()
        on_done(name, count)
        return count

    return cron(run, name=name, hour=hour, minute=minute, timeout=seconds)


async def keep_time(redis_url: str, jobs: Sequence[CronJob], *, poll_seconds: float) -> None:
    """Run the duties on time until cancelled. While Redis is unreachable it waits."""
    while True:
        try:
            async with working(redis_url, jobs, poll_seconds=poll_seconds) as worker:
                await worker.async_run()
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("cron.redis_unreachable", error_type=type(error).__name__)
        await asyncio.sleep(AWAY_SECONDS)


@asynccontextmanager
async def working(
    redis_url: str, jobs: Sequence[CronJob], *, poll_seconds: float, is_burst: bool = False
) -> AsyncGenerator[Worker]:
    """An arq worker with a connection of its own, which is closed whatever happens."""
    # JSON, because arq's default is pickle, which would run code from whatever Redis holds.
    encode, decode = msgspec.json.encode, msgspec.json.decode
    pool = connection_pool(redis_url, name="cron")
    redis = ArqRedis(pool, job_serializer=encode, job_deserializer=decode, default_queue_name=QUEUE)
    worker = Worker(
        cron_jobs=jobs,
        redis_pool=redis,
        queue_name=QUEUE,
        poll_delay=poll_seconds,
        burst=is_burst,
        handle_signals=False,
        timezone=UTC,
        job_serializer=encode,
        job_deserializer=decode,
    )
    try:
        yield worker
    finally:
        running = list(worker.tasks.values())
        for duty in running:
            duty.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await redis.aclose(close_connection_pool=True)


def main() -> None:
    try:
        settings = read_cron_settings(os.environ)  # noqa: TID251 - a composition root
    except InvalidSettings as error:
        raise SystemExit(f"cron: {error}") from None
    configure_logs("cron", log_format=settings.log_format, level=settings.log_level)
    try:
        asyncio.run(_run(settings))
    except InvalidSettings as error:
        raise SystemExit(f"cron: {error}") from None


def read_cron_settings(environ: Mapping[str, str]) -> CronSettings:
    """Raises `InvalidSettings`."""
    settings = read_settings(CronSettings, environ)
    if settings.result_retention_days != 0 and settings.result_retention_days < MIN_RETENTION_DAYS:
        raise InvalidSettings(f"ETUDE_RESULT_RETENTION_DAYS: must be 0, or at least {MIN_RETENTION_DAYS}")
    if is_cluster(settings.cron_redis_url or settings.redis_url):
        raise InvalidSettings("ETUDE_CRON_REDIS_URL: must name a Redis that is no cluster")
    return settings


async def _run(settings: CronSettings) -> None:
    meter = Meter("cron")
    duties = meter.gauge("etude_cron_duty_last_success_timestamp_seconds")
    changes = meter.counter("etude_cron_changes_total")
    names = [FORGET, REWRITE, *([PRUNE] if settings.result_retention_days else [])]
    duties.expect(names)
    changes.expect(names)

    def note(duty: str, count: int) -> None:
        duties.of(duty).set(time.time())
        changes.of(duty).add(count)

    async with AsyncExitStack() as stack:
        redis = connect(settings.redis_url, name="cron")
        stack.push_async_callback(redis.aclose)
        results = await ResultStore.open(settings.postgres_url, name="cron")
        stack.push_async_callback(results.close)
        StoreCollector(meter, redis, results.stats, shards=settings.shards)
        await stack.enter_async_context(serving_metrics(meter, settings))
        days = settings.result_retention_days
        jobs = schedule(
            prune_results(results, days=days, clock=time.time) if days else None,
            forget_consumers(open_streams(redis, shards=settings.shards)),
            rewrite_logs(redis),
            on_done=note,
        )
        arq_url = settings.cron_redis_url or settings.redis_url
        timekeeper = asyncio.create_task(keep_time(arq_url, jobs, poll_seconds=POLL_SECONDS))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, timekeeper.cancel)
        beating = asyncio.create_task(beat(settings.pulse_dir, asyncio.Event()))
        log.info("cron.ready", pid=os.getpid())
        with suppress(asyncio.CancelledError):
            await timekeeper
        await end(beating)
        log.info("cron.stopped")


if __name__ == "__main__":
    main()
