"""Study material as a person reads it."""

from io import StringIO

import pytest
from rich.console import Console

from etude.api_models import Collection, Job, JobKind, Problem, TokenUsage
from etude.cli.rendering import plain, show_collection, show_job, show_result, spent_tokens
from etude.study_material import (
    Choice,
    Explanation,
    Flashcard,
    Flashcards,
    MapEntry,
    Outline,
    OutlineSection,
    Place,
    PlaceKind,
    Quality,
    Quiz,
    QuizQuestion,
    Result,
    Source,
    Summary,
    Term,
    Text,
)
from shared.domain.jobs.job import AI_KINDS

SOURCE = Source("Paris is the capital of France.", 0, 31)
CARD = Flashcard(id="c1", front="What is the capital of France?", back="Paris [bold]", source=SOURCE)
QUESTION = QuizQuestion(
    id="q1",
    question="Which city is the capital?",
    options=[Choice(id="a", text="Lyon", correct=False), Choice(id="b", text="Paris", correct=True)],
    explanation="It says so.",
    source=SOURCE,
)
QUALITY = Quality(
    requested={"flashcards": 3}, delivered={"flashcards": 1}, dropped={"quote_not_found": 2}, coverage=0.5
)


def shown(result: Result, generated_by: str = "openai") -> str:
    out = StringIO()
    show_result(Console(file=out, markup=False, width=100), result, generated_by=generated_by)
    return out.getvalue()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Flashcards(language="en", flashcards=[CARD], quality=QUALITY), "Paris [bold]"),
        (Quiz(language="en", quiz=[QUESTION], quality=QUALITY), "✓ b) Paris"),
        (Summary(language="en", summary="In short.", key_points=["One."]), "• One."),
        (Explanation(language="en", explanation="So.", terms=[Term("Leaf", "a part")]), "Leaf: a part"),
        (Outline(language="en", title="T", sections=[OutlineSection("Head", ["p"])]), "Head"),
        (Text(language="en", text="A note."), "A note."),
    ],
)
def test_a_result_of_every_kind_is_readable(result: Result, expected: str):
    assert expected in shown(result)


def test_a_shortfall_is_shown_with_its_reasons():
    text = shown(Flashcards(language="en", flashcards=[CARD], quality=QUALITY))

    assert "1 of 3 flashcards; 50% of the sections quoted; dropped by the checks: 2 quote not found" in text


def test_a_place_and_pages_that_were_not_read_are_shown():
    source = Source("Paris is big.", 0, 13, Place(PlaceKind.PAGE, 12))
    card = Flashcard(id="c1", front="Which city is big?", back="Paris", source=source)
    left_out = [MapEntry(kind="page", start=0, end=9, number=number, left_out=1) for number in (8, 9)]
    quality = Quality(unread_pages=[1, 2, 3, 7], map=left_out)

    text = shown(Flashcards(language="en", flashcards=[card], quality=quality))

    assert "« Paris is big. » (page 12)" in text
    assert "pages that could not be read: 1–3, 7; pages without an item: 8–9" in text


def test_offline_material_is_labelled():
    result = Text(language="en", text="A note.")

    assert "offline generator" in shown(result, generated_by="offline")
    assert "offline generator" not in shown(result)


def test_a_collection_shows_its_title_its_cards_and_its_quiz():
    out = StringIO()

    collection = Collection(
        id="c", status="ready", title="Cities", flashcards=[CARD], quiz=[QUESTION], quality=QUALITY
    )
    show_collection(Console(file=out, markup=False), collection)

    assert all(text in out.getvalue() for text in ("Cities", CARD.front, QUESTION.question))


def test_a_failed_job_says_why():
    out = StringIO()
    problem = Problem(title="No usable sentence", detail="Send more.")

    show_job(Console(file=out, markup=False), Job(id="j1", status="failed", kind="quiz", error=problem))

    assert "No usable sentence. Send more." in out.getvalue()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (TokenUsage(1_000, 200), "1200"),
        (TokenUsage(1_000, 200, cached_tokens=800, reasoning_tokens=90), "1200 (800 cached, 90 reasoning)"),
    ],
)
def test_known_parts_of_the_tokens_are_shown(usage: TokenUsage, expected: str):
    assert spent_tokens(usage) == expected


def test_a_text_cannot_steer_the_terminal():
    assert plain("a\x1b[2Jb\x9bc\u202ed\te\n") == "a[2Jbcd\te\n"


def test_the_command_knows_every_kind_of_the_ai_stream():
    assert set(JobKind) == {str(kind) for kind in AI_KINDS}
