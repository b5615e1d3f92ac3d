"""One of everything that outlives a release: payloads, steps, events and results, by the name of its golden file."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from shared.domain.errors import Problem
from shared.domain.jobs.events import Changed, Finished, ItemMade, Progressed, Removed, StatusChanged
from shared.domain.jobs.payload import AiInput, CollectionInput, ItemsInput
from shared.domain.llm.provider import Completion
from shared.domain.study.edits import DELETED, ItemEdit
from shared.domain.study.material import (
    AddedItems,
    CardDraft,
    CardDrafts,
    Choice,
    Collection,
    Difficulty,
    Explanation,
    ExplanationDraft,
    Flashcard,
    Flashcards,
    MapEntry,
    NoteQuality,
    Options,
    Origin,
    Outline,
    OutlineDraft,
    OutlineSection,
    Quality,
    QuestionDraft,
    QuestionDrafts,
    Quiz,
    QuizQuestion,
    Source,
    Summary,
    SummaryDraft,
    Term,
    Text,
    TextDraft,
)
from shared.domain.study.places import Place, PlaceKind, PlaceMarks
from shared.domain.text.language import Language
from shared.domain.usage import Usage

JOB_ID = "01920000-0000-7000-8000-000000000001"
TEXT = "L’eau bout à 100 °C 🌡. Elle gèle à 0 °C."
QUOTE = "L’eau bout à 100 °C 🌡."
OPTIONS = Options(language=Language.FR, flashcards=12, questions=0, difficulty=Difficulty.HARD)

CARD = Flashcard(
    id="c0123456789ab",
    front="À quelle température l’eau bout-elle ?",
    back="100 °C",
    source=Source(QUOTE, 0, 22),
    difficulty=Difficulty.HARD,
    language="fr",
)
QUESTION = QuizQuestion(
    id="q0123456789ab",
    question="À quelle température l’eau bout-elle ?",
    options=[
        Choice(id="a", text="80 °C", correct=False),
        Choice(id="b", text="100 °C", correct=True),
        Choice(id="c", text="120 °C", correct=False),
    ],
    explanation="Elle bout à 100 °C.",
    source=Source(QUOTE, 0, 22),
    seed=19088743,
    language="fr",
)
QUALITY = Quality(
    requested={"flashcards": 2, "questions": 1},
    delivered={"flashcards": 1, "questions": 1},
    drafted={"flashcards": 3, "questions": 1},
    dropped={"quote_not_found": 2},
    coverage=0.5,
    sections_failed=1,
)
PROBLEM = Problem("provider_busy", {"limit": 3}, 12.5)


def step(value: object) -> Completion[object]:
    return Completion(
        value=value, usage=Usage(1_200, 340), model="model-1", generated_by="openai", fallback_used=True
    )


SAMPLES: dict[str, Any] = {
    "input.ai": AiInput(text=TEXT),
    "input.ai.full": AiInput(text=TEXT, options=OPTIONS),
    "input.ai.model": AiInput(text=TEXT, options=Options(model="large")),
    "input.ai.known": AiInput(
        text=TEXT, options=Options(known=[UUID("01920000-0000-7000-8000-000000000002")])
    ),
    "input.collection": CollectionInput(text=TEXT),
    "input.collection.full": CollectionInput(text=TEXT, title="L’eau", options=OPTIONS),
    "input.collection.places": CollectionInput(
        text=TEXT, places=PlaceMarks(PlaceKind.CHAPTER, [0, 24], [1, 3], ["L’eau", ""]), unread_pages=[2]
    ),
    "input.items": ItemsInput(text=TEXT, collection_id=JOB_ID),
    "input.items.full": ItemsInput(
        text=TEXT,
        options=OPTIONS,
        collection_id=JOB_ID,
        start=120,
        known_cards=[CARD],
        known_questions=[QUESTION],
    ),
    "step.cards": step(CardDrafts([CardDraft(CARD.front, CARD.back, QUOTE)])),
    "step.questions": step(
        QuestionDrafts([QuestionDraft(QUESTION.question, ["80 °C", "100 °C", "120 °C"], 1, "Vu.", QUOTE)])
    ),
    "step.summary": step(SummaryDraft("L’eau bout et gèle.", ["Elle bout à 100 °C."])),
    "step.explanation": step(ExplanationDraft("L’eau change d’état.", [Term("bout", "devient vapeur")])),
    "step.outline": step(OutlineDraft("L’eau", [OutlineSection("États", ["Elle gèle à 0 °C."])])),
    "step.text": step(TextDraft("## L’eau\n\nElle bout.")),
    "event.status.queued": StatusChanged(job_id=JOB_ID, kind="quiz", status="queued"),
    "event.status.retry": StatusChanged(
        job_id=JOB_ID, kind="quiz", status="queued", attempt=2, problem=PROBLEM, retry_at=1_795_000_012.5
    ),
    "event.status.running": StatusChanged(job_id=JOB_ID, kind="quiz", status="running", attempt=1),
    "event.progress": Progressed(job_id=JOB_ID, done=3, total=8),
    "event.item": ItemMade(
        job_id=JOB_ID, attempt=1, type="flashcard", item=msgspec.Raw(msgspec.json.encode(CARD))
    ),
    "event.changed": Changed(job_id=JOB_ID, kind="collection"),
    "event.changed.item": Changed(job_id=JOB_ID, kind="collection", item_id="c1"),
    "event.removed": Removed(job_id=JOB_ID, kind="collection"),
    "event.done.succeeded": Finished(job_id=JOB_ID, kind="quiz", status="succeeded", usage=Usage(1_200, 340)),
    "event.done.detailed": Finished(
        job_id=JOB_ID, kind="quiz", status="succeeded", usage=Usage(1_200, 340, 1_024, 128)
    ),
    "event.done.failed": Finished(
        job_id=JOB_ID, kind="quiz", status="failed", problem=Problem("no_usable_text")
    ),
    "problem": PROBLEM,
    "result.flashcards": Flashcards(language="fr", flashcards=[CARD], quality=QUALITY),
    "result.quiz": Quiz(language="fr", quiz=[QUESTION], quality=QUALITY),
    "result.summary": Summary(language="fr", summary="L’eau bout et gèle.", key_points=["Elle bout."]),
    "result.explanation": Explanation(
        language="fr", explanation="Elle change d’état.", terms=[Term("bout", "devient vapeur")]
    ),
    "result.outline": Outline(
        language="fr", title="L’eau", sections=[OutlineSection("États", ["Elle gèle à 0 °C."])]
    ),
    "result.text": Text(language="fr", text="## L’eau\n\nElle bout."),
    "result.text.in_other_language": Text(
        language="pt-BR", text="Water boils.", quality=NoteQuality(language_differs=True)
    ),
    "result.quiz.in_any_language": Quiz(
        language="de", quiz=[], quality=Quality(checks_off=["leaks_answer", "refers_to_text"])
    ),
    "result.flashcards.with_places": Flashcards(
        language="fr",
        flashcards=[replace(CARD, source=Source(QUOTE, 0, 22, Place(PlaceKind.PAGE, 12)))],
        quality=Quality(unread_pages=[2, 3]),
    ),
    "result.quiz.with_map": Quiz(
        language="en",
        quiz=[],
        quality=Quality(
            map=[
                MapEntry(kind="page", start=0, end=90, number=1, asked=3, items=1, dropped={"duplicate": 1}),
                MapEntry(kind="row", start=40, end=60, count=2, left_out=1, failed=True),
            ]
        ),
    ),
    "result.items": AddedItems(collection_id=JOB_ID, language="fr", item_ids=["c1", "q1"], quality=QUALITY),
    "result.flashcards.edited": Flashcards(
        language="fr",
        flashcards=[
            replace(CARD, origin=Origin.EDITED, hidden=True, flagged=True, edited_at="2026-11-18T10:00:00Z")
        ],
        quality=Quality(),
    ),
    "edit": ItemEdit(
        front="Quand ?",
        options=[Choice(id="a", text="100 °C", correct=True)],
        hidden=False,
        flagged=True,
        edited_at="2026-11-18T10:00:00Z",
    ),
    "edit.deleted": DELETED,
    "result.collection": Collection(
        title="L’eau", language="fr", flashcards=[CARD], quiz=[QUESTION], quality=QUALITY, text=TEXT
    ),
}
