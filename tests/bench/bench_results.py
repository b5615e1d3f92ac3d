"""Saving results: how many jobs a second, each saved by its own caller, on a Postgres that waits for its disk."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.factories import NOW, make_final_job

from local.servers.postgres_server import PostgresServer
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.result_store import ResultStore
from shared.domain.jobs.job import Kind
from shared.domain.jobs.job_snapshot import JobSnapshot

CALLERS = (1, 100, 500)
JOBS = 15_000


def main() -> None:
    folder = tempfile.TemporaryDirectory(prefix="etude-bench-")
    with folder, PostgresServer(Path(folder.name) / "postgres") as server:
        migrate(server.url)
        for kind in (Kind.SUMMARY, Kind.COLLECTION):
            for callers in CALLERS:
                count = min(JOBS, 300 * callers)
                rate = asyncio.run(measure(server.url, kind, callers=callers, count=count))
                print(f"save {kind} jobs, {callers:>3} callers: {rate:>7,.0f} jobs/s")


async def measure(url: str, kind: Kind, *, callers: int, count: int) -> float:
    store = await ResultStore.open(url, name="bench")
    await store.save([make_final_job(kind=kind)])  # connects, and prepares the statement
    jobs = iter([make_final_job(kind=kind) for _ in range(count)])
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(save_each(store, jobs))
    seconds = time.perf_counter() - started
    assert await store.prune(before=NOW * 2) == (0 if kind is Kind.COLLECTION else count + 1)
    await store.close()
    return count / seconds


async def save_each(store: ResultStore, jobs: Iterator[JobSnapshot]) -> None:
    for job in jobs:
        await store.save([job])


if __name__ == "__main__":
    main()
