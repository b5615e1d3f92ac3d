"""The error tree: one stable code for one meaning, and a class that says what can be done."""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from shared.domain.errors import (
    BudgetExceeded,
    FieldProblem,
    InvalidFields,
    JobError,
    LimitReached,
    Problem,
    RequestError,
    StudyError,
    Unavailable,
    Unexpected,
)
from shared.domain.provider_errors import LanguageNeedsModel, ProviderBusy, ProviderError, ProviderOutOfCredit
from shared.domain.usage import Usage


def tree(root: type[StudyError] = StudyError) -> Iterator[type[StudyError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


ALL = sorted(set(tree()), key=lambda error: error.__name__)
SAME_MEANING = {"internal_error": {StudyError, Unexpected}}
"""The root is what we raise when we know no better, and that is a bug of ours."""


def test_each_code_belongs_to_one_class():
    by_code: defaultdict[str, set[type[StudyError]]] = defaultdict(set)
    for error in ALL:
        by_code[error.code].add(error)

    shared = {code: errors for code, errors in by_code.items() if len(errors) > 1}
    assert shared == SAME_MEANING


@pytest.mark.parametrize("error", ALL)
def test_every_class_has_a_code_of_its_own_in_plain_letters(error: type[StudyError]):
    assert error is Unexpected or "code" in vars(error)
    assert error.code.replace("_", "").isalpha()
    assert error.code.islower()


@pytest.mark.parametrize("error", [*tree(LimitReached), *tree(Unavailable)])
def test_limits_and_outages_are_retryable(error: type[StudyError]):
    assert error.is_retryable


@pytest.mark.parametrize("error", list(tree(ProviderError)))
def test_another_model_is_tried_only_where_waiting_or_paying_elsewhere_would_help(error: type[ProviderError]):
    helped = (ProviderOutOfCredit, LanguageNeedsModel)
    assert not error.may_fall_back or error.is_retryable or error in helped


@pytest.mark.parametrize(
    "code", ["provider_out_of_credit", "provider_refused", "context_too_long", "no_usable_text"]
)
def test_errors_that_would_recur_are_not_retryable(code: str):
    assert [error.is_retryable for error in ALL if error.code == code] == [False]


def test_every_error_descends_from_one_of_the_main_classes():
    assert {error.__name__ for error in StudyError.__subclasses__()} == {
        error.__name__ for error in (RequestError, LimitReached, Unavailable, JobError, ProviderError)
    }


def test_a_problem_keeps_code_params_and_retry_after():
    error = BudgetExceeded(window="day", left=10, needed=500, retry_after=60.0)

    assert error.problem == Problem("budget_exceeded", {"window": "day", "left": 10, "needed": 500}, 60.0)


def test_the_text_of_an_error_is_its_code():
    assert str(BudgetExceeded(window="day", left=10, needed=500)) == "budget_exceeded"


def test_a_failed_call_keeps_its_usage():
    error = ProviderBusy(usage=Usage(10, 5), retry_after=3.0)

    assert error.usage == Usage(10, 5)
    assert ProviderBusy().usage == Usage()
    assert error.problem == Problem("provider_busy", {}, 3.0)


def test_invalid_fields_are_listed():
    fault = FieldProblem("/options/flashcards", "wrong_type", {"expected": "an integer"})

    assert InvalidFields(fault).fields == (fault,)
    assert InvalidFields(fault).problem == Problem("invalid_fields")
