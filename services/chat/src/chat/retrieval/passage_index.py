"""Finds the passages of a collection that are relevant to the words of a question.

A passage is scored by BM25 over its words, those of its heading and those of the items that quote it. A word of the question stands
for its translations, and for words that are spelled like it (`WordMatcher`).
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chat.retrieval.passages import passages
from shared.domain.study.material import Collection
from shared.domain.text.matching.word_matching import WordMatcher
from shared.domain.text.span import Span
from shared.domain.text.words import content_words, inverse_document_frequency

MAX_PASSAGES = 8

_FREQUENCY_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75
"""The usual BM25 constants k1 and b."""
_ABOUT_WEIGHT = 0.5
"""Weight of a word of a heading or an item, as a ratio to one of the passage itself."""
_NEIGHBOUR_WEIGHT = 0.2
"""Share of its score that a passage gives to those beside it under the same heading, which may speak of the same by a pronoun."""


class PassageIndex:
    def __init__(self, collection: Collection) -> None:
        """The time grows with the text: about 0.3 s per megabyte."""
        text = collection.text
        self._passages = passages(text)
        counts = [Counter(content_words(passage.span.of(text))) for passage in self._passages]
        lengths = [sum(count.values()) for count in counts]
        mean = sum(lengths) / len(lengths) if any(lengths) else 1.0
        self._lengths = [1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * length / mean for length in lengths]
        self._frequencies = defaultdict[str, dict[int, float]](dict)
        for index, count in enumerate(counts):
            for word, frequency in count.items():
                self._frequencies[word][index] = frequency
        for index, word in self._words_about(collection):
            held = self._frequencies[word]
            held[index] = held.get(index, 0.0) + _ABOUT_WEIGHT
        self._matcher = WordMatcher(self._frequencies.keys())

    @property
    def is_shown_whole(self) -> bool:
        """Whether every question gets all passages."""
        return len(self._passages) <= MAX_PASSAGES

    def choose(self, weights: Mapping[str, float], *, limit: int = MAX_PASSAGES) -> list[Span]:
        """The passages most relevant to the weighted stems, in the order of the text.

        Words that share nothing with the text ("what is this about?") get passages from all over it.
        """
        spans = [passage.span for passage in self._passages]
        if len(spans) <= limit:
            return spans
        scores = self._with_neighbours(self._scores(weights))
        ranked = sorted((i for i, score in enumerate(scores) if score > 0), key=lambda i: -scores[i])
        return [spans[i] for i in sorted(ranked[:limit]) or _spread(len(spans), limit)]

    def coverage(self, weights: Mapping[str, float]) -> float:
        """The share of the weighted words, rare ones counting more, that the passage with most of them has."""
        covered, total = defaultdict[int, float](float), 0.0
        for word, weight in weights.items():
            matched = self._matcher.match(word)
            rarity = max((self._rarity(other) for other in matched), default=self._rarity(word))
            total += weight * rarity
            held = {i: strength for other, strength in matched.items() for i in self._frequencies[other]}
            for index, strength in held.items():
                covered[index] += weight * rarity * strength
        return max(covered.values(), default=0.0) / total if total else 0.0

    def _scores(self, weights: Mapping[str, float]) -> list[float]:
        scores = [0.0] * len(self._passages)
        for word, weight in weights.items():
            best: dict[int, float] = {}
            for other, strength in self._matcher.match(word).items():
                factor = weight * strength * self._rarity(other) * (_FREQUENCY_SATURATION + 1)
                for index, frequency in self._frequencies[other].items():
                    saturated = frequency / (frequency + _FREQUENCY_SATURATION * self._lengths[index])
                    best[index] = max(best.get(index, 0.0), factor * saturated)
            for index, score in best.items():
                scores[index] += score
        return scores

    def _with_neighbours(self, scores: Sequence[float]) -> list[float]:
        summed = list(scores)
        for left, right in zip(range(len(scores) - 1), range(1, len(scores)), strict=True):
            if self._passages[left].heading == self._passages[right].heading:
                summed[left] += _NEIGHBOUR_WEIGHT * scores[right]
                summed[right] += _NEIGHBOUR_WEIGHT * scores[left]
        return summed

    def _rarity(self, word: str) -> float:
        return inverse_document_frequency(len(self._frequencies.get(word, ())), len(self._passages))

    def _words_about(self, collection: Collection) -> Iterator[tuple[int, str]]:
        """Passages by their index, with the words of their heading and of the items that quote them."""
        for index, passage in enumerate(self._passages):
            if passage.heading is not None:
                yield from ((index, word) for word in content_words(passage.heading.of(collection.text)))
        starts = [passage.span.start for passage in self._passages]
        for start, words in _items(collection):
            if (index := bisect_right(starts, start) - 1) >= 0:
                yield from ((index, word) for word in words)


def _items(collection: Collection) -> Iterator[tuple[int, list[str]]]:
    """Where the quotes of the items begin, with the words that ask for them."""
    for card in collection.flashcards:
        yield card.source.start, content_words(f"{card.front} {card.back}")
    for question in collection.quiz:
        yield question.source.start, content_words(f"{question.question} {question.explanation}")


def _spread(count: int, limit: int) -> list[int]:
    return sorted({round(i * (count - 1) / max(1, limit - 1)) for i in range(limit)})
