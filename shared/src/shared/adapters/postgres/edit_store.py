"""Stores what users change in their collections. Every change names the revision that it was made of."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from shared.adapters.postgres.connection import Connection
from shared.adapters.postgres.result_rows import clean, statement
from shared.domain.errors import IdempotencyConflict, NotFound, PreconditionFailed
from shared.domain.jobs.job import JobId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.edits import DELETED, NO_EDIT, ItemEdit
from shared.domain.study.material import Flashcard, QuizQuestion

Acquire = Callable[[], AbstractAsyncContextManager[Connection]]


class EditStore:
    """Every change raises `PreconditionFailed` if the collection was changed since or is removed. Every method raises
    `StoreUnavailable`."""

    def __init__(self, acquire: Acquire) -> None:
        self.acquired = acquire

    async def rename(self, collection: JobSnapshot, title: str) -> int:
        """Returns the new revision, as the other changes do."""
        async with self.acquired() as connection:
            return await _count_change(connection, collection, title=clean(title))

    async def edit_item(self, collection: JobSnapshot, item_id: str, edit: ItemEdit) -> int:
        """Add an edit to those of the item."""
        async with self._change(collection) as (connection, revision):
            earlier = await connection.fetchval(statement("find_edit"), collection.id, item_id)
            known = msgspec.json.decode(earlier, type=ItemEdit) if earlier else NO_EDIT
            await _write_edit(connection, collection.id, item_id, known.followed_by(edit))
        return revision

    async def delete_item(self, collection: JobSnapshot, item_id: str) -> int:
        """Delete the item and its edits. That it is deleted is remembered by its id, so that it is not added again."""
        async with self._change(collection) as (connection, revision):
            await connection.execute(statement("delete_item"), collection.id, item_id)
            await _write_edit(connection, collection.id, item_id, DELETED)
        return revision

    async def add_item(
        self, collection: JobSnapshot, item: Flashcard | QuizQuestion, *, fingerprint: str
    ) -> int:
        item_type = "flashcard" if isinstance(item, Flashcard) else "question"
        async with self._change(collection) as (connection, revision):
            content = msgspec.json.encode(item).decode()
            await connection.execute(
                statement("add_item"), collection.id, item.id, item_type, content, fingerprint
            )
        return revision

    async def was_added(self, collection: JobId, item_id: str, *, fingerprint: str) -> bool:
        """Whether the item was added by a request with this fingerprint. Raises `IdempotencyConflict` if it was by another one,
        and `NotFound` if it was deleted since."""
        async with self.acquired() as connection:
            found = await connection.fetchrow(statement("find_added"), collection, item_id)
        if found is None or found["is_deleted"]:
            raise NotFound
        if found["fingerprint"] not in (None, fingerprint):
            raise IdempotencyConflict
        return found["fingerprint"] is not None

    @asynccontextmanager
    async def _change(self, collection: JobSnapshot) -> AsyncGenerator[tuple[Connection, int]]:
        async with self.acquired() as connection, connection.transaction():
            yield connection, await _count_change(connection, collection)


async def _count_change(connection: Connection, collection: JobSnapshot, *, title: str | None = None) -> int:
    revision = await connection.fetchval(
        statement("edit_collection"), collection.id, collection.user, collection.revision, title
    )
    if revision is None:
        raise PreconditionFailed
    return revision


async def _write_edit(connection: Connection, collection: JobId, item_id: str, edit: ItemEdit) -> None:
    await connection.execute(statement("edit_item"), collection, item_id, msgspec.json.encode(edit).decode())
