"""Changes what users have in their collections, and tells their other listeners."""

from contextlib import suppress

from shared.adapters.postgres.edit_store import EditStore
from shared.adapters.redis.jobs.event_log import EventLog
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.events import Changed
from shared.domain.jobs.job_snapshot import JobSnapshot


class CollectionEditor:
    """Every method raises `PreconditionFailed` if the collection was changed since it was read, and `StoreUnavailable`."""

    def __init__(self, edits: EditStore, events: EventLog) -> None:
        self._edits = edits
        self._events = events

    async def rename(self, collection: JobSnapshot, title: str) -> int:
        """Returns the new revision."""
        revision = await self._edits.rename(collection, title)
        await self._tell(collection)
        return revision

    async def _tell(self, collection: JobSnapshot) -> None:
        """The change is made already, so a listener that hears nothing of it is no error: its next change is refused."""
        with suppress(StoreUnavailable):
            await self._events.tell_change(
                collection.user, Changed(job_id=collection.id, kind=collection.kind)
            )
