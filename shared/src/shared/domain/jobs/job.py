"""A job: one accepted request, the states it passes through, and the transitions allowed between them."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from shared.domain.usage import Usage

JobId = NewType("JobId", str)
UserId = NewType("UserId", str)
EntryId = NewType("EntryId", str)


class JobState(StrEnum):
    """Where a job is in its life. Final states are left only by an operator's replay of a dead letter."""

    QUEUED = "queued"
    """Accepted and waiting: in the stream, in the user's waiting list, or due for a retry."""
    RUNNING = "running"
    """Leased: exactly one attempt owns it."""
    SUCCEEDED = "succeeded"
    """Final: the result was saved before this was written."""
    FAILED = "failed"
    """Final: the error says why; what was not spent went back to the budget."""
    CANCELLED = "cancelled"
    """Final: its user asked for it."""

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
"""Every transition there is; the scripts write no other."""


class Kind(StrEnum):
    """What is asked for. Decides the stream, the handler and the shape of the result."""

    FLASHCARDS = "flashcards"
    QUIZ = "quiz"
    SUMMARY = "summary"
    EXPLANATION = "explanation"
    OUTLINE = "outline"
    TEXT = "text"
    COLLECTION = "collection"

    @property
    def stream(self) -> "StreamName":
        return StreamName.COLLECTION if self is Kind.COLLECTION else StreamName.AI


AI_KINDS = tuple(kind for kind in Kind if kind is not Kind.COLLECTION)


class StreamName(StrEnum):
    """The two work streams: short jobs do not wait behind documents."""

    AI = "ai"
    COLLECTION = "collection"


class LeasedJob(Struct, frozen=True, kw_only=True):
    """A job that a worker holds. `attempt` is the fence: every write carries it."""

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
    """Counted retries so far: what the retry budget is spent on. Hand-backs are not failures."""
    crashes: int = 0
    """Leases that ran out without a settlement; survives what no `except` sees."""
    created_at: float = 0.0
    """Unix seconds."""
    started_at: float = 0.0
    """Unix seconds of the first lease."""
    usage: Usage = Usage()
    """What the kept steps have cost so far."""
    plan: str = ""
    """The user's plan when the job was accepted."""
    request_id: str = ""
    """The HTTP request that submitted it, for the logs."""
    traceparent: str = ""
    """The leg of a trace that submitted it; empty: none was written."""
    title: str = ""
    """Of a collection, as submitted."""
    windows: tuple[str, ...] = ()
    """The budget windows in which its hold was taken."""
    held: int = 0
    """Tokens held in them: the most that the job may cost in all."""
    steps: dict[str, bytes] = {}
    """The steps that earlier attempts paid for, encoded, by name."""
