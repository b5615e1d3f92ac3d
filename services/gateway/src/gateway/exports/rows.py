"""A collection as a table: one row per card or question, for the formats that have columns."""

from collections.abc import Iterator

import msgspec

from shared.domain.study.material import Collection, Flashcard, QuizQuestion

COLUMNS = ("type", "front", "back", "choices", "explanation", "quote", "difficulty")


def collection_rows(result: bytes) -> Iterator[tuple[str, ...]]:
    """`result` is the stored JSON of the collection."""
    collection = msgspec.json.decode(result, type=Collection)
    yield from map(_card_row, collection.flashcards)
    yield from map(_question_row, collection.quiz)


def _card_row(card: Flashcard) -> tuple[str, ...]:
    return ("flashcard", card.front, card.back, "", "", card.source.quote, card.difficulty)


def _question_row(question: QuizQuestion) -> tuple[str, ...]:
    choices = " | ".join(choice.text for choice in question.options)
    correct = next((choice.text for choice in question.options if choice.correct), "")
    return (
        "question",
        question.question,
        correct,
        choices,
        question.explanation,
        question.source.quote,
        question.difficulty,
    )
