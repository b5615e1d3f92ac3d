"""A hold is what a job usually costs: never less than its prompts, never far above, and the same for a text of the same size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.domain.generation.plan_inputs import SENTENCE, kinds, make_input, options

from shared.domain.generation.call_plan import plan_steps
from shared.domain.generation.hold import (
    CALL_TOKENS,
    SCHEMA_TOKENS,
    Size,
    fitting_beginning,
    fitting_characters,
    hold_for,
)
from shared.domain.generation.hold import hold_for_size as hold_of
from shared.domain.jobs.job import Kind
from shared.domain.study.material import Options
from shared.domain.text.language import Language


def count_words(text: str) -> int:
    """Exact where texts are cut at blanks, so that sums over parts can be compared."""
    return len(text.split())


@settings(deadline=None)
@given(kind=kinds, repeats=st.integers(0, 900), choice=options)
def test_the_hold_covers_every_prompt_of_the_plan(kind: Kind, repeats: int, choice: Options):
    job_input = make_input(kind, SENTENCE * repeats, choice)
    sent = [
        count_words(step.prompt.instructions)
        + count_words(step.prompt.source)
        + SCHEMA_TOKENS[step.tasks]
        + CALL_TOKENS
        for step in plan_steps(kind, job_input)
    ]
    assert sum(sent) <= hold_for(kind, job_input, count_words)


def test_hold_for_counts_the_text_once():
    read: list[str] = []

    def count(text: str) -> int:
        read.append(text)
        return len(text)

    for _ in range(3):
        hold_for(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 500), count)

    assert [len(text) > 10_000 for text in read].count(True) == 3
    assert len(read) == 3 + len(Language)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_fits_fits_and_one_character_more_does_not(kind: Kind):
    size = Size(300_000, 90_000)
    for limit in (10_000, 50_000, 100_000):
        fits = fitting_characters(kind, Options(), size, limit, count_words)
        assert 0 < fits < size.characters

        def hold(characters: int) -> int:
            return hold_of(kind, Options(), Size(characters, -(-characters * 90_000 // 300_000)), count_words)

        assert hold(fits) <= limit < hold(fits + 1)


@pytest.mark.parametrize("kind", [Kind.COLLECTION, Kind.FLASHCARDS, Kind.SUMMARY])
def test_the_beginning_that_fits_is_counted_and_not_estimated(kind: Kind):
    text = "a b c d e f g h " * 2_000 + "incomprehensibility " * 8_000
    fits = fitting_beginning(kind, Options(), text, 30_000, count_words)
    beginning = text[:fits]
    assert 0 < fits < len(text)
    assert hold_of(kind, Options(), Size(fits, count_words(beginning)), count_words) <= 30_000


def test_no_beginning_fits_a_plan_smaller_than_the_instructions():
    assert fitting_beginning(Kind.SUMMARY, Options(), SENTENCE * 100, 10, count_words) == 0


def test_no_text_fits_a_plan_smaller_than_the_instructions():
    assert fitting_characters(Kind.SUMMARY, Options(), Size(1_000, 250), 10, count_words) == 0
