"""The record: the truth about a live job, as the gateway shows it; and the final job, as Postgres keeps it."""

from msgspec import Struct

from shared.domain.errors import Problem
from shared.domain.jobs.job import JobId, JobState, UserId
from shared.domain.usage import Usage


class Record(Struct, frozen=True, kw_only=True):
    """A job that is live, or final for less than the retention. Times are Unix seconds; 0 means not yet."""

    id: JobId
    user: UserId
    kind: str
    state: JobState
    attempt: int = 0
    created_at: float
    started_at: float = 0.0
    finished_at: float = 0.0
    done: int = 0
    """Progress: parts finished, of `total`."""
    total: int = 0
    held: int = 0
    """Tokens held in the budget; 0 once final."""
    spent: Usage = Usage()
    problem: Problem | None = None
    """Why it failed; while unfinished, why the last attempt did."""
    retry_at: float | None = None
    title: str = ""
    """Of a collection, as submitted."""
    version: int = 0
    """Grows with every change: the ETag."""


class FinalJob(Struct, frozen=True, kw_only=True):
    """One final job: the row of `async_jobs`."""

    id: JobId
    user: UserId
    kind: str
    state: JobState
    attempt: int
    """Of the save: a later attempt's row replaces an earlier one's, never the other way round."""
    created_at: float
    started_at: float = 0.0
    finished_at: float
    plan: str = ""
    usage: Usage = Usage()
    windows: tuple[str, ...] = ()
    """The budget windows that were charged, to rebuild the budgets from."""
    model: str = ""
    generated_by: str = ""
    fallback_used: bool = False
    title: str = ""
    result: bytes | None = None
    """JSON of a `shared.domain.study.material.Result`; only when succeeded."""
    problem: Problem | None = None
