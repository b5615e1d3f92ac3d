"""CSV for spreadsheets (RFC 4180): one row for each card or question."""

import csv
import io

from gateway.exports.exported_collection import ExportedCollection, Item, place_of, right_option
from shared.domain.study.material import Flashcard, Origin

COLUMNS = (
    *("type", "front", "back", "choices", "explanation", "quote", "difficulty"),
    *("start", "end", "id", "made_by", "made_on", "place", "tags"),
)
PERSON = "person"
"""Made an item that its user wrote."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins with one of these for a formula."""


def to_csv(collection: ExportedCollection) -> bytes:
    """Begins with the byte order mark by which spreadsheets recognise UTF-8."""
    maker = collection.model or collection.generated_by
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for item in collection.items:
        span = str(item.source.start), str(item.source.end)
        made = (PERSON if item.origin is Origin.OWN else maker, collection.day)
        tags = " ".join(collection.tags_of(item))
        row = (*_cells(item), *span, collection.stable_id(item), *made, place_of(item), tags)
        writer.writerow([_without_formula(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _cells(item: Item) -> tuple[str, ...]:
    if isinstance(item, Flashcard):
        return "flashcard", item.front, item.back, "", "", item.source.quote, item.difficulty
    choices = " | ".join(option.text for option in item.options)
    quote = item.source.quote
    return (
        "question",
        item.question,
        right_option(item).text,
        choices,
        item.explanation,
        quote,
        item.difficulty,
    )


def _without_formula(cell: str) -> str:
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell
