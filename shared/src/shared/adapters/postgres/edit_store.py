"""Stores what users change in their collections. Every change names the revision that it was made of."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from shared.adapters.postgres.connection import Connection
from shared.adapters.postgres.result_rows import clean, statement
from shared.domain.errors import PreconditionFailed
from shared.domain.jobs.job_snapshot import JobSnapshot

Acquire = Callable[[], AbstractAsyncContextManager[Connection]]


class EditStore:
    """Every method raises `PreconditionFailed` if the collection was changed since or is removed, and `StoreUnavailable`."""

    def __init__(self, acquire: Acquire) -> None:
        self.acquired = acquire

    async def rename(self, collection: JobSnapshot, title: str) -> int:
        """Returns the new revision."""
        async with self.acquired() as connection:
            return await _count_change(connection, collection, title=clean(title))


async def _count_change(connection: Connection, collection: JobSnapshot, *, title: str | None = None) -> int:
    revision = await connection.fetchval(
        statement("edit_collection"), collection.id, collection.user, collection.revision, title
    )
    if revision is None:
        raise PreconditionFailed
    return revision
