"""The plan covers the text, is the same in every attempt, and never costs more than its hold."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.generation.call_plan import (
    REASK_TOKENS,
    RENDERING_TOKENS,
    SCHEMA_TOKENS,
    SCHEMAS,
    PlannedStep,
    hold_for,
    plan_merge,
    plan_steps,
)
from shared.domain.jobs.job import AI_KINDS, Kind
from shared.domain.jobs.payload import AiInput, CollectionInput, JobInput
from shared.domain.study.material import Options
from shared.domain.text.language import Language

SENTENCE = "La photosynthèse transforme la lumière du soleil en énergie chimique pour la plante. "
kinds = st.sampled_from(list(Kind))
options = st.builds(
    Options,
    language=st.none() | st.sampled_from(list(Language)),
    flashcards=st.none() | st.integers(0, 120),
    questions=st.none() | st.integers(0, 120),
)


def make_input(kind: Kind, text: str, choice: Options | None = None) -> JobInput:
    chosen = choice or Options()
    return (
        CollectionInput(text=text, options=chosen)
        if kind is Kind.COLLECTION
        else AiInput(text=text, options=chosen)
    )


def count_words(text: str) -> int:
    """Exact where texts are cut at blanks, so that sums over parts can be compared."""
    return len(text.split())


def worst_cost(steps: list[PlannedStep]) -> int:
    """Every call answered twice at full length, the second time with the first answer in the prompt."""
    asked = [
        count_words(step.prompt.instructions)
        + count_words(step.prompt.source)
        + RENDERING_TOKENS
        + SCHEMA_TOKENS
        for step in steps
    ]
    output = sum(step.prompt.max_output_tokens for step in steps)
    return 2 * sum(asked) + len(steps) * REASK_TOKENS + 3 * output


@settings(deadline=None)
@given(kind=kinds, repeats=st.integers(0, 900), choice=options)
def test_the_hold_is_never_below_what_the_plan_may_cost(kind: Kind, repeats: int, choice: Options):
    job_input = make_input(kind, SENTENCE * repeats, choice)
    steps = plan_steps(kind, job_input)
    if kind in (Kind.SUMMARY, Kind.EXPLANATION, Kind.OUTLINE, Kind.TEXT) and len(steps) > 1:
        notes = ["note " * step.prompt.max_output_tokens for step in steps]
        steps.append(plan_merge(kind, job_input, notes))

    assert worst_cost(steps) <= hold_for(kind, job_input, count_words)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_hold_of_a_short_text_is_not_far_above_its_worst_cost(kind: Kind):
    job_input = make_input(kind, SENTENCE * 4)

    assert hold_for(kind, job_input, count_words) <= 1.35 * worst_cost(plan_steps(kind, job_input))


def test_hold_for_counts_the_text_once():
    read: list[str] = []

    def count(text: str) -> int:
        read.append(text)
        return len(text)

    for _ in range(3):
        hold_for(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 500), count)

    assert [len(text) > 10_000 for text in read].count(True) == 3
    assert len(read) == 3 + 2 * len(Language)


@settings(deadline=None)
@given(kind=kinds, repeats=st.integers(0, 400), choice=options)
def test_two_attempts_plan_the_same_steps_under_the_same_names(kind: Kind, repeats: int, choice: Options):
    job_input = make_input(kind, SENTENCE * repeats, choice)
    steps = plan_steps(kind, job_input)

    assert steps == plan_steps(kind, job_input)
    assert len({step.name for step in steps}) == len(steps)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_sources_of_all_steps_cover_the_text_verbatim(kind: Kind):
    text = SENTENCE * 700
    steps = plan_steps(kind, make_input(kind, text))
    first_task = [step for step in steps if step.prompt.task is steps[0].prompt.task]

    assert len(first_task) > 1
    assert all(step.prompt.source == text[step.span.start : step.span.end] for step in steps)
    assert " ".join(step.prompt.source for step in first_task) == text.strip()


@pytest.mark.parametrize("kind", list(Kind))
def test_a_text_without_a_usable_sentence_plans_nothing(kind: Kind):
    assert plan_steps(kind, make_input(kind, "xxxx " * 2_000)) == []


def test_only_parts_with_usable_sentences_get_a_step():
    text = SENTENCE * 100 + "0101 1010 " * 3_000

    steps = plan_steps(Kind.FLASHCARDS, make_input(Kind.FLASHCARDS, text))

    assert all("photosynthèse" in step.prompt.source for step in steps)
    assert sum(step.quota for step in steps) == 20


def test_a_collection_plans_cards_and_questions_for_each_part():
    steps = plan_steps(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 200))

    assert [step.name for step in steps] == [
        "cards/0",
        "cards/1",
        "cards/2",
        "questions/0",
        "questions/1",
        "questions/2",
    ]


def test_zero_requested_questions_plan_no_step():
    job_input = make_input(Kind.COLLECTION, SENTENCE * 200, Options(questions=0))

    assert {step.prompt.task for step in plan_steps(Kind.COLLECTION, job_input)} == {"cards"}


def test_few_items_of_a_long_text_come_from_evenly_spaced_parts():
    job_input = make_input(Kind.FLASHCARDS, SENTENCE * 2_000, Options(flashcards=4))

    assert [step.name for step in plan_steps(Kind.FLASHCARDS, job_input)] == [
        "cards/3",
        "cards/9",
        "cards/15",
        "cards/21",
    ]


def test_a_step_requests_more_drafts_than_its_quota():
    steps = plan_steps(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 40))

    assert [(step.quota, step.prompt.count) for step in steps] == [(20, 30), (10, 15)]


def test_the_language_is_the_requested_one_or_that_of_the_text():
    own = plan_steps(Kind.SUMMARY, make_input(Kind.SUMMARY, SENTENCE * 3))
    asked = plan_steps(Kind.SUMMARY, make_input(Kind.SUMMARY, SENTENCE * 3, Options(language=Language.EN)))

    assert own[0].prompt.language == "fr"
    assert asked[0].prompt.language == "en"
    assert "Write in English" in asked[0].prompt.instructions


@pytest.mark.parametrize("kind", AI_KINDS)
def test_each_step_has_the_schema_of_its_task(kind: Kind):
    (step,) = plan_steps(kind, make_input(kind, SENTENCE * 5))

    assert step.schema is SCHEMAS[step.prompt.task]


@pytest.mark.parametrize("schema", list(SCHEMAS.values()))
def test_the_allowance_for_a_schema_covers_it(schema: type[msgspec.Struct]):
    """A token of JSON has two characters at the very least, in practice three to four."""
    written = msgspec.json.encode(msgspec.json.schema(schema))

    assert len(written) <= 2 * SCHEMA_TOKENS
