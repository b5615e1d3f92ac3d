"""Stores the results of final jobs in Postgres, one row per job. A row is written before its job is settled."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress

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
    PoolObserver,
    acquire,
    open_pool,
    translate_errors,
)
from shared.adapters.postgres.edit_store import EditStore
from shared.adapters.postgres.result_rows import (
    MadeParts,
    Parts,
    as_columns,
    collection_row,
    is_collection,
    item_rows,
    job_row,
    statement,
    step_rows,
    to_made_items,
    to_parts,
    to_snapshot,
)
from shared.domain.budgets import Charge
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.collection_filter import CollectionFilter
from shared.domain.jobs.job import JobId, JobState, Kind, UserId
from shared.domain.jobs.job_id import is_job_id
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.material import ItemCounts

log = structlog.get_logger()

POOL_SIZE = 5
"""Connections of the pool: one writes at a time, and the others read."""
PRUNE_ROWS = 5_000
"""Rows that one statement deletes, so that locks are short and the statement stays within its timeout."""
CLOSE_SECONDS = COMMAND_SECONDS + CONNECT_SECONDS

REFUSED = (*UNACCEPTABLE, msgspec.DecodeError, ValueError)
"""Errors of a job that cannot be stored: Postgres refuses its content, or its result is not valid."""


class DatabaseStats(Struct, frozen=True):
    """Statistics of the server and the database."""

    connections: int
    """Connections to all databases, of all clients."""
    max_connections: int
    size: int
    """Size of the database in bytes."""


class ResultStore:
    """Every method raises `StoreUnavailable` if Postgres is unreachable. The pool reconnects by itself."""

    def __init__(self, pool: Pool, observer: PoolObserver | None = None) -> None:
        self._pool = pool
        self._observer = observer
        self.edits = EditStore(self._acquired)
        self._saves = batch_writer(lambda jobs: self._write(jobs, from_records=False))

    @classmethod
    async def open(cls, url: str, *, name: str, observer: PoolObserver | None = None) -> "ResultStore":
        """Open a store without connecting. `name` is the application name that the server shows."""
        return cls(await open_pool(url, name=name, size=POOL_SIZE, observer=observer), observer)

    @property
    def idle_connections(self) -> int:
        return self._pool.get_idle_size()

    @property
    def used_connections(self) -> int:
        return self._pool.get_size() - self._pool.get_idle_size()

    async def close(self) -> None:
        """Finish pending saves, then disconnect."""
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
        """Save the results of attempts. A row of the same or a later attempt stays as it is.

        Concurrent calls share a statement. Raises `Unexpected` if Postgres refuses the content of a job; the others are
        saved.
        """
        if len(jobs) == 1:
            return await self._saves.add(jobs[0])
        errors = await asyncio.gather(*(self._saves.add(job) for job in jobs), return_exceptions=True)
        for error in errors:
            if error is not None:
                raise error
        return None

    async def save_records(self, jobs: Sequence[JobSnapshot]) -> None:
        """Save the records of jobs that ended without a worker. A record replaces the row of its job, unless another attempt wrote
        the row and ended later.

        A job whose content Postgres refuses is logged and left out, because it would be refused again and must not delay the
        others.
        """
        last = {job.id: job for job in jobs}
        await self._write(sorted(last.values(), key=lambda job: job.id), from_records=True)

    async def find(self, job_id: JobId, *, user: UserId | None = None) -> JobSnapshot | None:
        """The job with its result. With `user`, only if it is theirs."""
        if not is_job_id(job_id):
            return None
        async with self._acquired() as connection:
            row = await connection.fetchrow(statement("find_job"), job_id, user)
            if row is not None and user is not None and row["is_used_again"]:
                with suppress(StoreUnavailable):  # a standby can be read and not written
                    async with translate_errors():
                        await connection.execute(statement("use_job"), job_id)
        return None if row is None else to_snapshot(row)

    async def find_step(self, user: UserId, content: str, needed: ItemCounts) -> bytes | None:
        """A completion of this content that the user has bought, asked for at least as many items."""
        async with self._acquired() as connection:
            return await connection.fetchval(
                statement("find_step"), content, user, needed.cards, needed.questions
            )

    async def list_jobs(
        self, user: UserId, *, kinds: Sequence[str], before: JobId | None, limit: int
    ) -> list[JobSnapshot]:
        """Jobs older than `before`, newest first, without results."""
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("list_jobs"), user, list(kinds), before, limit)
        return [to_snapshot(row) for row in rows]

    async def list_collections(
        self, user: UserId, wanted: CollectionFilter, *, before: JobId | None, limit: int
    ) -> list[JobSnapshot]:
        """Collections that are ready or failed and older than `before`, newest first, without results."""
        statuses = [state.value for state in (JobState.SUCCEEDED, JobState.FAILED) if wanted.has_state(state)]
        if not statuses:
            return []
        chosen = (statuses, wanted.language, wanted.item_kind, wanted.title_part)
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("list_collections"), user, before, limit, *chosen)
        return [to_snapshot(row) for row in rows]

    async def find_collection(self, user: UserId, job_id: JobId) -> JobSnapshot | None:
        """The job of a collection; it has no result if it failed or was cancelled."""
        job = await self.find(job_id, user=user)
        return job if job and is_collection(job) else None

    async def remove(self, user: UserId, job_id: JobId) -> bool:
        """Delete the material of a job and keep its cost. Returns False if the user has no such job."""
        if not is_job_id(job_id):
            return False
        async with self._acquired() as connection, connection.transaction():
            is_removed = await connection.fetchval(statement("remove_job"), job_id, user) == 1
            for forget in ("forget_edits", "forget_steps"):
                await connection.execute(statement(forget), [job_id] if is_removed else [])
        return is_removed

    async def remove_records(self, jobs: Sequence[JobSnapshot]) -> None:
        """Write the rows of removed jobs: their cost, and nothing of what they made."""
        if not jobs:
            return
        rows = as_columns(map(job_row, jobs), 21)
        async with self._acquired() as connection, connection.transaction():
            await connection.execute(statement("remove_records"), *rows)
            for forget in ("forget_collections", "forget_edits", "forget_steps"):
                await connection.execute(statement(forget), [job.id for job in jobs])

    async def jobs_of_user(self, user: UserId, *, limit: int) -> list[JobId]:
        """Return ids of the user's jobs, removed ones among them."""
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("jobs_of_user"), user, limit)
        return [JobId(row["id"]) for row in rows]

    async def jobs_adding_items(self, user: UserId, collection: JobId) -> list[JobId]:
        """Return ids of the final jobs that added items to a collection."""
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("jobs_adding_items"), user, collection)
        return [JobId(row["id"]) for row in rows]

    async def erase(self, user: UserId, ids: Sequence[JobId]) -> int:
        """Delete the material of these jobs and their user's id, and keep their cost. Returns the number of rows."""
        async with self._acquired() as connection, connection.transaction():
            erased = await connection.fetch(statement("erase_jobs"), list(ids), user)
            for forget in ("forget_edits", "forget_steps"):
                await connection.execute(statement(forget), [row["id"] for row in erased])
        return len(erased)

    async def prune(self, *, before: float) -> int:
        """Delete the rows, with their material, of jobs that ended and were last used before a time (Unix seconds). Returns
        the number of deleted jobs."""
        pruned = 0
        while True:
            async with self._acquired() as connection:
                count = int(
                    (await connection.execute(statement("prune_jobs"), before, PRUNE_ROWS)).split()[-1]
                )
            pruned += count
            if count < PRUNE_ROWS:
                return pruned

    async def stats(self) -> DatabaseStats:
        async with self._acquired() as connection:
            (row,) = await connection.fetch(statement("stats"))
        return DatabaseStats(**row)

    async def charged(self, user: UserId, windows: Sequence[str]) -> dict[str, int]:
        """Tokens of the user's final jobs, by budget window."""
        async with self._acquired() as connection:
            rows = await connection.fetch(statement("charged"), user, list(windows))
        found = {row["period"]: row["tokens"] for row in rows}
        return {window: found.get(window, 0) for window in windows}

    async def charged_before(
        self, before: float, windows: Sequence[str], *, after: Charge | None, limit: int
    ) -> list[Charge]:
        """A page of the cost of jobs accepted before a time (Unix seconds) in these windows of this month. It begins after
        `after`."""
        user, window = (after.user, after.window) if after else ("", "")
        async with self._acquired() as connection:
            rows = await connection.fetch(
                statement("charged_before"), before, list(windows), user, window, limit
            )
        return [Charge(row["user_id"], row["period"], row["tokens"]) for row in rows]

    def _acquired(self) -> AbstractAsyncContextManager[Connection]:
        return acquire(self._pool, self._observer)

    async def _write(self, jobs: Sequence[JobSnapshot], *, from_records: bool) -> set[JobId]:
        """Write all jobs together, or one by one if one of them is refused. Returns the refused ones."""
        try:
            await self._write_together(jobs, from_records=from_records)
        except REFUSED as error:
            if len(jobs) > 1:
                refused = [await self._write([job], from_records=from_records) for job in jobs]
                return set[JobId]().union(*refused)
            log.error("result.refused", job_id=jobs[0].id, error_type=type(error).__name__)
            return {jobs[0].id}
        return set()

    async def _write_together(self, jobs: Sequence[JobSnapshot], *, from_records: bool) -> None:
        rows = as_columns(map(job_row, jobs), 21)
        async with self._acquired() as connection:
            if not any(job.kind in (Kind.COLLECTION, Kind.ITEMS) or job.steps for job in jobs):
                await connection.fetch(statement("save_jobs"), *rows, from_records)
                return
            made = [(job, items) for job in jobs if (items := to_made_items(job))]
            parts = {job.id: job_parts for job in jobs if (job_parts := to_parts(job))}
            async with connection.transaction():
                saved = await connection.fetch(statement("save_jobs"), *rows, from_records)
                for forget in ("forget_collections", "forget_steps"):
                    await connection.execute(statement(forget), [row["id"] for row in saved])
                kept = {JobId(row["id"]) for row in saved if not row["is_removed"]}
                await _save_parts(connection, {job_id: parts[job_id] for job_id in parts if job_id in kept})
                await _save_steps(connection, [job for job in jobs if job.id in kept])
                for job, items in made:
                    if job.id in kept:
                        await _add_items(connection, job, items)


async def _save_steps(connection: Connection, jobs: Sequence[JobSnapshot]) -> None:
    if rows := [row for job in jobs for row in step_rows(job)]:
        await connection.execute(statement("save_steps"), *as_columns(rows, 5))


async def _add_items(connection: Connection, job: JobSnapshot, made: MadeParts) -> None:
    """Add the items to their collection, unless it is removed."""
    if await connection.fetchval(statement("count_addition"), made.collection_id, job.user) is None:
        return
    items = [("flashcard", item) for item in made.flashcards] + [("question", item) for item in made.quiz]
    rows = as_columns(((item_type, bytes(item).decode()) for item_type, item in items), 2)
    await connection.execute(statement("forget_added"), made.collection_id, job.id)
    await connection.execute(statement("add_made_items"), made.collection_id, job.id, *rows)


async def _save_parts(connection: Connection, collections: Mapping[JobId, Parts]) -> None:
    if not collections:
        return
    rows = [collection_row(job_id, parts) for job_id, parts in collections.items()]
    cards = [row for job_id, parts in collections.items() for row in item_rows(job_id, parts.flashcards)]
    questions = [row for job_id, parts in collections.items() for row in item_rows(job_id, parts.quiz)]
    await connection.execute(statement("save_collections"), *as_columns(rows, 5))
    await connection.execute(statement("save_flashcards"), *as_columns(cards, 3))
    await connection.execute(statement("save_quiz_questions"), *as_columns(questions, 3))
