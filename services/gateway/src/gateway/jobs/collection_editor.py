"""Changes what users have in their collections, and tells their other listeners."""

from contextlib import suppress

import msgspec

from shared.adapters.postgres.edit_store import EditStore
from shared.adapters.redis.jobs.event_log import EventLog
from shared.domain.errors import CollectionFull, NotFound, StoreUnavailable
from shared.domain.jobs.events import Changed
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.study.edits import ItemEdit
from shared.domain.study.material import Collection, Flashcard, Options, QuizQuestion

MAX_ITEMS = 1_000
"""Most cards, and most questions, of one collection: twice what one job makes."""

Item = Flashcard | QuizQuestion


class CollectionEditor:
    """Every change raises `PreconditionFailed` if the collection was changed since it was read, and `StoreUnavailable`. Returns the
    new revision."""

    def __init__(self, edits: EditStore, events: EventLog) -> None:
        self._edits = edits
        self._events = events

    async def rename(self, collection: JobSnapshot, title: str) -> int:
        revision = await self._edits.rename(collection, title)
        await self._tell(collection)
        return revision

    async def edit_item(self, collection: JobSnapshot, item_id: str, edit: ItemEdit) -> int:
        revision = await self._edits.edit_item(collection, item_id, edit)
        await self._tell(collection, item_id)
        return revision

    async def delete_item(self, collection: JobSnapshot, item_id: str) -> int:
        revision = await self._edits.delete_item(collection, item_id)
        await self._tell(collection, item_id)
        return revision

    async def add_item(self, collection: JobSnapshot, item: Item, *, fingerprint: str) -> int:
        """Raises `CollectionFull`, besides what a change raises."""
        is_card = isinstance(item, Flashcard)
        require_room(collection, Options(flashcards=int(is_card), questions=int(not is_card)))
        revision = await self._edits.add_item(collection, item, fingerprint=fingerprint)
        await self._tell(collection, item.id)
        return revision

    async def was_added(self, collection: JobSnapshot, item_id: str, *, fingerprint: str) -> bool:
        """As `EditStore.was_added`."""
        return await self._edits.was_added(collection.id, item_id, fingerprint=fingerprint)

    async def _tell(self, collection: JobSnapshot, item_id: str = "") -> None:
        """The change is made already, so a listener that hears nothing of it is no error: its next change is refused."""
        with suppress(StoreUnavailable):
            await self._events.tell_change(
                collection.user, Changed(job_id=collection.id, kind=collection.kind, item_id=item_id)
            )


def material_of(collection: JobSnapshot) -> Collection:
    """What a ready collection holds. Raises `NotFound` for one that failed."""
    if collection.result is None:
        raise NotFound
    return msgspec.json.decode(collection.result, type=Collection)


def require_room(collection: JobSnapshot, wanted: Options) -> None:
    """Raises `CollectionFull` if the collection would have too many items with those that are wanted."""
    material = material_of(collection)
    for items, count in ((material.flashcards, wanted.flashcards), (material.quiz, wanted.questions)):
        if count and len(items) + count > MAX_ITEMS:
            raise CollectionFull(limit=MAX_ITEMS)


def find_item(collection: JobSnapshot, item_id: str) -> Item:
    """Raises `NotFound`."""
    material = material_of(collection)
    for item in [*material.flashcards, *material.quiz]:
        if item.id == item_id:
            return item
    raise NotFound
