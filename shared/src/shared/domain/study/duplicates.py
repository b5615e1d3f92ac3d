"""Recognises items that ask a fact that another item asks already."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from shared.domain.study.material import Flashcard, QuizQuestion
from shared.domain.text.quantities import are_different
from shared.domain.text.words import content_words, words

Item = TypeVar("Item", Flashcard, QuizQuestion)

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams from which two items count as duplicates."""
SAME_QUESTION = 0.7
"""Share of a question's words in another one from which both ask the same, if they are about one quote and have one answer."""
MOST_DIFFERENT = (1 - NEAR_DUPLICATE) / (1 + NEAR_DUPLICATE)
"""Limit of the 5-grams that only one of two near duplicates has, as a fraction of those of both."""
_GRAM = 5
_SIGNATURE_BITS = 512


def dedupe(items: Sequence[Item]) -> list[Item]:
    """The items without duplicates of earlier ones: those that ask the same, or ask nearly the same and are answered alike."""
    return FactIndex().add_new(items)


class FactIndex:
    """The facts that are asked already."""

    def __init__(self) -> None:
        self._facts: list[_Fact] = []
        self._stems: set[str] = set()
        self._by_source: defaultdict[tuple[tuple[str, int, int], str], list[_Fact]] = defaultdict(list)
        """By source and answer."""

    def add_new(self, items: Iterable[Item]) -> list[Item]:
        """Add the items that ask a new fact, and return them."""
        return [item for item in items if self._add(item)]

    def _add(self, item: Flashcard | QuizQuestion) -> bool:
        fact = _fact(item)
        if fact.stem in self._stems or any(_is_same_fact(fact, other) for other in self._near(fact)):
            return False
        self._facts.append(fact)
        self._stems.add(fact.stem)
        self._by_source[fact.source, fact.answer].append(fact)
        return True

    def _near(self, fact: "_Fact") -> list["_Fact"]:
        """The facts that may be the same: they have its source and answer, or their wordings may be alike. This is the only loop over
        all pairs, and it compares integers."""
        size, signature = len(fact.grams), fact.signature
        alike = [
            other
            for other in self._facts
            if (signature ^ other.signature).bit_count() <= MOST_DIFFERENT * (size + len(other.grams))
        ]
        return [*self._by_source.get((fact.source, fact.answer), ()), *alike]


class _Fact(NamedTuple):
    stem: str
    grams: frozenset[str]
    """Of the stem, and of a card's back."""
    signature: int
    """A bit for each 5-gram. Some share a bit, so that two signatures never differ by more than the 5-grams do."""
    asked: frozenset[str]
    """The words of the quote that the question repeats."""
    answer: str
    told: frozenset[str]
    source: tuple[str, int, int]
    """The quote and where it is, so that the same offsets of another text are another source."""


def _fact(item: Flashcard | QuizQuestion) -> _Fact:
    stem, answer = _stem(item), _answer(item)
    wording = f"{stem} {answer}" if isinstance(item, Flashcard) else stem
    grams = _grams(wording)
    return _Fact(
        stem=stem,
        grams=grams,
        signature=_signature(grams),
        asked=frozenset(content_words(stem)) & frozenset(content_words(item.source.quote)),
        answer=answer,
        told=frozenset(content_words(answer)),
        source=(item.source.quote, item.source.start, item.source.end),
    )


def _is_same_fact(one: _Fact, other: _Fact) -> bool:
    """Facts of one pattern, such as the birth years of four kings, are worded alike and answered differently."""
    is_same_answer = one.answer == other.answer
    if is_same_answer and one.source == other.source:
        return _share(one.asked, other.asked) >= SAME_QUESTION and not are_different(one.answer, other.answer)
    is_alike = is_same_answer or one.told <= other.told or other.told <= one.told
    return (
        is_alike
        and bool(one.told and other.told)
        and is_similar(one.grams, other.grams)
        and not are_different(one.answer, other.answer)
    )


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the shorter question's words that the longer one has; 1 if it has none."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 1.0


def _stem(item: Flashcard | QuizQuestion) -> str:
    return " ".join(words(item.front if isinstance(item, Flashcard) else item.question))


def _answer(item: Flashcard | QuizQuestion) -> str:
    if isinstance(item, Flashcard):
        return " ".join(words(item.back))
    return " ".join(words(next(option.text for option in item.options if option.correct)))


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[start : start + _GRAM] for start in range(max(1, len(text) - _GRAM + 1)))


def _signature(grams: frozenset[str]) -> int:
    signature = 0
    for gram in grams:
        signature |= 1 << hash(gram) % _SIGNATURE_BITS
    return signature


def is_similar(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < NEAR_DUPLICATE * max(len(one), len(other)):
        return False
    shared = len(one & other)
    return shared >= NEAR_DUPLICATE * (len(one) + len(other) - shared)
