"""What a handler returns. Expected errors are outcomes; the attempt turns an exception into one."""

from msgspec import Struct

from shared.domain.errors import Problem
from shared.domain.study.material import MadeItems, Result


class Done(Struct, frozen=True):
    """The job succeeded. Postgres keeps `result`."""

    result: Result | MadeItems
    model: str
    generated_by: str
    fallback_used: bool = False


class Retry(Struct, frozen=True):
    """The job shall be tried again. `after`, in seconds, is a lower bound for the delay, as in `Retry-After`."""

    problem: Problem
    after: float | None = None
    counted: bool = True
    """False if the attempt did not really take place: a hand-back at shutdown, an unreachable store, or no permit of the rate
    limiter."""


class Fail(Struct, frozen=True):
    """The job failed, and the same input would fail again."""

    problem: Problem


Outcome = Done | Retry | Fail
