"""Selects among checked items, so that no fact is asked twice and the whole source is covered."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.text.segmentation import MIN_SECTION_WORDS, Span
from shared.domain.text.words import word_count, words

Item = TypeVar("Item", Flashcard, QuizQuestion)

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams from which two items count as duplicates."""
_GRAM = 5


def dedupe(items: Sequence[Item]) -> list[Item]:
    """The items without duplicates of earlier ones: those with nearly the same words, or with the same answer and quote."""
    kept: list[Item] = []
    seen: list[frozenset[str]] = []
    facts: set[tuple[int, int, str]] = set()
    for item in items:
        grams = _grams(_wording(item))
        fact = (item.source.start, item.source.end, _answer(item))
        if fact not in facts and not any(_is_similar(grams, other) for other in seen):
            kept.append(item)
            seen.append(grams)
            facts.add(fact)
    return kept


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


def _wording(item: Flashcard | QuizQuestion) -> str:
    """The words of an item that are compared. The options of a question are left out, because other questions may share them."""
    text = f"{item.front} {item.back}" if isinstance(item, Flashcard) else item.question
    return " ".join(words(text))


def _answer(item: Flashcard | QuizQuestion) -> str:
    if isinstance(item, Flashcard):
        return " ".join(words(item.back))
    return " ".join(words(next(option.text for option in item.options if option.correct)))


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[start : start + _GRAM] for start in range(max(1, len(text) - _GRAM + 1)))


def _is_similar(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < NEAR_DUPLICATE * max(len(one), len(other)):
        return False
    shared = len(one & other)
    return shared >= NEAR_DUPLICATE * (len(one) + len(other) - shared)
