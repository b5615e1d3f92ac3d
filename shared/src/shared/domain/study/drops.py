"""Drafts that became no item."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.text.span import Span

DUPLICATE, SURPLUS = "duplicate", "surplus"


class Drop(NamedTuple):
    """A dropped draft."""

    reason: str
    """A code of `validation.REASONS`."""
    span: Span
    """Its quote or, if that was not found, the part of the text from which it was made."""
    has_quote: bool = True


def count_reasons(drops: Iterable[Drop]) -> Counter[str]:
    return Counter(drop.reason for drop in drops)


def drop_others(
    reason: str, items: Iterable[Flashcard | QuizQuestion], kept: Iterable[Flashcard | QuizQuestion]
) -> Iterator[Drop]:
    """The drops of the items that are not kept."""
    ids = Counter(item.id for item in kept)
    for item in items:
        if ids[item.id]:
            ids[item.id] -= 1
        else:
            yield Drop(reason, Span(item.source.start, item.source.end))
