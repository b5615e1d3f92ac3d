"""The work of each service in Redis, done as the service's own user, with what an administrator prepares for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio.connection import Connection
from redis.exceptions import ResponseError
from tests.factories import ADA, NOW, make_job_id, make_plan
from tests.job_harness import JobHarness, settled

from collection_worker.cron import schedule, working
from collection_worker.duties import forget_consumers, open_streams, rewrite_logs
from shared.adapters.llm.openai.ladder.abilities import Abilities
from shared.adapters.redis import keys, scripts
from shared.adapters.redis.connection import call, connect
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.adapters.redis.models.ability_store import RedisAbilityStore
from shared.adapters.redis.models.model_status_store import ModelStatusStore
from shared.adapters.redis.models.provider_limiter import CallOutcome, LimiterPolicy, ProviderLimiter
from shared.adapters.redis.stats import survey, survey_node
from shared.domain.budgets import Charge
from shared.domain.errors import Problem
from shared.domain.jobs.job import JobId, JobState, Kind, LeasedJob, StreamName, UserId
from shared.domain.jobs.settlement import Settlement
from shared.domain.study.material import ItemCounts
from shared.domain.usage import Usage
from shared.runtime.erasure.user_eraser import kept_windows

ONE_AT_A_TIME = make_plan(concurrent_jobs=1)
MODEL = "model-1"
SERVER = "http://models.test/v1"


class Desk:
    """A server, reached by an administrator and by the service under test."""

    def __init__(self, admin: JobHarness, own: JobHarness, version: tuple[int, ...]) -> None:
        self.admin = admin
        self.own = own
        self.version = version

    async def connect_as_services_do(self) -> None:
        """Open a connection to another database, and do what any process does."""
        other_database = connect(self.own.place.url.removesuffix("/0") + "/1", name="tests")
        try:
            await call(other_database, "PING")
        finally:
            await other_database.aclose()
        with suppress(ResponseError):  # the server is no cluster
            await self.own.command("CLUSTER SLOTS")

    async def lease(self, stream: StreamName = StreamName.AI, consumer: str = "w1") -> LeasedJob:
        return await self.admin.lease_one(self.admin.stream(consumer, stream))

    async def retry_later(self, stream: StreamName, kind: Kind) -> None:
        """Leave a job that waits for its retry, which is due at once."""
        await self.admin.submit(kind=kind)
        job = await self.lease(stream)
        await self.admin.stream(stream=stream).settle([retried(job)], now=time.time())
        await self.admin.command("ZADD", keys.due(0), 1, job.id)

    async def kill_job(self, **overrides: Any) -> JobId:
        """Leave a dead letter with a saved step."""
        submission = await self.admin.submit(**overrides)
        job = await self.lease()
        await self.admin.attempts.keep(job, "step", b"{}", Usage(1, 1))
        dead = settled(job, state=JobState.FAILED, is_dead=True, problem=Problem("worker_crashed"))
        await self.admin.stream().settle([dead], now=time.time())
        return submission.id


def retried(job: LeasedJob) -> Settlement:
    busy = Problem("provider_busy")
    return settled(job, state=JobState.QUEUED, problem=busy, retry_at=time.time() + 60, failures=1)


# -- gateway and operator ---------------------------------------------------------------------------------------------


async def work_as_gateway(desk: Desk) -> None:
    own = desk.own
    await _erase_a_user(desk)
    first = await own.submit(idempotency_key="key", fingerprint="f", plan=ONE_AT_A_TIME)
    waiting = [await own.submit(plan=ONE_AT_A_TIME) for _ in range(3)]
    await own.submit(kind=Kind.COLLECTION)
    await own.budgets.allowance(ADA, ONE_AT_A_TIME, now=time.time())
    await own.store.unfinished(ADA)
    await own.store.cancel(ADA, waiting[1].id)
    await desk.lease()
    await own.store.cancel(ADA, first.id)
    await _listen(desk)
    await _cancel_beside_a_broken_record(desk, waiting[2].id)
    await _remove_a_job(desk, first.id)
    await _check_the_server(desk)


async def _listen(desk: Desk) -> None:
    await EventLog(desk.own.redis, shards=1).read(ADA, None, None)
    listening = desk.own.redis.pubsub()
    try:
        for change in (listening.subscribe, listening.unsubscribe):
            await change(keys.user_events(0, ADA))
            assert await listening.get_message(timeout=5)
    finally:
        await listening.aclose()


async def _cancel_beside_a_broken_record(desk: Desk, waiting: JobId) -> None:
    """Cancel a job, after which the next one of its user is admitted, whose record is no hash."""
    await desk.admin.command("DEL", keys.record(0, waiting))
    await desk.admin.command("SET", keys.record(0, waiting), "broken")
    running = (await desk.admin.store.unfinished(ADA))[-1]
    await desk.own.store.cancel(ADA, running)


async def _remove_a_job(desk: Desk, job_id: JobId) -> None:
    removals = RemovalStore(desk.own.redis, shards=1)
    await removals.remove(ADA, [job_id])
    await removals.forget_events(ADA, job_id, "summary")
    await removals.confirm(ADA, [job_id])


async def _erase_a_user(desk: Desk) -> None:
    dead = await desk.kill_job(idempotency_key="old", fingerprint="f")
    plan = make_plan()
    await desk.admin.budgets.hold(ADA, plan, hold_id="h", tokens=1, expires_in=60, now=time.time())
    removals = RemovalStore(desk.own.redis, shards=1)
    await removals.remove(ADA, [dead])
    async for _ in removals.jobs_of(ADA):
        pass
    await removals.forget_user(ADA, kept_windows(time.time()))


async def _check_the_server(desk: Desk) -> None:
    await desk.own.command("CONFIG", "GET", "appendonly")
    await desk.own.command("INFO", "server")
    await desk.own.command("WAIT", 0, 1)
    if desk.version >= (7, 2):
        await desk.own.command("WAITAOF", 0, 0, 1)


async def work_as_operator(desk: Desk) -> None:
    own = desk.own
    await _erase_a_user(desk)
    dead = [await desk.kill_job(user="bob") for _ in range(2)]
    await own.dead_letters.list(limit=1)
    await own.dead_letters.find(dead[0])
    await own.dead_letters.replay(dead[0], ONE_AT_A_TIME, now=time.time())
    await own.dead_letters.replay(dead[1], ONE_AT_A_TIME, now=time.time())
    await desk.admin.submit()
    await desk.admin.submit(kind=Kind.COLLECTION)
    for job_id in await desk.admin.store.unfinished(ADA):
        await own.store.cancel(ADA, job_id)
    waiting = [await desk.admin.submit(plan=ONE_AT_A_TIME) for _ in range(2)]
    await _cancel_beside_a_broken_record(desk, waiting[1].id)
    await _prepare_models(desk)
    models = ModelStatusStore(own.redis)
    await models.learned()
    await models.limiters()
    await models.forget(MODEL)


# -- chat -------------------------------------------------------------------------------------------------------------


async def work_as_chat(desk: Desk) -> None:
    own = desk.own
    job = await desk.admin.submit()
    plan, now = make_plan(), time.time()
    earlier, _ = await desk.admin.budgets.hold(ADA, plan, hold_id="e", tokens=1, expires_in=60, now=now)
    await desk.admin.budgets.release(earlier, used=1)
    await RemovalStore(desk.admin.redis, shards=1).forget_user(ADA, kept_windows(time.time()))
    await own.store.find(ADA, job.id)
    hold, _ = await own.budgets.hold(ADA, plan, hold_id="h", tokens=10, expires_in=60, now=now)
    await own.budgets.release(hold, used=3)
    await _call_a_model(desk)


async def _call_a_model(desk: Desk) -> None:
    limiter = ProviderLimiter(desk.own.redis, MODEL, LimiterPolicy(requests_per_minute=60))
    await limiter.acquire(1)
    await limiter.report(CallOutcome.FAULT, sender="s")
    await limiter.report(CallOutcome.OK)
    await limiter.reject(status=400, sender="s", open_seconds=0.0)
    abilities = RedisAbilityStore(desk.own.redis, base_url=SERVER, model=MODEL)
    await abilities.save(Abilities())
    await abilities.load()


async def _prepare_models(desk: Desk) -> None:
    await _call_a_model(Desk(desk.admin, desk.admin, desk.version))


# -- workers ----------------------------------------------------------------------------------------------------------


def work_as_worker(stream: StreamName, kind: Kind) -> Callable[[Desk], Awaitable[None]]:
    other = StreamName.AI if stream is StreamName.COLLECTION else StreamName.COLLECTION
    other_kind = Kind.SUMMARY if other is StreamName.AI else Kind.COLLECTION

    async def work(desk: Desk) -> None:
        await _run_jobs(desk, stream, kind)
        await _recover_jobs(desk, stream, kind)
        await desk.retry_later(other, other_kind)
        await desk.own.maintenance_store.promote(0)
        await _maintain(desk, kind)
        await _call_a_model(desk)

    return work


async def _run_jobs(desk: Desk, stream: StreamName, kind: Kind) -> None:
    own, entries = desk.own, desk.own.stream("w1", stream)
    for _ in range(3):
        await desk.admin.submit(kind=kind, plan=ONE_AT_A_TIME)
    job = await own.lease_one(entries)
    await own.attempts.keep(job, "step", b"{}", Usage(1, 1, 1, 1))
    await own.attempts.reserve(job, "step", "content", asked=ItemCounts(), needed=ItemCounts())
    await own.attempts.release(job, "content")
    await own.attempts.keep_response(job, "call", b"{}")
    await own.attempts.append(job, [("item", b"{}")], number=1, progress=(1, 2))
    await own.attempts.is_cancelled(job)
    await _renew(desk, job)
    await entries.settle([settled(job)], now=time.time())
    again = await own.lease_one(entries)
    await entries.settle([retried(again)], now=time.time())
    await desk.admin.command("ZADD", keys.due(0), 1, again.id)
    await own.maintenance_store.promote(0)
    await _lease_a_waiting_job(desk, entries, kind)
    reading = asyncio.create_task(entries.read(1, block=True))
    await entries.wake()
    await reading
    await own.command("CLIENT", "ID")  # on a cluster, it is how the read to end is found


async def _lease_a_waiting_job(desk: Desk, entries: JobStream, kind: Kind) -> None:
    """Read an entry of a job that waits for another one of its user."""
    await desk.admin.submit(kind=kind, user=UserId("hal"), plan=ONE_AT_A_TIME)
    waiting = await desk.admin.submit(kind=kind, user=UserId("hal"), plan=ONE_AT_A_TIME)
    await desk.admin.command("XADD", entries.key(0), "*", "job", waiting.id, "kind", kind, "v", "1")
    await desk.own.lease(entries)


async def _renew(desk: Desk, job: LeasedJob) -> None:
    client = desk.own.place.connect_sync()
    try:
        key = keys.work_stream(0, job.stream)
        await asyncio.to_thread(
            scripts.run_sync, client, scripts.RENEW, key, "w1", job.entry, job.id, job.attempt
        )
    finally:
        client.close()


async def _recover_jobs(desk: Desk, stream: StreamName, kind: Kind) -> None:
    """Claim stale jobs: one to run again, one that has crashed too often, and one whose record cannot be read."""
    own, entries = desk.own, desk.own.stream("w2", stream)
    for user in ("eve", "fay", "gus"):
        await desk.admin.submit(kind=kind, user=user)
    theirs = await desk.admin.lease(desk.admin.stream("dead", stream))
    for job in theirs:
        await desk.admin.age(job, owner="dead")
    again, crashed, broken = theirs
    await desk.admin.command("HSET", keys.record(0, crashed.id), "crashes", 99)
    await desk.admin.command("DEL", keys.record(0, broken.id))
    await desk.admin.command("SET", keys.record(0, broken.id), "broken")
    await own.maintenance_store.promote(0)
    await entries.sweep(0, interval_seconds=1)
    await desk.admin.command("SET", keys.sweep_cursor(0, stream), "0-0")
    await entries.claim(0, 1)
    await desk.admin.swept_just_now(stream)
    await entries.claim(0, 10)
    await desk.admin.command("HSET", keys.record(0, again.id), "entry", "0-1")
    await entries.lease([])


async def _maintain(desk: Desk, kind: Kind) -> None:
    own, store, now = desk.own, desk.own.maintenance_store, time.time()
    plan = make_plan()
    await desk.admin.budgets.hold(ADA, plan, hold_id="h", tokens=1, expires_in=-1, now=now)
    await store.expire_holds(0)
    at = int(await desk.admin.command("HGET", keys.since(0), "at"))
    charge = Charge(user=ADA, window="2026-11", tokens=5, expires_at_ms=int((NOW + 90_000) * 1000))
    await store.restore(0, [charge], lost_at_ms=at, is_last=True)
    cancelled = await desk.admin.submit(kind=kind, idempotency_key="k", fingerprint="f")
    await desk.admin.store.cancel(ADA, cancelled.id)
    await store.unsaved(0)
    await store.forget_unsaved(0, [make_job_id()])
    await _remove_a_job(Desk(desk.admin, own, desk.version), cancelled.id)


# -- the others -------------------------------------------------------------------------------------------------------


async def work_as_cron(desk: Desk) -> None:
    own = desk.own
    await desk.kill_job()
    streams = open_streams(own.redis, shards=1)
    for stream in open_streams(desk.admin.redis, shards=1):
        await stream.ensure_groups()
        await call(desk.admin.redis, "XGROUP", "CREATECONSUMER", stream.key(0), keys.GROUP, "gone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("collection_worker.duties.GONE_SECONDS", -1)
        await forget_consumers(streams)()
    await desk.admin.submit()
    await survey(own.redis, 0)
    await survey_node(own.redis)
    await rewrite_logs(own.redis)()
    with suppress(ResponseError):  # a rewrite may be under way
        await own.command("BGREWRITEAOF")
    jobs = [replace(job, run_at_startup=True) for job in schedule(None, forget_consumers(streams))]
    async with working(own.place.url, jobs, poll_seconds=0.01, is_burst=True) as worker:
        await worker.async_run()
        for _ in range(2):  # the other cron was first
            await worker.pool.enqueue_job("duty", _job_id="duty", _defer_by=60)


async def work_as_autoscaler(desk: Desk) -> None:
    for stream in StreamName:
        await desk.own.command("XLEN", keys.work_stream(0, stream))
    await desk.own.command("COMMAND")


async def do_work(service: str, desk: Desk) -> None:
    if service != "probe":
        await desk.connect_as_services_do()
    await WORK[service](desk)


async def work_as_probe(desk: Desk) -> None:
    """redis-cli names neither its connection nor itself."""
    options: dict[str, Any] = {"lib_name": None, "lib_version": None}
    parts = urlsplit(desk.own.place.url)
    probe = Connection(
        host=parts.hostname or "",
        port=parts.port or 0,
        username=parts.username,
        password=parts.password,
        **options,
    )
    await probe.connect()
    await probe.send_command("PING")
    await probe.read_response()
    await probe.disconnect()


WORK: Mapping[str, Callable[[Desk], Awaitable[None]]] = {
    "gateway": work_as_gateway,
    "chat": work_as_chat,
    "ai-worker": work_as_worker(StreamName.AI, Kind.SUMMARY),
    "collection-worker": work_as_worker(StreamName.COLLECTION, Kind.COLLECTION),
    "cron": work_as_cron,
    "operator": work_as_operator,
    "keda": work_as_autoscaler,
    "probe": work_as_probe,
}
