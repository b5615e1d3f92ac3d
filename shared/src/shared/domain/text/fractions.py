"""Reads fractions in digits and in English and French words, as shares in percent: `2/3`, `two thirds`, `un quart`, `half`."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

_NUMERATORS = {
    word: value
    for value, names in enumerate(("a one un une", "two deux", "three trois", "four quatre"), start=1)
    for word in names.split()
}
_DENOMINATORS = {
    "half": 2,
    "halves": 2,
    "moitie": 2,
    "third": 3,
    "tiers": 3,
    "quarter": 4,
    "quart": 4,
    "fifth": 5,
    "cinquieme": 5,
    "sixth": 6,
    "sixieme": 6,
    "eighth": 8,
    "huitieme": 8,
    "tenth": 10,
    "dixieme": 10,
    "hundredth": 100,
    "centieme": 100,
}
_IN_DIGITS = re.compile(r"(?<![\d/.,])(\d{1,2})\s?/\s?(\d{1,3})(?![\d/.,])")
_IN_WORDS = re.compile(
    rf"\b(?P<numerator>{'|'.join(_NUMERATORS)})[\s-](?P<denominator>{'|'.join(_DENOMINATORS)})s?\b(?! (?:d'heure|past|hour|century|note|moon))"
)
_ALONE = re.compile(
    r"\b(?:half(?= (?:of|the|its|their|his|her|our)\b)|(?<=the other )half|(?:la|de) moitie)\b"
)
PLACES = (0, 1, 2)
"""Decimal places to which a share may have been rounded."""


class Share(NamedTuple):
    percents: frozenset[Decimal]
    """The share in percent, rounded as it may be written."""
    words: tuple[str, ...]
    start: int
    end: int


def read_fractions(folded: str) -> list[Share]:
    """The fractions of a folded text, in no order. Dates such as 9/11/1989 are none."""
    return [*_in_digits(folded), *_in_words(folded)]


def _in_digits(folded: str) -> Iterator[Share]:
    for found in _IN_DIGITS.finditer(folded):
        part, whole = int(found[1]), int(found[2])
        if 0 < part < whole:
            yield Share(_percents(part, whole), (found[1], found[2]), *found.span())


def _in_words(folded: str) -> Iterator[Share]:
    for found in _IN_WORDS.finditer(folded):
        part, whole = _NUMERATORS[found["numerator"]], _DENOMINATORS[found["denominator"]]
        if part < whole:
            yield Share(_percents(part, whole), tuple(re.split(r"[\s-]", found[0])), *found.span())
    for found in _ALONE.finditer(folded):
        yield Share(_percents(1, 2), (found[0].split()[-1],), *found.span())


def _percents(part: int, whole: int) -> frozenset[Decimal]:
    exact = Decimal(100 * part) / whole
    return frozenset({round(exact, places).normalize() for places in PLACES} | {Decimal(100 * part // whole)})
