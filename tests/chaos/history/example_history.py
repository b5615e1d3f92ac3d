"""A small history in which every promise is kept: two users, one of whose jobs a killed worker had, and one who chats."""

from typing import Any

from msgspec.structs import replace
from tests.chaos.history.history import (
    Asked,
    Called,
    Cancelled,
    Connected,
    Counted,
    Heard,
    Left,
    Line,
    Peeked,
    Saved,
    Settled,
    Shown,
    Started,
    Struck,
    Submitted,
    Told,
)

WINDOW = "day:2026-11-24"
TOKENS = 100
T0 = 1_000.0

CHAT_WINDOWS = ("day:1970-01-01", "month:1970-01")
"""Of `T0`."""
ADA, EVE, LIN = "ada", "eve", "lin"
TAKEN_OVER, PLAIN, FAILED, REMOVED = "job-taken-over", "job-plain", "job-failed", "job-removed"


def told(user: str, job_id: str, at: float, name: str, status: str = "", attempt: int = 0) -> Told:
    event_id = f"{int((T0 + at) * 1000)}-0"
    return Told(user=user, event_id=event_id, job_id=job_id, name=name, status=status, attempt=attempt)


LOGS = [
    told(ADA, TAKEN_OVER, 0.0, "status", "queued"),
    told(ADA, TAKEN_OVER, 0.1, "status", "running", 1),
    told(ADA, PLAIN, 1.0, "status", "queued"),
    told(ADA, PLAIN, 1.1, "status", "running", 1),
    told(ADA, PLAIN, 1.9, "item", attempt=1),
    told(ADA, PLAIN, 1.95, "progress"),
    told(ADA, PLAIN, 2.0, "done", "succeeded"),
    told(ADA, TAKEN_OVER, 12.0, "status", "running", 2),
    told(ADA, TAKEN_OVER, 13.0, "done", "succeeded"),
    told(EVE, FAILED, 0.0, "status", "queued"),
    told(EVE, FAILED, 0.1, "status", "running", 1),
    told(EVE, FAILED, 0.2, "status", "queued", 1),
    told(EVE, FAILED, 0.3, "status", "running", 2),
    told(EVE, FAILED, 0.4, "done", "failed"),
    told(EVE, REMOVED, 1.0, "status", "queued"),
    told(EVE, REMOVED, 1.5, "done", "cancelled"),
]


def submitted(user: str, job_id: str, key: str = "", at: float = T0) -> Submitted:
    return Submitted(
        at=at, answered_at=at + 0.1, user=user, kind="summary", key=key, status=202, job_id=job_id
    )


def called(job_id: str, started: float, ended: float, state: str = "answered", **more: Any) -> Called:
    facts: dict[str, Any] = {"status": 200, "prompt_tokens": TOKENS} if state == "answered" else {}
    return Called(
        call_id=f"{job_id}/summary/0",
        started_at=T0 + started,
        ended_at=T0 + ended,
        state=state,
        **facts | more,
    )


def saved(user: str, job_id: str, state: str, tokens: int, attempt: int = 1) -> Saved:
    return Saved(
        job_id=job_id,
        user=user,
        kind="summary",
        state=state,
        attempt=attempt,
        tokens=tokens,
        windows=(WINDOW,),
        created_at=T0,
        finished_at=T0 + 20,
    )


def listener(name: str, user: str, job_id: str = "") -> list[Line]:
    """Somebody who heard it all."""
    connected = Connected(at=T0, listener=name, user=user, job_id=job_id, status=200)
    heard = [
        Heard(at=T0, listener=name, event_id=one.event_id, job_id=one.job_id, name=one.name)
        for one in LOGS
        if one.user == user and job_id in ("", one.job_id)
    ]
    return [connected, *heard]


def asked(number: int, at: float, *, status: int = 200, tokens: int = -1, owner: str = "") -> Asked:
    return Asked(
        at=T0 + at,
        answered_at=T0 + at + 0.5,
        user=LIN,
        request_id=f"question-{number}",
        status=status,
        tokens=tokens,
        collection_owner=owner,
    )


CHAT: tuple[Line, ...] = (
    asked(1, 0.1, tokens=TOKENS),
    asked(2, 0.2),  # its reader left
    asked(3, 0.3, status=404, owner=ADA),
    asked(4, 30.0, status=0),  # chat was killed
    Struck(at=T0 + 30.1, healed_at=T0 + 32, name="chat killed", target="chat-0"),
    Settled(at=T0 + 0.5, request_id="question-1", tokens=TOKENS),
    Settled(at=T0 + 0.5, request_id="question-2", tokens=TOKENS // 2),
    *(Counted(user=LIN, window=window, used=TOKENS + TOKENS // 2, held=0) for window in CHAT_WINDOWS),
)


GOOD: tuple[Line, ...] = (
    Started(seed=1, jobs=4, drill="small"),
    submitted(ADA, TAKEN_OVER, "key-1"),
    submitted(ADA, TAKEN_OVER, "key-1"),
    submitted(ADA, PLAIN),
    submitted(EVE, FAILED),
    submitted(EVE, REMOVED),
    Cancelled(at=T0 + 1.5, user=EVE, job_id=REMOVED, status=200),
    Peeked(at=T0, user=EVE, job_id=PLAIN, status=404),
    Struck(at=T0 + 1, healed_at=T0 + 2, name="worker killed", target="w1", jobs=(TAKEN_OVER,)),
    called(TAKEN_OVER, 0.5, 0.9),
    called(TAKEN_OVER, 12.0, 12.5),
    called(PLAIN, 1.2, 1.8),
    called(FAILED, 0.1, 0.2, status=500, fault="server_error", prompt_tokens=0),
    called(FAILED, 0.3, 0.4),
    *LOGS,
    *listener("all of ada's", ADA),
    *listener("one of ada's", ADA, PLAIN),
    saved(ADA, TAKEN_OVER, "succeeded", TOKENS, 2),
    saved(ADA, PLAIN, "succeeded", TOKENS),
    saved(EVE, FAILED, "failed", TOKENS, 2),
    saved(EVE, REMOVED, "cancelled", 0, 0),
    Shown(user=ADA, job_id=TAKEN_OVER, status=200, state="succeeded"),
    Shown(user=ADA, job_id=PLAIN, status=200, state="succeeded"),
    Shown(user=EVE, job_id=FAILED, status=200, state="failed"),
    Shown(user=EVE, job_id=REMOVED, status=404),
    *CHAT,
    Counted(user=ADA, window=WINDOW, used=2 * TOKENS, held=0),
    Counted(user=EVE, window=WINDOW, used=TOKENS, held=0),
    Left(lengths={"entries": 0, "pending": 0}, lasting_keys=("{s0}:stream:ai", "{s0}:dead")),
)


def without(kind: type[Line], **facts: Any) -> list[Line]:
    """`GOOD`, but for the lines like these."""
    return [line for line in GOOD if not _is_like(line, kind, facts)]


def altered(kind: type[Line], to: dict[str, Any], **facts: Any) -> list[Line]:
    """`GOOD`, with the lines like these changed."""
    return [replace(line, **to) if _is_like(line, kind, facts) else line for line in GOOD]


def _is_like(line: Line, kind: type[Line], facts: dict[str, Any]) -> bool:
    return isinstance(line, kind) and all(getattr(line, name) == value for name, value in facts.items())
