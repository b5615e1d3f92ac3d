"""Detects French and English by their stop words."""

from collections.abc import Iterator

from shared.domain.text.language import Language
from shared.domain.text.words import STOP_WORDS, words

SAMPLE_CHARACTERS = 4_000
"""Characters that are read at the start, in the middle and at the end of a long text."""

_FRENCH = STOP_WORDS[Language.FR] - STOP_WORDS[Language.EN]
_ENGLISH = STOP_WORDS[Language.EN] - STOP_WORDS[Language.FR]
_FRENCH_LETTERS = frozenset("éèêëàâùûîïôçœÉÈÊÀÇŒ")
_ACCENT_WEIGHT = 0.25
"""Weight of an accented letter as a ratio to a stop word; it is low because English texts contain foreign names."""
_CLEAR = 2.0
"""A short text counts as surely of one language if its score is at least this much, and this many times, the other's."""


def detect_language(text: str) -> Language:
    """French or English, whichever is likelier; English if there is no evidence."""
    french, english = _scores(" ".join(_samples(text)))
    return Language.FR if french > english else Language.EN


def sure_language(text: str) -> Language | None:
    """The language if the words leave no doubt; None for a name, a formula or a few words."""
    french, english = _scores(text)
    if french >= english + _CLEAR and french >= english * _CLEAR:
        return Language.FR
    if english >= french + _CLEAR and english >= french * _CLEAR:
        return Language.EN
    return None


def _samples(text: str) -> Iterator[str]:
    if len(text) <= 3 * SAMPLE_CHARACTERS:
        yield text
        return
    for start in (0, len(text) // 2, len(text) - SAMPLE_CHARACTERS):
        yield text[start : start + SAMPLE_CHARACTERS]


def _scores(text: str) -> tuple[float, float]:
    found = words(text)
    accents = sum(char in _FRENCH_LETTERS for char in text)
    french = sum(word in _FRENCH for word in found) + accents * _ACCENT_WEIGHT
    return french, float(sum(word in _ENGLISH for word in found))
