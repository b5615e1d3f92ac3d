"""Events of a job, which clients receive as server-sent events. `data` is JSON."""

from enum import StrEnum

import msgspec
from msgspec import Struct

from shared.domain.errors import Problem
from shared.domain.usage import Usage


class EventName(StrEnum):
    STATUS = "status"
    PROGRESS = "progress"
    ITEM = "item"
    DONE = "done"
    """Ends a job; carries its final status."""
    REMOVED = "removed"
    """The job was removed: its other events are deleted, and no more follow."""
    CHANGED = "changed"
    """Its user has changed a collection. Only the user's stream has it: that of the job has ended."""


LAST_EVENTS = frozenset({EventName.DONE, EventName.REMOVED})
"""After one of these the stream of a job ends."""


class StatusChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of `status`: the job is queued (accepted, or waiting for a retry) or running."""

    job_id: str
    kind: str
    status: str
    attempt: int = 0
    problem: Problem | None = None
    retry_at: float | None = None


class Progressed(Struct, frozen=True, kw_only=True):
    """The data of `progress`."""

    job_id: str
    done: int
    total: int


class ItemMade(Struct, frozen=True, kw_only=True):
    """The data of `item`: one checked card or question, as soon as it exists. After a takeover the new attempt publishes its
    items again with a higher `attempt`, and clients drop the items of lower attempts."""

    job_id: str
    attempt: int
    type: str
    """`flashcard` or `question`."""
    item: msgspec.Raw


class Finished(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of `done`."""

    job_id: str
    kind: str
    status: str
    usage: Usage = Usage()
    problem: Problem | None = None


class Removed(Struct, frozen=True, kw_only=True):
    """The data of `removed`."""

    job_id: str
    kind: str


class Changed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of `changed`. What has changed is read from the collection."""

    job_id: str
    kind: str
    item_id: str = ""
    """Empty if more than an item has changed."""


class Event(Struct, frozen=True):
    """One entry of an event log."""

    id: str
    """The Redis stream id, which is the same in the job's log and in its user's. `Last-Event-ID` carries it."""
    job_id: str
    name: str
    data: bytes
    """JSON of one of the structs above."""
