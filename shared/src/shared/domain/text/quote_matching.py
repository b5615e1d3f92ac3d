"""Finding a quote in its source although a model retyped it: other quotation marks, dashes, spaces, accents or case.

What is kept is always the source's own characters.
"""

import unicodedata

from shared.domain.text.segmentation import Span

MIN_QUOTE_CHARACTERS = 12
MIN_QUOTE_WORDS = 2
MAX_QUOTE_CHARACTERS = 700
"""A quote of a whole page would support anything."""
_MAX_TRIES = 64
"""Places looked at for one quote: a text made of one syllable ends the search."""

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
_EDGES = " \"'.-,;:"
"""What a draft may put around a quote that the source has not got there."""


class QuoteFinder:
    """Finds quotes in one text, or in a window of it. The folded text is built when the first quote is not verbatim."""

    def __init__(self, text: str, within: Span | None = None) -> None:
        self._text = text
        self._window = within or Span(0, len(text))
        self._folded: tuple[str, list[int]] | None = None

    def find(self, quote: str) -> Span | None:
        """Where the quote stands, on whole words; None when it does not."""
        quote = quote.strip()
        if not quote:
            return None
        return self._find_verbatim(quote) or self._find_folded(quote)

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
        while end < self._window.end and unicodedata.combining(self._text[end]):
            end += 1
        return Span(start, end)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether neither end of the span cuts a word."""
    starts_inside = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    ends_inside = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return not starts_inside and not ends_inside


class _Folds(dict[str, str]):
    """What each character is compared as, worked out once."""

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
    """The comparable form, and for each of its characters where it came from. Runs of space become one, and none
    stands next to a quotation mark, which French sets apart and English does not."""
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
