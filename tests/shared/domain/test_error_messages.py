"""What a reader is told: every code, in both languages, with nothing left to fill in."""

import re

import pytest

from shared.domain.error_messages import MESSAGES, Message, localize, localize_field
from shared.domain.errors import Param, Problem, StudyError
from shared.domain.field_messages import FIELD_MESSAGES, WORDS

PARAMS: dict[str, dict[str, Param]] = {
    "collection_full": {"limit": 1_000},
    "model_not_allowed": {"allowed": "large, huge"},
    "not_confirmed": {"job": "01920000-0000-7000-8000-000000000001"},
    "too_large": {"limit": 1_048_576},
    "text_too_long": {"limit": 5_242_880},
    "too_much_reading": {"limit": 20},
    "too_many_pages": {"limit": 1_000},
    "budget_exceeded": {
        "window": "day",
        "left": 12,
        "needed": 3_400,
        "resets_at": "2026-11-24T00:00:00.000Z",
    },
    "too_many_items": {"limit": 100},
    "too_large_for_plan": {"window": "day", "limit": 200_000, "needed": 250_000, "characters": 900_000},
    "rate_limited": {"limit": 20},
    "too_many_jobs": {"limit": 100},
    "too_many_uploads": {"limit": 4},
    "too_many_requests": {"limit": 600},
    "head_too_large": {"limit": 32_768},
    "too_many_streams": {"limit": 20},
    "attempt_timed_out": {"limit": 300},
    "worker_crashed": {"crashes": 3},
    "unknown_wire": {"kind": "song", "version": 9},
}
"""What each error promises to carry in its docstring."""


def codes(root: type[StudyError] = StudyError) -> set[str]:
    return {root.code}.union(*(codes(child) for child in root.__subclasses__()))


CODES = sorted(codes())


def placeholders(message: Message) -> set[str]:
    return set(re.findall(r"{(\w+)}", message.title + message.detail))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_catalogue_has_exactly_the_codes_of_the_tree(language: str):
    assert sorted(MESSAGES[language]) == CODES


@pytest.mark.parametrize("code", CODES)
def test_both_languages_use_the_same_params(code: str):
    assert placeholders(MESSAGES["en"][code]) == placeholders(MESSAGES["fr"][code])


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", CODES)
def test_no_placeholder_is_left_in_a_message(code: str, language: str):
    params = PARAMS.get(code, {})

    message = localize(Problem(code, params), language)

    assert placeholders(message) == set()
    for name in placeholders(MESSAGES[language][code]):
        said = str(params[name])
        assert WORDS[language].get(said, said) in message.detail


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", CODES)
def test_a_title_is_a_phrase_and_a_detail_is_a_sentence(code: str, language: str):
    title, detail = MESSAGES[language][code]

    assert title[0].isupper()
    assert not title.endswith(".")
    assert detail[0].isupper() or detail[0] == "`"
    assert detail.endswith(".")


@pytest.mark.parametrize("code", CODES)
def test_french_texts_follow_french_typography(code: str):
    text = " ".join(MESSAGES["fr"][code])

    assert "'" not in text
    assert MESSAGES["fr"][code] != MESSAGES["en"][code]


@pytest.mark.parametrize("language", ["de", "", "EN-gb"])
def test_an_unsupported_language_gets_english_messages(language: str):
    assert localize(Problem("not_found"), language) == MESSAGES["en"]["not_found"]


def test_an_unknown_code_is_shown_as_an_internal_error():
    assert localize(Problem("from_the_future"), "fr") == MESSAGES["fr"]["internal_error"]


def test_field_messages_are_the_same_set_in_both_languages():
    assert FIELD_MESSAGES["en"].keys() == FIELD_MESSAGES["fr"].keys()


@pytest.mark.parametrize("code", sorted(FIELD_MESSAGES["en"]))
def test_a_field_message_contains_the_expected_value(code: str):
    for language in ("en", "fr", "de"):
        said = localize_field(code, {"expected": "an integer"}, language)

        assert "{" not in said
        assert ("an integer" in said) == ("{expected}" in FIELD_MESSAGES["en"][code])
