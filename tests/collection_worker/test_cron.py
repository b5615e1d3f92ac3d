"""The cron runs its duties on a real Redis and a real Postgres."""

import asyncio
import dataclasses
import signal
import sys
from datetime import UTC, datetime

import msgspec
import pytest
from arq.cron import CronJob
from tests.deadline import DEADLINE_SECONDS
from tests.factories import NOW, make_final_job
from tests.servers import RealRedis

from collection_worker.cron import keep_time, read_cron_settings, schedule, working
from collection_worker.duties import (
    Duty,
    forget_consumers,
    is_rewriting,
    open_streams,
    prune_results,
    rewrite_logs,
)
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import StreamName
from shared.runtime.config.settings import InvalidSettings

DAY = 86_400


class Called:
    """A duty that counts its calls and fails the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.times = 0
        self.happened = asyncio.Event()
        self._failures = failures

    def duty(self) -> Duty:
        async def count() -> int:
            self.times += 1
            self.happened.set()
            if self.times <= self._failures:
                raise RuntimeError("as told")
            return 0

        return count


def now_due(jobs: list[CronJob]) -> list[CronJob]:
    return [dataclasses.replace(job, run_at_startup=True) for job in jobs]


async def run_due(redis_url: str, jobs: list[CronJob]) -> None:
    """Run all due duties to their end."""
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        working(redis_url, jobs, poll_seconds=0.05, is_burst=True) as worker,
    ):
        await worker.async_run()


@pytest.fixture
async def groups(real_redis: RedisClient) -> str:
    """Create the `ai` stream with its group and return its key."""
    for stream in open_streams(real_redis, shards=1):
        await stream.ensure_groups()
    return keys.work_stream(0, StreamName.AI)


async def consumers(redis: RedisClient, stream: str) -> list[bytes]:
    return [row[1] for row in await call(redis, "XINFO", "CONSUMERS", stream, keys.GROUP)]


async def test_old_rows_are_pruned_by_their_age(result_store: ResultStore) -> None:
    old, young = make_final_job(finished_at=NOW - 41 * DAY), make_final_job(finished_at=NOW - 39 * DAY)
    await result_store.save([old, young])
    prune = prune_results(result_store, days=40, clock=lambda: NOW)
    assert await prune() == 1
    assert await result_store.find(old.id) is None
    assert await result_store.find(young.id) == young


async def test_consumers_with_pending_jobs_and_recent_ones_are_not_removed(
    real_redis: RedisClient, groups: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(real_redis, "XADD", groups, "*", "job", "1")
    await call(real_redis, "XREADGROUP", "GROUP", keys.GROUP, "busy", "STREAMS", groups, ">")
    await call(real_redis, "XGROUP", "CREATECONSUMER", groups, keys.GROUP, "idle")
    forget = forget_consumers(open_streams(real_redis, shards=1))
    assert await forget() == 0
    monkeypatch.setattr("collection_worker.duties.GONE_SECONDS", -1)
    assert await forget() == 1
    assert await consumers(real_redis, groups) == [b"busy"]


async def test_an_append_only_file_is_rewritten_once_it_has_grown(real_redis: RedisClient) -> None:
    await call(real_redis, "CONFIG", "SET", "appendonly", "yes")
    try:
        await _rewritten(real_redis)
        rewrite = rewrite_logs(real_redis)
        await rewrite()
        await _rewritten(real_redis)
        assert await rewrite() == 0
        await call(real_redis, "SET", "grown", "1")
        assert await rewrite() == 1
        await _rewritten(real_redis)
        assert await rewrite() == 0
    finally:
        await call(real_redis, "CONFIG", "SET", "appendonly", "no")


async def _rewritten(redis: RedisClient) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while is_rewriting(await call(redis, "INFO", "persistence")):  # noqa: ASYNC110 - nobody is told when it ends
            await asyncio.sleep(0.02)


async def test_a_due_duty_is_done_once_by_several_crons(redis_url: str) -> None:
    forget, prune = Called(), Called()
    jobs = schedule(prune.duty(), forget.duty())
    at = datetime.now(UTC)
    due = [dataclasses.replace(job, next_run=at) for job in jobs]
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(run_due(redis_url, [dataclasses.replace(job) for job in due]))
    assert (forget.times, prune.times) == (1, 1)


async def test_rows_are_pruned_every_night_and_consumers_removed_every_hour(redis_url: str) -> None:
    forget, prune, rewrite = schedule(Called().duty(), Called().duty(), Called().duty())
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    forget.calculate_next(start)
    prune.calculate_next(start)
    rewrite.calculate_next(start)
    assert forget.next_run is not None
    assert prune.next_run is not None
    assert f"{forget.next_run:%d %H:%M}" == "23 12:23"
    assert rewrite.next_run is not None
    assert f"{rewrite.next_run:%d %H:%M}" == "23 12:43"
    assert f"{prune.next_run:%d %H:%M}" == "24 03:17"


def test_results_are_kept_for_a_year_or_for_ever() -> None:
    assert read_cron_settings({}).result_retention_days == 365
    assert read_cron_settings({"ETUDE_RESULT_RETENTION_DAYS": "0"}).result_retention_days == 0
    assert len(schedule(None, Called().duty())) == 1


@pytest.mark.parametrize("days", ["1", "31", "-1", "soon"])
def test_rows_needed_to_restore_budgets_cannot_be_pruned(days: str) -> None:
    with pytest.raises(InvalidSettings, match="ETUDE_RESULT_RETENTION_DAYS"):
        read_cron_settings({"ETUDE_RESULT_RETENTION_DAYS": days})


def test_on_a_cluster_the_cron_needs_a_redis_of_its_own() -> None:
    environ = {"ETUDE_REDIS_URL": "redis+cluster://one:7000"}
    with pytest.raises(InvalidSettings, match="ETUDE_CRON_REDIS_URL"):
        read_cron_settings(environ)
    assert (
        read_cron_settings(environ | {"ETUDE_CRON_REDIS_URL": "redis://two"}).cron_redis_url == "redis://two"
    )


async def test_a_duty_that_fails_does_not_end_the_cron(redis_url: str) -> None:
    called = Called(failures=1)
    await run_due(redis_url, now_due(schedule(None, called.duty())))
    await run_due(redis_url, now_due(schedule(None, called.duty())))
    assert called.times == 2


async def test_nothing_in_redis_is_a_pickle(redis_url: str, real_redis: RedisClient) -> None:
    kept: list[bytes] = []

    async def look() -> int:
        names = await call(real_redis, "KEYS", "arq:job:*")
        kept.extend([await call(real_redis, "GET", name) for name in names])
        return 0

    await run_due(redis_url, now_due(schedule(None, look)))
    assert [msgspec.json.decode(one)["f"] for one in kept] == ["forget_consumers"]


async def test_the_cron_waits_for_an_unreachable_redis(
    redis_server: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collection_worker.cron.AWAY_SECONDS", 0.05)
    called = Called()
    redis_server.server.stop()
    keeping = asyncio.create_task(
        keep_time(redis_server.url, now_due(schedule(None, called.duty())), poll_seconds=0.05)
    )
    await asyncio.sleep(0)
    redis_server.server.start()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await called.happened.wait()
    keeping.cancel()
    await asyncio.wait([keeping])
    assert keeping.cancelled()


async def test_the_cron_process_starts_and_exits_with_0_on_a_signal(
    redis_url: str, postgres_url: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "collection_worker.cron"),
        env={"ETUDE_REDIS_URL": redis_url, "ETUDE_POSTGRES_URL": postgres_url},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert b"cron.ready" in await process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert b"cron.stopped" in await process.stdout.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
