"""A source as the rules read it: its sentences in plain words, and what its own spelling tells about its nouns."""

import re
from collections import Counter
from functools import cached_property
from typing import NamedTuple

from shared.domain.text.language import Language
from shared.domain.text.language_detection import detect_language
from shared.domain.text.segmentation import MIN_WORDS, BlockKind, Span, blocks, is_usable, sentences
from shared.domain.text.words import content_words, fold, listed, stem, words

MAX_LINES = 400
"""Sentences read of one source: as many as anybody could be asked for items about, and a bound on the work."""

_MARKUP = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|`+|\[(?=[^\]]*\]\()|\]\([^)]*\)|^>\s*", re.MULTILINE)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_REFERENCE = re.compile(r"\s?\[\d{1,3}\]")
_ASIDE = re.compile(r" ?\([^()]*\)")
_COMMAND = re.compile(
    r"(?i)\b(?:ignor\w+|disregard|forget|oubli\w+|repond\w*|answer|reply|print|output|pretend)\b.*\b(?:instruct\w+|consignes?|prompt|previous|above|precedent\w*|everything|pwned|system)\b"
)
_CAPITALISED = re.compile(r"(?<=[^.!?…:»”\"\s] )(?:l'|d')?([A-ZÀ-ÖØ-Þ][\w-]+)")

_FULL_NAME = re.compile(
    r"(?<![Tt]he )(?<![Ll][ae] )(?<!Les )(?<!les )(?<!l')(?<!L')\b(?P<first>[A-ZÀ-Þ][a-zà-ÿ]+(?:-[A-ZÀ-Þ][a-zà-ÿ]+)?) (?P<last>[A-ZÀ-Þ][a-zà-ÿ]+)\b(?! [A-Z])"
)
_PLACE_WORDS = frozenset(
    listed("New North South East West Lake Mount Saint Great United Central World Nord Sud Mont Lac Grande")
)


class Line(NamedTuple):
    """One usable sentence."""

    span: Span
    quote: str
    """Verbatim."""
    said: str
    """Without markup, on one line, with straight apostrophes."""


class SourceView:
    def __init__(self, text: str) -> None:
        self.text = text
        self.language = detect_language(text)
        self.lines = _lines(text)

    @cached_property
    def headings(self) -> list[Span]:
        return [block.span for block in blocks(self.text) if block.kind is BlockKind.HEADING]

    @cached_property
    def frequencies(self) -> Counter[str]:
        return Counter(word for line in self.lines for word in set(content_words(line.said)))

    @cached_property
    def plain_stems(self) -> frozenset[str]:
        """Of the words that stand in lower case somewhere: no names."""
        return frozenset(
            stem(fold(word)) for line in self.lines for word in re.findall(r"\b[a-zà-ÿ][\w-]+", line.said)
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Words that are capitalised in mid-sentence."""
        return frozenset(name for line in self.lines for name in _CAPITALISED.findall(line.said))

    @cached_property
    def surnames(self) -> frozenset[str]:
        """Last words of full names, so that the name alone is known as somebody's."""
        found = (match for line in self.lines for match in _FULL_NAME.finditer(line.said))
        return frozenset(match["last"] for match in found if match["first"] not in _PLACE_WORDS)

    def salience(self, line: Line) -> float:
        """How much a sentence is about what the whole is about, 0 to 1."""
        found = set(content_words(line.said))
        top = max(self.frequencies.values(), default=1)
        return sum(self.frequencies[word] for word in found) / (top * max(6, len(found)))

    def typeset(self, said: str) -> str:
        """A sentence of ours with the source's kind of apostrophe, and French spacing in French."""
        if "’" in self.text:
            said = said.replace("'", "’")
        if self.language is Language.FR:
            said = re.sub(r" ([?!:;»%])", "\u00a0\\1", said).replace("« ", "«\u00a0")
        return said


def plain(text: str) -> str:
    """Without markup or invisible characters, on one line, with straight apostrophes."""
    text = _REFERENCE.sub("", _INVISIBLE.sub("", _MARKUP.sub("", text)))
    return " ".join(text.replace("’", "'").split())


def without_asides(said: str) -> str:
    """Without what stands in brackets, unless that is nearly all of it."""
    rest = _ASIDE.sub("", said)
    return rest if word_count(rest) >= MIN_WORDS else said


def _lines(text: str) -> list[Line]:
    found: list[Line] = []
    for span in sentences(text):
        quote = span.of(text)
        if is_usable(quote) and not _COMMAND.search(fold(quote)):
            found.append(Line(span, quote, plain(quote)))
        if len(found) >= MAX_LINES:
            break
    return found


def word_count(said: str) -> int:
    return len(words(said))
