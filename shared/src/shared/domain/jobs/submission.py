"""A submission: everything that `submit` needs to accept a job in one atomic step, and the result of accepting it."""

from enum import StrEnum

from msgspec import Struct

from shared.domain.budgets import Balance, Plan
from shared.domain.jobs.job import JobId, Kind, UserId


class Durability(StrEnum):
    """Where a job must be stored before it counts as accepted."""

    MEMORY = "memory"
    """In the memory of Redis. A power cut may lose what was not synced to disk, and a failover what no replica has."""
    AOF = "aof"
    """On the disk of the Redis server that accepted it."""
    REPLICA = "replica"
    """In the memory of a replica too."""


class Submission(Struct, frozen=True, kw_only=True):
    id: JobId
    user: UserId
    kind: Kind
    payload: bytes
    """The job's input, as `encode_input` writes it."""
    plan_name: str
    plan: Plan
    hold_tokens: int
    """The most that the job may spend."""
    request_id: str = ""
    traceparent: str = ""
    title: str = ""
    idempotency_key: str = ""
    """Empty if the client sent none."""
    fingerprint: str = ""
    """Hash of the request's route and body. Another fingerprint under the same idempotency key is a conflict."""


class Accepted(Struct, frozen=True, kw_only=True):
    job_id: JobId
    is_replay: bool
    """Whether the idempotency key was known. Then this is the job accepted earlier, and nothing is charged now."""
    balances: tuple[Balance, ...]
    """The budget windows after the hold; on a replay, as they are."""
    requests_left: int
    """Requests left in this minute."""


class Allowance(Struct, frozen=True, kw_only=True):
    """What a user may still spend and request now."""

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
