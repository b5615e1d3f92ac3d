"""A job: one accepted request, the states it passes through, and the transitions allowed between them."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from shared.domain.usage import Usage

JobId = NewType("JobId", str)
UserId = NewType("UserId", str)
EntryId = NewType("EntryId", str)


class JobState(StrEnum):
    """The state of a job. Only an operator's replay of a dead letter leaves a final state."""

    QUEUED = "queued"
    """Accepted and waiting: in the stream, in the user's waiting list, or due for a retry."""
    RUNNING = "running"
    """Leased: exactly one attempt owns it."""
    SUCCEEDED = "succeeded"
    """Final: the result was saved before this was written."""
    FAILED = "failed"
    """Final: the error says why. Tokens that were held and not spent went back to the budget."""
    CANCELLED = "cancelled"
    """Final: its user cancelled it."""

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    # lease · cancel
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    # takeover of a stale lease · retry · the three ends
    JobState.RUNNING: frozenset({JobState.RUNNING, JobState.QUEUED, *FINAL_STATES}),
    JobState.SUCCEEDED: frozenset(),
    # replay, by an operator only
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset(),
}
"""All transitions; the scripts write no others."""


class Kind(StrEnum):
    """What a job makes. It decides the stream, the handler and the type of the result."""

    FLASHCARDS = "flashcards"
    QUIZ = "quiz"
    SUMMARY = "summary"
    EXPLANATION = "explanation"
    OUTLINE = "outline"
    TEXT = "text"
    COLLECTION = "collection"
    ITEMS = "items"
    """More items of a collection that is there."""

    @property
    def stream(self) -> "StreamName":
        return StreamName.COLLECTION if self in (Kind.COLLECTION, Kind.ITEMS) else StreamName.AI


class StreamName(StrEnum):
    """The two work streams, so that short jobs do not wait behind documents."""

    AI = "ai"
    COLLECTION = "collection"


AI_KINDS = tuple(kind for kind in Kind if kind.stream is StreamName.AI)
"""The kinds that `POST /api/ai` makes."""
JOB_KINDS = (*AI_KINDS, Kind.ITEMS)
"""The kinds that are shown as jobs. A collection is shown as what it is."""


class LeasedJob(Struct, frozen=True, kw_only=True):
    """A job that a worker has leased. `attempt` is the fence, which every write carries."""

    id: JobId
    user: UserId
    kind: str
    """A `Kind` when this release knows it; a newer release may send others, which are parked."""
    version: int
    """Wire version of the payload."""
    payload: bytes
    shard: int
    stream: StreamName
    entry: EntryId
    attempt: int
    """Starts at 1 when first leased, and grows with every lease."""
    failures: int = 0
    """Attempts that count against the limit of attempts. Hand-backs do not count."""
    crashes: int = 0
    """Leases that expired without a settlement, so that crashes which no `except` sees are counted too."""
    created_at: float = 0.0
    """Unix seconds."""
    started_at: float = 0.0
    """Unix seconds of the first lease."""
    usage: Usage = Usage()
    """What the kept steps have cost."""
    plan: str = ""
    """The user's plan when the job was accepted."""
    request_id: str = ""
    """The HTTP request that submitted it, for the logs."""
    traceparent: str = ""
    """The W3C trace context of the submission; empty without tracing."""
    title: str = ""
    """The title of a collection, as submitted; of a job that adds items, the id of the collection."""
    windows: tuple[str, ...] = ()
    """Keys of the budget windows in which its tokens are held."""
    held: int = 0
    """Tokens held in each window: the most that the job may cost."""
    steps: dict[str, bytes] = {}
    """Encoded steps that earlier attempts paid for, by name."""
