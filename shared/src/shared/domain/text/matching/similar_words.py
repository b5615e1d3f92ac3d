"""Finds the words of a text that are spelled like a word it does not contain: typing errors, and words that French and English share."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from functools import lru_cache

MIN_LETTERS = 4
"""Shorter words resemble too many others."""
MIN_SIMILARITY = 0.6
"""Dice coefficient of the pairs of letters that two similar words share at least."""
MAX_SIMILAR = 3

_SOUNDS = (
    ("ph", "f"), ("th", "t"), ("rh", "r"), ("ck", "k"), ("qu", "k"), ("c", "k"), ("y", "i"),
)  # fmt: skip
"""Spellings that differ between the two languages, or that are often mistaken."""
_ENDINGS = ("um", "us", "on", "ue", "a", "e", "o")
_DOUBLE = re.compile(r"(.)\1")


class SimilarWords:
    """The words of a text by their pairs of letters."""

    def __init__(self, vocabulary: Collection[str]) -> None:
        self._pairs = {word: _pairs(word) for word in vocabulary if len(word) >= MIN_LETTERS}
        self._words = defaultdict[str, list[str]](list)
        for word, pairs in self._pairs.items():
            for pair in pairs:
                self._words[pair].append(word)

    def find(self, word: str) -> dict[str, float]:
        """The most similar words, with their similarity from 0 to 1."""
        if len(word) < MIN_LETTERS or word.isdecimal():
            return {}
        pairs = _pairs(word)
        shared = Counter(other for pair in pairs for other in self._words.get(pair, ()))
        similar = ((2 * n / (len(pairs) + len(self._pairs[other])), other) for other, n in shared.items())
        best = sorted((pair for pair in similar if pair[0] >= MIN_SIMILARITY), reverse=True)[:MAX_SIMILAR]
        return {other: similarity for similarity, other in best}


@lru_cache(maxsize=16_384)
def _pairs(word: str) -> frozenset[str]:
    """The pairs of letters of a folded word, with a mark before its first letter."""
    for spelling, sound in _SOUNDS:
        word = word.replace(spelling, sound)
    word = "^" + _DOUBLE.sub(r"\1", word)
    ending = next((ending for ending in _ENDINGS if word.endswith(ending)), "")
    if len(word) - len(ending) >= MIN_LETTERS:
        word = word.removesuffix(ending)
    return frozenset(word[i : i + 2] for i in range(len(word) - 1))
