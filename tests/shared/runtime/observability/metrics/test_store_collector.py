"""The exporter: what Redis and Postgres hold, and that no job is ever unaccounted for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.factories import BOB, PLAN, make_plan
from tests.job_harness import JobHarness, settled
from tests.metric_samples import MetricSamples, read
from tests.servers import FAKE, MACHINE, REDIS_KINDS, RealRedis

from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.result_store import DatabaseStats, ResultStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.errors import Problem, StoreUnavailable
from shared.domain.jobs.job import JobState
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.store_collector import StoreCollector

Look = Callable[[], Awaitable[MetricSamples]]
REAL = [kind for kind in REDIS_KINDS if kind != FAKE]
"""The fake knows no INFO."""
UNACCOUNTED = "etude_ledger_unaccounted_jobs"
LEDGER = "etude_ledger_jobs_total"


async def no_database() -> DatabaseStats:
    raise StoreUnavailable


def looking(redis: RedisClient, database: Callable[[], Awaitable[DatabaseStats]] = no_database) -> Look:
    meter = Meter("tests")
    StoreCollector(meter, redis, database, shards=1)
    return lambda: asyncio.to_thread(read, meter)  # as the metrics port does


@pytest.fixture
async def look(harness: JobHarness) -> Look:
    return looking(harness.redis)


@pytest.mark.parametrize("redis_place", REAL, indirect=True)
async def test_a_job_is_accounted_for_wherever_it_is(harness: JobHarness, look: Look) -> None:
    stream, capped = harness.stream(), make_plan(concurrent_jobs=1)

    async def expect(**states: float) -> None:
        seen = await look()
        assert seen.of(UNACCOUNTED) == 0
        assert {state: seen.of(LEDGER, state=state) for state in states} == states

    await expect(accepted=0, succeeded=0)
    first = await harness.submit(plan=capped)
    await harness.submit(plan=capped, id=first.id)  # sent again: its answer got lost
    waiting = await harness.submit(plan=capped)
    waiting_too = await harness.submit(plan=capped)
    await expect(accepted=3)
    assert (await look()).of("etude_waiting_jobs", shard="0") == 2

    job = await harness.lease_one(stream)
    await expect(accepted=3)
    retry = settled(job, state=JobState.QUEUED, problem=Problem("provider_busy"), retry_at=10.0)
    await stream.settle([retry], now=0.0)
    await expect(accepted=3, failed=0)
    assert (await look()).of("etude_due_jobs", shard="0") == 1

    await harness.store.cancel(waiting_too.user, waiting_too.id)
    await harness.store.cancel(first.user, first.id)
    await expect(accepted=3, cancelled=2)
    dying = await harness.lease_one(stream)
    assert dying.id == waiting.id
    await stream.settle([settled(dying, state=JobState.FAILED, is_dead=True)], now=0.0)
    await expect(failed=1, dead_lettered=1, replayed=0)
    assert (await look()).of("etude_dead_letters", shard="0") == 1

    assert await harness.dead_letters.replay(dying.id, PLAN, now=0.0)
    await expect(accepted=3, failed=1, dead_lettered=1, replayed=1)
    again = await harness.lease_one(stream)
    await stream.settle([settled(again)], now=0.0)
    await stream.settle([settled(again)], now=0.0)  # its answer got lost
    await expect(accepted=3, succeeded=1, failed=1, cancelled=2, replayed=1, dead_lettered=1)
    assert (await look()).of("etude_dead_letters", shard="0") == 0


@pytest.mark.parametrize("redis_place", REAL, indirect=True)
async def test_a_flushed_redis_has_no_job_and_misses_none(harness: JobHarness, look: Look) -> None:
    stream = harness.stream()
    await harness.submit()
    job = await harness.lease_one(stream)
    await harness.command_everywhere("FLUSHALL")
    await stream.settle([settled(job)], now=0.0)
    seen = await look()
    assert (seen.of(LEDGER), seen.of(UNACCOUNTED)) == (0, 0)


@pytest.mark.parametrize("redis_place", REAL, indirect=True)
async def test_a_lost_job_is_counted_as_unaccounted(harness: JobHarness, look: Look) -> None:
    await harness.submit()
    await harness.command("DEL", harness.stream().key(0))  # what nothing of ours does
    assert (await look()).of(UNACCOUNTED) == 1


@pytest.mark.parametrize("redis_place", REAL, indirect=True)
async def test_the_state_of_a_stream(harness: JobHarness, look: Look) -> None:
    async def figures() -> dict[str, float]:
        seen = await look()
        names = ("entries", "pending_entries", "undelivered_entries", "consumers")
        return {name: seen.of(f"etude_stream_{name}", stream="ai", shard="0") for name in names}

    for _ in range(3):
        await harness.submit(user=BOB)
    assert await figures() == {"entries": 3, "pending_entries": 0, "undelivered_entries": 3, "consumers": 0}
    jobs = await harness.lease(harness.stream("w1"), 2)
    assert await figures() == {"entries": 3, "pending_entries": 2, "undelivered_entries": 1, "consumers": 1}
    seen = await look()
    assert seen.of("etude_stream_consumers", stream="ai", state="active") == 1
    assert seen.of("etude_stream_oldest_undelivered_age_seconds", stream="ai") < 60
    assert seen.of("etude_stream_entries", stream="collection") == 0
    await harness.stream("w1").settle([settled(one) for one in jobs], now=0.0)
    await harness.lease(harness.stream("w2"))
    seen = await look()
    assert seen.of("etude_stream_oldest_undelivered_age_seconds", stream="ai") == 0
    assert seen.of("etude_stream_pending_entries", stream="ai") == 1


@pytest.mark.parametrize("redis_place", REAL, indirect=True)
async def test_ages_are_those_of_the_oldest(harness: JobHarness, look: Look) -> None:
    key = harness.stream().key(0)
    await harness.command("XADD", key, "1000-1", "job", "j", "kind", "text", "v", 1)
    await harness.command("ZADD", "{s0}:dead", 1_000, "j")
    seen = await look()
    for name in ("etude_stream_oldest_undelivered_age_seconds", "etude_dead_letters_oldest_age_seconds"):
        assert seen.of(name, shard="0") > 1_700_000_000


@pytest.mark.parametrize("redis_place", [MACHINE], indirect=True)
async def test_the_state_of_redis_is_exposed(harness: JobHarness, look: Look) -> None:
    seen = await look()
    assert seen.of("etude_redis_up") == 1
    assert seen.of("etude_redis_memory_used_bytes") > 100_000
    assert seen.of("etude_redis_aof_ok") == 1
    before = seen.of("etude_redis_commands_total")
    await call(harness.redis, "PING")
    assert (await look()).of("etude_redis_commands_total") > before
    assert seen.of("etude_exporter_last_success_timestamp_seconds", target="redis") > 0


async def test_old_values_are_removed_while_redis_is_unreachable(
    real_harness: JobHarness, redis_server: RealRedis
) -> None:
    look = looking(real_harness.redis)
    await real_harness.submit()
    before = await look()
    redis_server.server.process.kill()
    try:
        seen = await look()
    finally:
        redis_server.server.start()
    assert before.of("etude_redis_up") == 1
    assert seen.of("etude_redis_up") == 0
    assert not {name for name, *_ in seen.samples if name.startswith(("etude_stream_", "etude_ledger_"))}
    name = "etude_exporter_last_success_timestamp_seconds"
    assert seen.of(name, target="redis") == before.of(name, target="redis")
    assert (await look()).of("etude_stream_entries", stream="ai") == 1


async def test_the_state_of_postgres_is_exposed(
    real_redis: RedisClient, result_store: ResultStore, postgres_server: PostgresServer
) -> None:
    look = looking(real_redis, result_store.stats)
    seen = await look()
    assert seen.of("etude_postgres_up") == 1
    assert 1 <= seen.of("etude_postgres_connections") <= seen.of("etude_postgres_max_connections")
    assert seen.of("etude_postgres_database_bytes") > 1_000_000
    postgres_server.process.kill()
    try:
        assert (await look()).of("etude_postgres_up") == 0
    finally:
        postgres_server.start()
    assert (await look()).of("etude_postgres_up") == 1
