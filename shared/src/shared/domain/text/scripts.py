"""What sets scripts apart: combining marks, which `\\w` does not match, and scripts that write no spaces between words."""

import unicodedata
from itertools import chain, groupby

UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"  # kana, Chinese characters
)
"""Ranges of a character class: the scripts without spaces between words. Korean has spaces."""

_BLOCKS_WITH_MARKS = ((0x0900, 0x1D00), (0x3099, 0x309B), (0xA800, 0xAC00))
"""The blocks where marks are parts of words. Marks of Latin, Greek, Cyrillic, Hebrew and Arabic are removed by folding."""


_GEORGIAN = frozenset(map(chr, range(0x10D0, 0x1100)))
"""The usual letters of Georgian, which no sentence begins in capitals."""


def _ranges(codes: list[int]) -> str:
    """The codes as ranges of a character class."""
    runs = groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0])
    found = [[code for _, code in run] for _, run in runs]
    return "".join(f"\\u{run[0]:04x}-\\u{run[-1]:04x}" for run in found)


def is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


MARKS = _ranges(
    [code for code in chain(*(range(*block) for block in _BLOCKS_WITH_MARKS)) if is_mark(chr(code))]
)
"""Ranges of a character class: the vowel signs and other marks that belong to the letter before them."""


def width(text: str) -> int:
    """Columns that a text takes on a terminal: a Chinese, Japanese or Korean character says as much as two letters."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def is_caseless(char: str) -> bool:
    """Whether the character is a letter of a script without capitals."""
    return char.isalpha() and (char.lower() == char.upper() or char in _GEORGIAN)


def is_lower_case(char: str) -> bool:
    """Whether the character is a small letter where a capital could stand."""
    return char.islower() and char not in _GEORGIAN
