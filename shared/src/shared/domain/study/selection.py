"""Selects among checked items, so that no fact is asked twice and the whole source is covered."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.text.quantities import are_different
from shared.domain.text.segmentation import MIN_SECTION_WORDS
from shared.domain.text.span import Span
from shared.domain.text.words import content_words, word_count, words

Item = TypeVar("Item", Flashcard, QuizQuestion)

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams from which two items count as duplicates."""
SAME_QUESTION = 0.7
"""Share of a question's words in another one from which both ask the same, if they are about one quote and have one answer."""
_GRAM = 5


def dedupe(items: Sequence[Item]) -> list[Item]:
    """The items without duplicates of earlier ones: those that ask the same, or ask nearly the same and are answered alike."""
    kept: list[Item] = []
    seen: list[_Fact] = []
    for item in items:
        fact = _fact(item)
        if not any(_is_same_fact(fact, other) for other in seen):
            kept.append(item)
            seen.append(fact)
    return kept


class _Fact(NamedTuple):
    stem: str
    grams: frozenset[str]
    """Of the stem, and of a card's back."""
    asked: frozenset[str]
    """The words of the quote that the question repeats."""
    answer: str
    told: frozenset[str]
    place: tuple[int, int]


def _fact(item: Flashcard | QuizQuestion) -> _Fact:
    stem, answer = _stem(item), _answer(item)
    wording = f"{stem} {answer}" if isinstance(item, Flashcard) else stem
    return _Fact(
        stem=stem,
        grams=_grams(wording),
        asked=frozenset(content_words(stem)) & frozenset(content_words(item.source.quote)),
        answer=answer,
        told=frozenset(content_words(answer)),
        place=(item.source.start, item.source.end),
    )


def _is_same_fact(one: _Fact, other: _Fact) -> bool:
    """Facts of one pattern, such as the birth years of four kings, are worded alike and answered differently."""
    if one.stem == other.stem:
        return True
    if are_different(one.answer, other.answer):
        return False
    is_same_answer = one.answer == other.answer
    if is_same_answer and one.place == other.place:
        return _share(one.asked, other.asked) >= SAME_QUESTION
    is_alike = is_same_answer or one.told <= other.told or other.told <= one.told
    return is_alike and bool(one.told and other.told) and _is_similar(one.grams, other.grams)


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the shorter question's words that the longer one has; 1 if it has none."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 1.0


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


def _stem(item: Flashcard | QuizQuestion) -> str:
    return " ".join(words(item.front if isinstance(item, Flashcard) else item.question))


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
