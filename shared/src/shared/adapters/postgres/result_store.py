"""Results in Postgres: one row per final job, written before its settle, read by whoever asks for it later."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec
import structlog
from msgspec import Struct

from shared.adapters.postgres.batch_writer import batch_writer
from shared.adapters.postgres.connection import (
    COMMAND_SECONDS,
    CONNECT_SECONDS,
    UNACCEPTABLE,
    Connection,
    Pool,
    Watcher,
    acquired,
    open_pool,
)
from shared.adapters.postgres.result_rows import (
    Parts,
    as_columns,
    collection_row,
    is_collection,
    item_rows,
    job_row,
    statement,
    to_parts,
    to_snapshot,
)
from shared.domain.budgets import Charge
from shared.domain.jobs.job import JobId, UserId
from shared.domain.jobs.job_id import is_job_id
from shared.domain.jobs.job_snapshot import JobSnapshot

log = structlog.get_logger()

POOL_SIZE = 5
"""One writes at a time, the others read."""
PRUNE_ROWS = 5_000
"""Per statement: short locks, and well within the time-out."""
CLOSE_SECONDS = COMMAND_SECONDS + CONNECT_SECONDS

REFUSED = (*UNACCEPTABLE, msgspec.DecodeError, ValueError)
"""What is wrong with a job that has no row: Postgres will not have it, or its result is none."""


class DatabaseSurvey(Struct, frozen=True):
    """The server and the database, looked at from outside."""

    connections: int
    """To all databases, everybody's."""
    max_connections: int
    size: int
    """Bytes."""


class ResultStore:
    """Every method raises `StoreUnavailable` when Postgres is away; it connects again by itself."""

    def __init__(self, pool: Pool, watcher: Watcher | None = None) -> None:
        self._pool = pool
        self._watcher = watcher
        self._saves = batch_writer(lambda jobs: self._write(jobs, is_told=False))

    @classmethod
    async def open(cls, url: str, *, name: str, watcher: Watcher | None = None) -> "ResultStore":
        """Does not connect yet. `name` is what the server's own lists show."""
        return cls(await open_pool(url, name=name, size=POOL_SIZE, watcher=watcher), watcher)

    @property
    def idle_connections(self) -> int:
        return self._pool.get_idle_size()

    @property
    def used_connections(self) -> int:
        return self._pool.get_size() - self._pool.get_idle_size()

    async def close(self) -> None:
        """Finish the saves under way, then disconnect."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._saves.close()
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def ping(self) -> None:
        async with self._acquired() as connection:
            await connection.fetchval("SELECT 1")

    async def save(self, jobs: Sequence[JobSnapshot]) -> None:
        """Keep what attempts came to. A row of the same or a later attempt stays as it is.

        Concurrent calls share a statement. Raises `Unexpected` when Postgres refuses a job for what is in it; the
        others are saved.
        """
        if len(jobs) == 1:
            return await self._saves.add(jobs[0])
        fates = await asyncio.gather(*(self._saves.add(job) for job in jobs), return_exceptions=True)
        for fate in fates:
            if fate is not None:
                raise fate
        return None

    async def save_told(self, jobs: Sequence[JobSnapshot]) -> None:
        """Keep what records tell of jobs that ended without a worker, whatever row there was when they did.

        A job that Postgres refuses is logged and left out: it would be refused again, and must not hold up the others.
        """
        last = {job.id: job for job in jobs}
        await self._write(sorted(last.values(), key=lambda job: job.id), is_told=True)

    async def find(self, job_id: JobId, *, user: UserId | None = None) -> JobSnapshot | None:
        """With its result. With `user`: only if it is theirs."""
        if not is_job_id(job_id):
            return None
        async with self._acquired() as connection:
            row = await connection.fetchrow(statement("find_job"), job_id, user)
        return None if row is None else to_snapshot(row)

    async def list_jobs(
        self, user: UserId, *, kinds: Sequence[str], before: JobId | None, limit: int
    ) -> list[JobSnapshot]:
        """Newest first, from below `before`; without results."""
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("list_jobs"), user, list(kinds), before, limit)
        return [to_snapshot(row) for row in rows]

    async def find_collection(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        """As `find`, for jobs of kind collection; without a result when it failed or was cancelled."""
        job = await self.find(job_id, user=user)
        return job if job and is_collection(job) else None

    async def delete_collection(self, user: UserId, job_id: JobId) -> bool:
        """Forget the material, keep what it cost. False: there is no such collection."""
        if not is_job_id(job_id):
            return False
        async with self._acquired() as connection:
            return await connection.fetchval(statement("remove_collection"), job_id, user) == 1

    async def prune(self, *, before: float) -> int:
        """Delete the rows of jobs that ended before a time (Unix seconds), but for collections that were not removed.
        Returns how many."""
        pruned = 0
        while True:
            async with self._acquired() as connection:
                count = int(
                    (await connection.execute(statement("prune_jobs"), before, PRUNE_ROWS)).split()[-1]
                )
            pruned += count
            if count < PRUNE_ROWS:
                return pruned

    async def survey(self) -> DatabaseSurvey:
        async with self._acquired() as connection:
            (row,) = await connection.fetch(statement("stats"))
        return DatabaseSurvey(**row)

    async def charged(self, user: UserId, windows: Sequence[str]) -> dict[str, int]:
        """Tokens of the user's final jobs, by budget window."""
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("charged"), user, list(windows))
        found = {row["period"]: row["tokens"] for row in rows}
        return {window: found.get(window, 0) for window in windows}

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]:
        """What jobs accepted before a time (Unix seconds) have cost in these windows of this month: a page of it, from
        behind `after`."""
        user, window = (after.user, after.window) if after else ("", "")
        async with self._acquired() as connection:
            rows = await connection.fetch(
                statement("charged_before"), before, list(windows), user, window, limit
            )
        return [Charge(row["user_id"], row["period"], row["tokens"]) for row in rows]

    def _acquired(self) -> AbstractAsyncContextManager[Connection]:
        return acquired(self._pool, self._watcher)

    async def _write(self, jobs: Sequence[JobSnapshot], *, is_told: bool) -> set[JobId]:
        """All in one go; one by one when one of them is refused. Returns those that are."""
        try:
            await self._write_together(jobs, is_told=is_told)
        except REFUSED as error:
            if len(jobs) > 1:
                refused = [await self._write([job], is_told=is_told) for job in jobs]
                return set[JobId]().union(*refused)
            log.error("result.refused", job_id=jobs[0].id, error_type=type(error).__name__)
            return {jobs[0].id}
        return set()

    async def _write_together(self, jobs: Sequence[JobSnapshot], *, is_told: bool) -> None:
        rows = as_columns(map(job_row, jobs), 18)
        async with self._acquired() as connection:
            if not any(map(is_collection, jobs)):
                await connection.fetch(statement("save_jobs"), *rows, is_told)
                return
            parts = {job.id: made for job in jobs if (made := to_parts(job))}
            async with connection.transaction():
                saved = await connection.fetch(statement("save_jobs"), *rows, is_told)
                await connection.execute(statement("forget_collections"), [row["id"] for row in saved])
                kept = {JobId(row["id"]) for row in saved if not row["is_removed"]}
                await _save_parts(
                    connection, {job_id: made for job_id, made in parts.items() if job_id in kept}
                )


async def _save_parts(connection: Connection, collections: Mapping[JobId, Parts]) -> None:
    if not collections:
        return
    rows = [collection_row(job_id, parts) for job_id, parts in collections.items()]
    cards = [row for job_id, parts in collections.items() for row in item_rows(job_id, parts.flashcards)]
    questions = [row for job_id, parts in collections.items() for row in item_rows(job_id, parts.quiz)]
    await connection.execute(statement("save_collections"), *as_columns(rows, 5))
    await connection.execute(statement("save_flashcards"), *as_columns(cards, 3))
    await connection.execute(statement("save_quiz_questions"), *as_columns(questions, 3))
