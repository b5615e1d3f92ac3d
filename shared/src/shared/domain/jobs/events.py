"""Events: past-tense facts about a job that clients listen to.

`data` is JSON. Names are the SSE event names of the API: `status`, `progress`, `item`, `done`.
"""

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
    """The last event of a job; carries its final status."""


class StatusChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """data of `status`: queued (accepted, or again after a failed attempt) or running."""

    job_id: str
    kind: str
    status: str
    attempt: int = 0
    problem: Problem | None = None
    retry_at: float | None = None


class Progressed(Struct, frozen=True, kw_only=True):
    """data of `progress`."""

    job_id: str
    done: int
    total: int


class ItemMade(Struct, frozen=True, kw_only=True):
    """data of `item`: one checked card or question, as soon as it exists. After a takeover a new attempt tells its
    items again: `attempt` grows, and a listener drops the items of lower attempts."""

    job_id: str
    attempt: int
    type: str
    """`flashcard` or `question`."""
    item: msgspec.Raw


class Finished(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """data of `done`."""

    job_id: str
    kind: str
    status: str
    usage: Usage = Usage()
    problem: Problem | None = None


class Event(Struct, frozen=True):
    """One entry of an event log."""

    id: str
    """Redis stream id: the same in the job's log and in its user's, and what `Last-Event-ID` gives back."""
    job_id: str
    name: str
    data: bytes
    """JSON of one of the structs above."""
