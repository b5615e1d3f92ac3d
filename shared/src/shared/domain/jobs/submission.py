"""A submission: everything `submit` needs to accept a job in one atomic step, and what it answers."""

from enum import StrEnum

from msgspec import Struct

from shared.domain.budgets import Balance, Plan
from shared.domain.jobs.job import JobId, Kind, UserId


class Durability(StrEnum):
    """Where a job must be before it is called accepted."""

    MEMORY = "memory"
    """With Redis: a power cut may take what it has not synced to its disk, a failover what no replica has."""
    AOF = "aof"
    """On the disk of the Redis that accepted it."""
    REPLICA = "replica"
    """In the memory of a replica as well."""


class Submission(Struct, frozen=True, kw_only=True):
    id: JobId
    user: UserId
    kind: Kind
    payload: bytes
    """`wire.encode_input` of the job's input."""
    plan_name: str
    plan: Plan
    hold_tokens: int
    """Upper bound of what the job may spend."""
    request_id: str = ""
    traceparent: str = ""
    title: str = ""
    idempotency_key: str = ""
    """Empty: none was sent."""
    fingerprint: str = ""
    """Of the request's route and body; another fingerprint under the same key is a conflict."""


class Accepted(Struct, frozen=True, kw_only=True):
    job_id: JobId
    is_replay: bool
    """The idempotency key was known: this is the job accepted then; nothing was charged now."""
    balances: tuple[Balance, ...]
    """The windows after the hold (before it, on a replay)."""
    requests_left: int
    """In this minute."""


class Allowance(Struct, frozen=True, kw_only=True):
    """What a user has left now."""

    balances: tuple[Balance, ...]
    requests_limit: int
    requests_left: int
    requests_reset_at: float
    unfinished_jobs: int


class Hold(Struct, frozen=True, kw_only=True):
    """Tokens held for one chat answer, until released or expired."""

    id: str
    user: UserId
    tokens: int
    windows: tuple[str, ...]
