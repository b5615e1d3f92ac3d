"""The plan covers the text, is the same in every attempt, and sends no more than it must."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.domain.generation.plan_inputs import SENTENCE, kinds, make_input, options

from shared.domain.generation.call_plan import SCHEMAS, TASKS, plan_steps
from shared.domain.jobs.job import AI_KINDS, Kind
from shared.domain.study.material import Options
from shared.domain.text.language import Language


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
    assert sum(step.quota.total for step in steps) == 20


def test_a_collection_asks_for_cards_and_questions_of_a_part_together():
    steps = plan_steps(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 200))

    assert [step.name for step in steps] == ["items/0", "items/1"]
    assert [(step.prompt.counts.cards, step.prompt.counts.questions) for step in steps] == [(15, 8), (15, 8)]


def test_many_items_of_a_part_take_a_call_for_each_kind_with_the_same_beginning():
    cards, questions = plan_steps(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 40))

    assert (cards.name, questions.name) == ("cards/0", "questions/0")
    for same in ("instructions", "source", "cache_key"):
        assert getattr(cards.prompt, same) == getattr(questions.prompt, same)
    assert cards.schema is questions.schema
    assert cards.prompt.request != questions.prompt.request


def test_zero_requested_questions_plan_no_step():
    job_input = make_input(Kind.COLLECTION, SENTENCE * 200, Options(questions=0))

    assert {step.prompt.task for step in plan_steps(Kind.COLLECTION, job_input)} == {"cards"}


def test_few_items_of_a_long_text_come_from_evenly_spaced_parts():
    job_input = make_input(Kind.FLASHCARDS, SENTENCE * 2_000, Options(flashcards=4))

    assert [step.name for step in plan_steps(Kind.FLASHCARDS, job_input)] == [
        "cards/1",
        "cards/5",
        "cards/9",
        "cards/13",
    ]


def test_a_step_requests_more_drafts_than_its_quota():
    steps = plan_steps(Kind.COLLECTION, make_input(Kind.COLLECTION, SENTENCE * 40))

    assert [(step.quota.total, step.prompt.counts.total) for step in steps] == [(20, 30), (10, 15)]


def test_the_language_is_the_requested_one_or_that_of_the_text():
    own = plan_steps(Kind.SUMMARY, make_input(Kind.SUMMARY, SENTENCE * 3))
    asked = plan_steps(Kind.SUMMARY, make_input(Kind.SUMMARY, SENTENCE * 3, Options(language=Language.EN)))

    assert own[0].prompt.language == "fr"
    assert asked[0].prompt.language == "en"
    assert "Write in English" in asked[0].prompt.instructions


@pytest.mark.parametrize("kind", AI_KINDS)
def test_each_step_has_the_schema_of_its_job(kind: Kind):
    (step,) = plan_steps(kind, make_input(kind, SENTENCE * 5))

    assert step.schema is SCHEMAS[TASKS[kind]]


@pytest.mark.parametrize("kind", list(Kind))
def test_sentences_have_numbers_where_items_are_made_of_them(kind: Kind):
    (step, *_) = plan_steps(kind, make_input(kind, SENTENCE * 5))

    assert step.prompt.numbered_source.count("§") == (5 if step.quota.total else 0)
    assert "§" not in step.prompt.source
