"""Detects the language of a text: by stop words where they leave no doubt, and otherwise by a model of 100 languages."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Protocol, cast

from shared.domain.text.language import Language, rules_language
from shared.domain.text.language_tag import is_same_language, primary_language
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

_LAST_LATIN = "\u024f"
_LIKELY = 0.3
"""Probability from which the model's best language is more than a guess."""
_SURE = 0.8
"""Probability from which the model's best language leaves no doubt. Over the sentences of the tests it is right in all cases."""
_SURE_BYTES = 24
"""Bytes of letters in UTF-8 below which no text is surely of a language: 24 letters of Latin script, or 8 of Chinese, are more
than a name."""


def load_model() -> None:
    """Load the model now, for a process that must not wait for it while it serves."""
    _identifier()


def detect_language(text: str) -> str:
    """The tag of the likeliest language; English if there is no evidence."""
    sample = " ".join(_samples(text))
    found, probability = _ask_model(sample)
    if probability >= _SURE or not _is_mostly_latin(sample):
        return found
    french, english = _scores(sample)
    if french != english and (probability < _LIKELY or _clear_winner(french, english)):
        return Language.FR if french > english else Language.EN
    return found if probability >= _LIKELY else Language.EN


def sure_language(text: str) -> str | None:
    """The tag of the language if the text leaves no doubt; None for a name, a formula or a few words."""
    found, probability = _ask_model(text)
    if probability >= _SURE and _letter_bytes(text) >= _SURE_BYTES:
        return found
    by_stop_words = _clear_winner(*_scores(text))
    contradicts = probability >= _SURE and found != by_stop_words
    return None if contradicts else by_stop_words


def has_word_rules(text: str) -> bool:
    """Whether the text may be in French or English, whose words our rules know."""
    sample = " ".join(_samples(text))
    if not _is_mostly_latin(sample):
        return False
    return rules_language(detect_language(sample)) is not None


def is_surely_other(text: str, wanted: str) -> bool:
    """Whether the text is, without doubt, in another language than the tag `wanted` names. A language that the model does not
    know would be taken for one that it knows, so nothing is said of it."""
    found = sure_language(text)
    return found is not None and not is_same_language(found, wanted) and _is_known(primary_language(wanted))


@cache
def _is_known(language: str) -> bool:
    return any(is_same_language(language, label) for label in _identifier().labels)


def _clear_winner(french: float, english: float) -> Language | None:
    if french >= english + _CLEAR and french >= english * _CLEAR:
        return Language.FR
    if english >= french + _CLEAR and english >= french * _CLEAR:
        return Language.EN
    return None


def _is_mostly_latin(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(char <= _LAST_LATIN for char in letters) >= len(letters)


def _letter_bytes(text: str) -> int:
    return sum(len(char.encode(errors="replace")) for char in text[:SAMPLE_CHARACTERS] if char.isalpha())


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


class _Identifier(Protocol):
    labels: list[str]

    def classify(self, text: str) -> tuple[str, float]: ...

    def set_languages(self, langs: list[str]) -> None: ...


def _ask_model(text: str) -> tuple[str, float]:
    if not any(map(str.isalpha, text)):
        return Language.EN, 0.0
    return _identifier().classify(text)


@cache
def _identifier() -> _Identifier:
    """The model, which takes half a second and 100 MB. It is loaded at the first use: the gateway never needs it, and does not
    have the library."""
    # py3langid has no types, so they are stated here: `_Identifier` is what is used of it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # pyright: ignore[reportMissingTypeStubs] - it has none

    load = cast(Callable[..., _Identifier], LanguageIdentifier.from_model_file)  # pyright: ignore[reportUnknownMemberType] - as above
    identifier = load(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier
