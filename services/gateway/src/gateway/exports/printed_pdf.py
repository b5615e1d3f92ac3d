"""A PDF to print. It is set in a process of its own, whose memory is gone afterwards: fonts and layout take 60 MB."""

import subprocess
import sys

import msgspec
from msgspec import Struct

from gateway.exports.exported_collection import ExportedCollection, Item, quote_of, right_option
from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.text.language import Language, rules_language
from shared.domain.text.language_tag import primary_language

COMMAND = (sys.executable, "-I", "-m", "gateway.exports.typesetting_process")
DEADLINE_SECONDS = 20.0
"""A collection of 500 items takes 0.5 s on a quiet machine."""
_LABELS = {
    Language.EN: {"cards": "Cards", "questions": "Questions", "answers": "Answers"},
    Language.FR: {"cards": "Cartes", "questions": "Questions", "answers": "Réponses"},
}


class PrintedCard(Struct, frozen=True):
    front: str
    back: str
    origin: str


class PrintedQuestion(Struct, frozen=True):
    text: str
    options: list[str]
    answer: str
    explanation: str
    origin: str


class PrintedCollection(Struct, frozen=True, kw_only=True):
    """What the template reads."""

    title: str
    language: str
    made_by: str
    made_at: float
    labels: dict[str, str]
    cards: list[PrintedCard]
    questions: list[PrintedQuestion]


def to_pdf(collection: ExportedCollection) -> bytes:
    """Waits for the process, so it is called in a thread."""
    material = collection.material
    language = rules_language(material.language) or Language.EN
    printed = PrintedCollection(
        title=material.title,
        language=primary_language(material.language) or language,
        made_by=collection.made_by,
        made_at=collection.made_at,
        labels=_LABELS[language],
        cards=[_card(collection, card) for card in material.flashcards],
        questions=[_question(collection, question) for question in material.quiz],
    )
    done = subprocess.run(
        COMMAND,
        input=msgspec.json.encode(printed),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=DEADLINE_SECONDS,
        check=True,
        env={},
    )
    return done.stdout


def _card(collection: ExportedCollection, card: Flashcard) -> PrintedCard:
    return PrintedCard(card.front, card.back, _origin(collection, card))


def _question(collection: ExportedCollection, question: QuizQuestion) -> PrintedQuestion:
    right = right_option(question)
    return PrintedQuestion(
        text=question.question,
        options=[f"{option.id.upper()}. {option.text}" for option in question.options],
        answer=f"{right.id.upper()}. {right.text}",
        explanation=question.explanation,
        origin=_origin(collection, question),
    )


def _origin(collection: ExportedCollection, item: Item) -> str:
    """The words of the source, and what a person did to the item."""
    return f"{quote_of(item)} {collection.by_hand(item)}".strip()
