"""A collection to take away: JSON as it is stored, CSV for spreadsheets, TSV for Anki."""

import csv
import io
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from shared.domain.study.material import Collection, Flashcard, QuizQuestion

COLUMNS = ("type", "front", "back", "choices", "explanation", "quote", "difficulty")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


class Export(Struct, frozen=True):
    suffix: str
    media_type: str
    write: Callable[[bytes], bytes]
    """From the stored result."""


def _to_csv(result: bytes) -> bytes:
    """RFC 4180, with the byte order mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in row] for row in _rows(result))
    return out.getvalue().encode("utf-8-sig")


def _to_tsv(result: bytes) -> bytes:
    """A line a card, `front` and `back` first: what Anki imports without being told anything."""
    lines = ["#separator:tab", "#html:false", "#columns:" + "\t".join(COLUMNS[1:])]
    lines += ["\t".join(_one_line(cell) for cell in row[1:]) for row in _rows(result)]
    return ("\n".join(lines) + "\n").encode()


def _rows(result: bytes) -> Iterator[tuple[str, ...]]:
    collection = msgspec.json.decode(result, type=Collection)
    yield from map(_card_row, collection.flashcards)
    yield from map(_question_row, collection.quiz)


def _card_row(card: Flashcard) -> tuple[str, ...]:
    return ("flashcard", card.front, card.back, "", "", card.source.quote, card.difficulty)


def _question_row(question: QuizQuestion) -> tuple[str, ...]:
    choices = " | ".join(choice.text for choice in question.options)
    key = next((choice.text for choice in question.options if choice.correct), "")
    return (
        "question",
        question.question,
        key,
        choices,
        question.explanation,
        question.source.quote,
        question.difficulty,
    )


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(FORMULA) else cell


def _one_line(cell: str) -> str:
    return " ".join(cell.split())


EXPORTS = {
    "json": Export("json", "application/json", lambda result: result),
    "csv": Export("csv", "text/csv; charset=utf-8", _to_csv),
    "tsv": Export("tsv", "text/tab-separated-values; charset=utf-8", _to_tsv),
}
