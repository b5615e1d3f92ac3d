"""What a handler reports. Expected trouble is an outcome; a surprise is an exception, turned into one in one place."""

from msgspec import Struct

from shared.domain.errors import Problem
from shared.domain.study.material import Result


class Done(Struct, frozen=True):
    """The work is finished; `result` is what Postgres keeps."""

    result: Result
    model: str
    generated_by: str
    fallback_used: bool = False


class Retry(Struct, frozen=True):
    """Not now. `after` (seconds) is a floor under the policy's delay, as a `Retry-After` is."""

    problem: Problem
    after: float | None = None
    counted: bool = True
    """False when no attempt was really made: a hand-back at shutdown, a store that is away, a closed gate."""


class Fail(Struct, frozen=True):
    """Never: the same input would fail again."""

    problem: Problem


Outcome = Done | Retry | Fail
