"""Chooses one of several errors to raise."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, cast

from shared.domain.errors import LeaseLost, StudyError
from shared.domain.provider_errors import ProviderError

E = TypeVar("E", bound=Exception)
S = TypeVar("S", bound=StudyError)


def most_hopeful(errors: Sequence[S]) -> S:
    """The error to raise when one success would have been enough, as in a chain of models: the first retryable one,
    or else the first."""
    return next((error for error in errors if error.is_retryable), errors[0])


def most_severe(errors: Iterable[E]) -> E:
    """The error to raise when every part was needed, as in parallel calls. In order of severity: a lost lease, a bug, an error
    that is not retryable, one that uses up an attempt, and one that does not. Of equally severe errors the first is chosen."""
    return min(errors, key=_severity)


def leaves(error: Exception) -> Iterator[Exception]:
    """The single errors of a group, or the error itself."""
    if isinstance(error, ExceptionGroup):
        for inner in cast(ExceptionGroup[Exception], error).exceptions:
            yield from leaves(inner)
    else:
        yield error


def _severity(error: Exception) -> int:
    match error:
        case LeaseLost():
            return 0
        case ProviderError(is_retryable=True, is_counted=False):
            return 4
        case StudyError(is_retryable=True):
            return 3
        case StudyError():
            return 2
        case _:
            return 1
