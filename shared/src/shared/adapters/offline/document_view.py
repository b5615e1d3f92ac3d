"""The view of a source that the rules use: its sentences in plain text, and what its spelling says about its nouns."""

import re
from collections import Counter
from functools import cached_property
from typing import NamedTuple

from shared.domain.text.language import Language, rules_language
from shared.domain.text.language_detection import detect_language, has_word_rules, sure_language
from shared.domain.text.segmentation import MIN_WORDS, BlockKind, blocks, is_usable, sentences
from shared.domain.text.span import Span
from shared.domain.text.words import content_words, fold, listed, stem, words

MAX_LINES = 400
"""Limit of the sentences that are read, which bounds the work. It exceeds the number of items that a job may request."""

_MARKUP = re.compile(
    r"</?[a-z][^<>\n]{0,60}>|\*+|(?<!\w)_+|_+(?!\w)|`+|\[(?=[^\]]*\]\()|\]\([^)]*\)|^>\s*", re.MULTILINE
)
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
    """The sentence, verbatim."""
    text: str
    """The sentence without markup, on one line, with straight apostrophes."""


def is_written_offline(text: str) -> bool:
    """Whether the rules, which know French and English, can work on a text."""
    return has_word_rules(text) or rules_language(sure_language(text) or Language.EN) is not None


class SourceView:
    def __init__(self, text: str) -> None:
        self.text = text
        self.language = rules_language(detect_language(text)) or Language.EN
        self.lines = _lines(text)

    @cached_property
    def headings(self) -> list[Span]:
        return [block.span for block in blocks(self.text) if block.kind is BlockKind.HEADING]

    @cached_property
    def entries(self) -> frozenset[int]:
        """Where the entries of lists begin."""
        return frozenset(block.span.start for block in blocks(self.text) if block.kind is BlockKind.ITEM)

    @cached_property
    def plain_text(self) -> str:
        return plain(self.text)

    @cached_property
    def frequencies(self) -> Counter[str]:
        return Counter(word for line in self.lines for word in set(content_words(line.text)))

    @cached_property
    def plain_stems(self) -> frozenset[str]:
        """Stems of words that occur in lower case, which are no names."""
        return frozenset(
            stem(fold(word)) for line in self.lines for word in re.findall(r"\b[a-zà-ÿ][\w-]+", line.text)
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Words that are capitalised within a sentence."""
        return frozenset(name for line in self.lines for name in _CAPITALISED.findall(line.text))

    @cached_property
    def rare_names(self) -> frozenset[str]:
        """Stems of capitalised words that are not what the source is about."""
        stems = {word for name in self.names for word in content_words(name)}
        title = set(content_words(self.headings[0].of(self.text))) if self.headings else set[str]()
        most = max(3, len(self.lines) // 25)
        return frozenset(word for word in stems - title if self.frequencies[word] <= most)

    @cached_property
    def surnames(self) -> frozenset[str]:
        """Last words of full names, so that a surname alone is recognised as a person."""
        found = (match for line in self.lines for match in _FULL_NAME.finditer(line.text))
        return frozenset(match["last"] for match in found if match["first"] not in _PLACE_WORDS)

    def salience(self, line: Line) -> float:
        """How much a sentence is about the main subjects of the source, from 0 to 1."""
        found = set(content_words(line.text))
        top = max(self.frequencies.values(), default=1)
        return sum(self.frequencies[word] for word in found) / (top * max(6, len(found)))

    def typeset(self, text: str) -> str:
        """The text with the apostrophes of the source and, in French, with French spacing."""
        if "’" in self.text:
            text = text.replace("'", "’")
        if self.language is Language.FR:
            text = re.sub(r" ([?!:;»%])", "\u00a0\\1", text).replace("« ", "«\u00a0")
        return text


def plain(text: str) -> str:
    """The text without markup and invisible characters, on one line, with straight apostrophes."""
    text = _REFERENCE.sub("", _INVISIBLE.sub("", _MARKUP.sub("", text)))
    return " ".join(text.replace("’", "'").split())


def without_asides(text: str) -> str:
    """The text without parentheses, unless too little would be left."""
    rest = _ASIDE.sub("", text)
    return rest if word_count(rest) >= MIN_WORDS else text


def _lines(text: str) -> list[Line]:
    found: list[Line] = []
    for span in sentences(text):
        quote = span.of(text)
        if is_usable(quote) and not _COMMAND.search(fold(quote)):
            found.append(Line(span, quote, plain(quote)))
        if len(found) >= MAX_LINES:
            break
    return found


def word_count(text: str) -> int:
    return len(words(text))
