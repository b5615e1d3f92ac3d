"""Everything one shard holds, as plain values: what the model expects, and what is read from Redis, compare as equal."""

from typing import Any, cast

from msgspec import Struct, field

from shared.domain.jobs.job import JobId, JobState, StreamName, UserId

HOUR, DAY, WEEK = 1, 24, 168
NEVER = 0


class JobFacts(Struct, kw_only=True):
    """One record, and what belongs to it alone."""

    user: UserId
    kind: str
    stream: StreamName
    state: JobState = JobState.QUEUED
    attempt: int = 0
    owner: str = ""
    failures: int = 0
    crashes: int = 0
    traceparent: str
    hold: int
    """What is held whenever the job is accepted or replayed."""
    held: int
    windows: tuple[str, ...]
    prompt: int = 0
    completion: int = 0
    problem: str = ""
    """Its code."""
    progress: tuple[int, int] = (0, 0)
    told: tuple[int, int] = (0, 0)
    """The last attempt that told events itself, and how many."""
    steps: dict[str, bytes] = field(default_factory=dict[str, bytes])
    contents: frozenset[str] = frozenset()
    """What it has begun to buy."""
    has_payload: bool = True
    is_removed: bool = False
    expires: frozenset[int] = frozenset({NEVER})
    """Hours until its keys go: all of them at one time."""


class Pending(Struct):
    """One entry that was read and is not acknowledged."""

    consumer: str
    is_stale: bool = False


class Counts(Struct):
    """One budget window of one user."""

    used: int = 0
    held: int = 0


class Purchase(Struct, frozen=True):
    """Who buys a content, or has bought it."""

    job_id: JobId
    attempt: int
    asked: tuple[int, int]
    step: str


class HoldFacts(Struct, frozen=True):
    user: UserId
    tokens: int
    windows: tuple[str, ...]


class Told(Struct, frozen=True):
    """One event of a log, without the time a retry is due."""

    job_id: JobId
    name: str
    data: dict[str, Any]


class ShardState(Struct):
    """Keyed as Redis keys are; what is empty is not there."""

    jobs: dict[JobId, JobFacts] = {}
    entries: dict[StreamName, list[JobId]] = {}
    """The work streams, by the jobs their entries name."""
    pending: dict[JobId, Pending] = {}
    cursors: dict[StreamName, JobId | None] = {}
    """Where claiming goes on, if it stopped midway: the first pending job from there."""
    waiting: dict[tuple[UserId, StreamName], list[JobId]] = {}
    live: dict[tuple[UserId, StreamName], set[JobId]] = {}
    due: set[JobId] = set()
    dead: set[JobId] = set()
    unsaved: set[JobId] = set()
    totals: dict[str, int] = {}
    """The shard's ledger: how many jobs ever came to what, and how many stand in waiting lists."""
    holds: dict[str, HoldFacts] = {}
    budgets: dict[tuple[UserId, str], Counts] = {}
    requests: dict[tuple[UserId, int], int] = {}
    contents: dict[tuple[UserId, str], Purchase] = {}
    idempotency: dict[tuple[UserId, str], tuple[str, JobId]] = {}
    logs: dict[UserId, list[Told]] = {}


def differences(seen: object, expected: object, path: str = "") -> list[str]:
    """Where two states part, one line each."""
    if seen == expected:
        return []
    if isinstance(seen, Struct) and type(seen) is type(expected):
        names = seen.__struct_fields__
        return _differences(
            {n: getattr(seen, n) for n in names}, {n: getattr(expected, n) for n in names}, path
        )
    if isinstance(seen, dict) and isinstance(expected, dict):
        return _differences(cast(dict[Any, Any], seen), cast(dict[Any, Any], expected), path)
    if isinstance(seen, list) and isinstance(expected, list):
        pair = cast(list[Any], seen), cast(list[Any], expected)
        return _differences(dict(enumerate(pair[0])), dict(enumerate(pair[1])), path)
    return [f"{path}: seen {seen}, expected {expected}"]


def _differences(seen: dict[Any, Any], expected: dict[Any, Any], path: str) -> list[str]:
    return [
        line
        for name in {**seen, **expected}
        for line in differences(seen.get(name), expected.get(name), f"{path}.{name}")
    ]
