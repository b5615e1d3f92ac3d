"""Selects among checked items, so that the whole source is covered."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.text.segmentation import MIN_SECTION_WORDS
from shared.domain.text.span import Span
from shared.domain.text.words import word_count

Item = TypeVar("Item", Flashcard, QuizQuestion)


def choose_balanced(items: Sequence[Item], count: int, sections: Sequence[Span]) -> list[Item]:
    """At most `count` items, taken in turn from each section, the first of a section first. They are in the order of the source."""
    groups: defaultdict[int, list[Item]] = defaultdict(list)
    starts = [section.start for section in sections]
    for item in items:
        groups[bisect_right(starts, item.source.start)].append(item)
    chosen: list[Item] = []
    while len(chosen) < count and any(groups.values()):
        turn = [groups[section] for section in sorted(groups) if groups[section]]
        chosen.extend(group.pop(0) for group in _spread(turn, count - len(chosen)))
    return sorted(chosen, key=lambda item: (item.source.start, item.source.end, item.id))


def coverage(items: Sequence[Flashcard | QuizQuestion], text: str, sections: Sequence[Span]) -> float:
    """Share of the sections that at least one item quotes. Sections too short to teach something do not count if there are others."""
    long = [section for section in sections if word_count(section.of(text)) >= MIN_SECTION_WORDS]
    counted = long or list(sections)
    quoted = sum(
        any(section.start <= item.source.start < section.end for item in items) for section in counted
    )
    return round(quoted / len(counted), 3) if counted else 0.0


def _spread(groups: list[list[Item]], wanted: int) -> list[list[Item]]:
    """All groups, or `wanted` of them at even distances if there are more."""
    if wanted >= len(groups):
        return groups
    return [groups[(2 * index + 1) * len(groups) // (2 * wanted)] for index in range(wanted)]
