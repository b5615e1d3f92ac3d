"""A job as both stores return it: from its record in Redis while it is kept there, and from its row in Postgres once it is
final."""

from msgspec import Struct

from shared.domain.errors import Problem
from shared.domain.jobs.bought_step import BoughtStep
from shared.domain.jobs.job import JobId, JobState, Kind, UserId
from shared.domain.usage import Usage


class JobSnapshot(Struct, frozen=True, kw_only=True):
    """A job at one moment. Times are Unix seconds; 0 means that it has not happened yet."""

    id: JobId
    user: UserId
    kind: str
    state: JobState
    attempt: int = 0
    """In Postgres, a row of a later attempt replaces the row of an earlier one, never the other way round."""
    created_at: float
    started_at: float = 0.0
    finished_at: float = 0.0
    done: int = 0
    """Finished parts, of `total`. The row does not keep the progress: 0 of 0."""
    total: int = 0
    plan: str = ""
    held: int = 0
    """Tokens held in the budget; 0 once the job is final."""
    usage: Usage = Usage()
    windows: tuple[str, ...] = ()
    """The budget windows that are charged; lost budgets are restored from them."""
    problem: Problem | None = None
    """Why the job failed; while it is unfinished, why its last attempt did."""
    retry_at: float | None = None
    title: str = ""
    """The title of a collection, as submitted; of a job that adds items, the id of the collection."""
    model: str = ""
    """The model, the provider and the fallback are known from the row only, as the result is."""
    generated_by: str = ""
    fallback_used: bool = False
    revision: int = 0
    """How often its user has changed the collection; known from the row only."""
    result: bytes | None = None
    """JSON of a `shared.domain.study.material.Result`, when the job succeeded."""
    steps: tuple[BoughtStep, ...] = ()
    """What the job bought or reused. It is written with the row, and not read with it."""
    version: int = 0
    """Differs after every change of the record: an unfinished job's ETag is made of it. 0 in a snapshot of the row."""

    is_erased: bool = False
    """Its user has removed it, and only what it cost is kept."""

    @property
    def is_removed(self) -> bool:
        """A cancelled collection counts as removed: its user does not want it any more."""
        return self.is_erased or (self.kind == Kind.COLLECTION and self.state is JobState.CANCELLED)
