"""Finds a quote in its source although a model may have changed quotation marks, dashes, spaces, accents or case.

The result is a span, so the quote that is kept has the characters of the source.
"""

import re
import unicodedata
from bisect import bisect_left

from shared.domain.text.scripts import is_mark
from shared.domain.text.span import Span
from shared.domain.text.structure.rows import row_spans
from shared.domain.text.words import is_unspaced

MIN_QUOTE_CHARACTERS = 12
MIN_QUOTE_WORDS = 2
MAX_QUOTE_CHARACTERS = 700
"""Limit of a quote; one of a whole page would support any item."""
_MAX_TRIES = 64
"""Limit of occurrences that are checked for one quote, for texts that repeat a syllable endlessly."""

_SAME = {
    **dict.fromkeys("’‘ʼ‚‛`´′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("*_", ""),
    "…": "...",
    "œ": "oe",
    "Œ": "oe",
    "æ": "ae",
    "Æ": "ae",
}
_SPACE = " "
MIN_LETTERS = 6
"""Letters from which a quote is looked for by its letters alone."""
_SENTENCE_END = re.compile(r"[.!?…](?=\s)")
_MARKS = re.compile(r"\[(?:\d{1,4}|[a-z]|note \d+)\]|\]\([^()\s]*\)")
"""Marks of notes and targets of links, which stand in a source and not in what is read of it."""
_EDGES = " \"'.-,;:"
"""Characters that a draft may have put around a quote."""


class QuoteFinder:
    """Finds quotes in a text, or in a window of it. The folded text is built only when a quote is not verbatim."""

    def __init__(self, text: str, within: Span | None = None) -> None:
        self._text = text
        self._window = within or Span(0, len(text))
        self._folded: tuple[str, list[int]] | None = None
        self._letters: tuple[str, list[int]] | None = None

    def has_row(self, span: Span) -> bool:
        """Whether the span contains a row of a table or a pair of a list, which says something in few characters."""
        found = row_spans(self._text)
        index = bisect_left(found, (span.start, 0))
        return index < len(found) and found[index].end <= span.end

    def find(self, quote: str) -> Span | None:
        """The span of the quote, which begins and ends at word boundaries; None if the text does not contain it."""
        quote = quote.strip()
        if not quote:
            return None
        return self._find_verbatim(quote) or self._find_folded(quote) or self._find_letters(quote)

    def _find_verbatim(self, quote: str) -> Span | None:
        start = self._window.start
        for _ in range(_MAX_TRIES):
            start = self._text.find(quote, start, self._window.end)
            if start < 0:
                return None
            if _is_whole(self._text, start, start + len(quote)):
                return Span(start, start + len(quote))
            start += 1
        return None

    def _find_folded(self, quote: str) -> Span | None:
        if self._folded is None:
            self._folded = _fold_with_offsets(self._window.of(self._text))
        wanted = _fold_with_offsets(quote)[0].strip(_SPACE)
        return self._find_in_folded(wanted, *self._folded) or self._find_in_folded(
            wanted.strip(_EDGES), *self._folded
        )

    def _find_letters(self, quote: str) -> Span | None:
        """Find the quote by its letters and digits alone: a model leaves out marks of notes, emphasis, links and tables, joins what a
        line end has parted, and sets other spaces."""
        if self._letters is None:
            self._letters = _letters_with_offsets(self._window.of(self._text))
        wanted, (letters, offsets) = _letters_with_offsets(quote)[0], self._letters
        found = -1
        for _ in range(_MAX_TRIES if len(wanted) >= MIN_LETTERS else 0):
            if (found := letters.find(wanted, found + 1)) < 0:
                return None
            span = self._source_span(offsets[found], offsets[found + len(wanted) - 1])
            if _is_whole(self._text, span.start, span.end) and _sentences(span.of(self._text)) <= _sentences(
                quote
            ):
                return _with_row(self._text, span, self._window)
        return None

    def _find_in_folded(self, wanted: str, folded: str, offsets: list[int]) -> Span | None:
        found = -1
        for _ in range(_MAX_TRIES if wanted else 0):
            found = folded.find(wanted, found + 1)
            if found < 0:
                return None
            if _is_whole(folded, found, found + len(wanted)):
                return self._source_span(offsets[found], offsets[found + len(wanted) - 1])
        return None

    def _source_span(self, first: int, last: int) -> Span:
        start, end = self._window.start + first, self._window.start + last + 1
        while end < self._window.end and is_mark(self._text[end]):
            end += 1
        return Span(start, end)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether neither end of the span cuts a word."""
    return not _is_inside_word(text, start) and not _is_inside_word(text, end)


def _is_inside_word(text: str, position: int) -> bool:
    if not 0 < position < len(text):
        return False
    before, after = text[position - 1], text[position]
    if is_unspaced(before) or is_unspaced(after):
        return False  # a word may end anywhere
    return _is_in_word(before) and _is_in_word(after)


def _is_in_word(char: str) -> bool:
    return char.isalnum() or is_mark(char)


class _Folds(dict[str, str]):
    """The folded form of each character, computed once."""

    def __missing__(self, char: str) -> str:
        self[char] = folded = _SAME[char] if char in _SAME else _fold(char)
        return folded


def _fold(char: str) -> str:
    if char.isspace():
        return _SPACE
    if unicodedata.category(char) in ("Cc", "Cf", "Mn"):
        return ""
    plain = unicodedata.normalize("NFKD", char)
    return "".join(part for part in plain if not unicodedata.combining(part)).casefold()


_folds = _Folds()


def _fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the offset in `text`. Spaces are collapsed, and removed inside quotation
    marks, where French has them and English does not."""
    folded: list[str] = []
    offsets: list[int] = []
    for offset, char in enumerate(text):
        for part in _folds[char]:
            if part == _SPACE and (not folded or folded[-1] in (_SPACE, '"')):
                continue
            if part == '"' and folded and folded[-1] == _SPACE:
                folded.pop()
                offsets.pop()
            folded.append(part)
            offsets.append(offset)
    return "".join(folded), offsets


def _letters_with_offsets(text: str) -> tuple[str, list[int]]:
    """The folded letters and digits without marks, and for each of them the offset in `text`."""
    letters: list[str] = []
    offsets: list[int] = []
    marked = {offset for mark in _MARKS.finditer(text) for offset in range(*mark.span())}
    for offset, char in enumerate(text):
        if offset not in marked:
            kept = [part for part in _folds[char] if part.isalnum()]
            letters += kept
            offsets += [offset] * len(kept)
    return "".join(letters), offsets


def _sentences(text: str) -> int:
    return len(_SENTENCE_END.findall(text))


def _with_row(text: str, span: Span, window: Span) -> Span:
    """The whole row of a table in place of a part of it that is too short to be a quote."""
    if span.end - span.start >= MIN_QUOTE_CHARACTERS or "|" not in span.of(text):
        return span
    start = max(window.start, text.rfind("\n", 0, span.start) + 1)
    end = text.find("\n", span.end)
    return Span(start, window.end if end < 0 else min(end, window.end))
