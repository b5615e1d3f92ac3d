"""Errors as readers get them."""

import msgspec
import pytest

from shared.domain.error_messages import MESSAGES
from shared.domain.errors import (
    BudgetExceeded,
    EmptyText,
    FieldProblem,
    InvalidFields,
    NotAuthenticated,
    Problem,
    StoreUnavailable,
    StudyError,
    Unexpected,
)
from shared.runtime.http.problem_details import (
    STATUS,
    ProblemView,
    negotiate_language,
    problem_response_parts,
    status_of,
)


def answer(error: StudyError | Problem, language: str = "en") -> tuple[int, dict[str, str], ProblemView]:
    status, headers, body = problem_response_parts(
        error, accept_language=language, request_id="r1", instance="/api/ai"
    )
    return status, headers, msgspec.json.decode(body, type=ProblemView)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de, fr;q=0.5, en;q=0.7", "en"),
        ("de", "en"),
        ("*", "en"),
        ("fr;q=0, en;q=0.1", "en"),
        ("FR", "fr"),
        ("fr;q=much", "en"),
        (";;;,,,=", "en"),
    ],
)
def test_the_language_is_negotiated(header: str, language: str):
    assert negotiate_language(header) == language


def test_a_problem_has_every_member_of_the_contract():
    status, headers, view = answer(EmptyText(), "fr")

    assert status == 422
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Language"] == "fr"
    assert headers["Vary"] == "Accept-Language"
    assert view == ProblemView(
        type="/problems/empty_text",
        title="Le texte est vide",
        status=422,
        detail="Envoyez un texte d’au moins une phrase.",
        instance="/api/ai",
        code="empty_text",
        retryable=False,
        request_id="r1",
    )


def test_errors_have_a_pointer_and_a_message():
    _, _, view = answer(InvalidFields(FieldProblem("/kind", "wrong_type", {"expected": "text"})), "fr")
    assert [(fault.pointer, fault.detail) for fault in view.errors] == [("/kind", "Attendu : un texte.")]


def test_a_refused_budget_says_what_is_left_and_when_it_resets():
    error = BudgetExceeded(
        retry_after=59.2, window="month", left=5, needed=9, resets_at="2026-12-01T00:00:00.000Z"
    )
    status, headers, view = answer(error, "fr")

    assert (status, headers["Retry-After"], view.retry_after, view.retryable) == (429, "60", 60, True)
    assert all(
        said in view.detail for said in ("9 jetons", "reste 5", "« mois »", "2026-12-01T00:00:00.000Z")
    )


def test_a_401_has_a_www_authenticate_header():
    status, headers, _ = answer(NotAuthenticated())
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


def test_an_unreachable_store_is_a_503_with_retry_after():
    status, headers, view = answer(StoreUnavailable(retry_after=2))
    assert (status, headers["Retry-After"], view.retryable) == (503, "2", True)


def test_an_unknown_code_is_a_500():
    status, _, view = answer(Problem("made_up"))
    assert (status, view.title) == (500, MESSAGES["en"]["internal_error"].title)


def test_an_unexpected_error_has_no_details():
    _, _, view = answer(Unexpected())
    assert view.detail == MESSAGES["en"]["internal_error"].detail


def test_every_status_belongs_to_a_code_of_the_catalogue():
    assert STATUS.keys() <= MESSAGES["en"].keys()
    assert all(400 <= status_of(code) < 600 for code in MESSAGES["en"])
