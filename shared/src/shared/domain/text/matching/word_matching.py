"""Finds the words of a text that a word of a question stands for: itself, its translations, or those that are spelled like it."""

from collections.abc import Collection
from functools import cached_property

from shared.domain.text.matching.french_english import translations
from shared.domain.text.matching.similar_words import SimilarWords

_TRANSLATION_WEIGHT = 0.8
"""Weight of a translation, as a ratio to the word itself: it may be the wrong one."""
_SIMILAR_WEIGHT = 0.9
"""Weight of a word that is spelled like it, which its similarity is multiplied by."""


class WordMatcher:
    def __init__(self, vocabulary: Collection[str]) -> None:
        """`vocabulary` has the stems of the text."""
        self._vocabulary = vocabulary

    def match(self, word: str) -> dict[str, float]:
        """The stems of the text that a stem stands for, with their weight from 0 to 1. The spelling counts only where the text has
        neither the word nor a translation of it."""
        found = {other: _TRANSLATION_WEIGHT for other in translations(word) if other in self._vocabulary}
        if word in self._vocabulary:
            found[word] = 1.0
        return found or {
            other: _SIMILAR_WEIGHT * similarity for other, similarity in self._similar.find(word).items()
        }

    @cached_property
    def _similar(self) -> SimilarWords:
        return SimilarWords(self._vocabulary)
