"""Reads the quantities of a text, with their sign, scale and unit, so that `1,500,000` and `1.5 million` are the same.

Numbers in English and French words are read too, and dates as their day, month and year.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from shared.domain.text.fractions import read_fractions
from shared.domain.text.number_words import AMBIGUOUS, SCALES, roman_value, written_numbers
from shared.domain.text.units import UNIT_WORDS, unit_of
from shared.domain.text.words import fold, listed, words

MAX_DIGITS = 40
"""Digits beyond which a number is compared by its letters alone."""
_NUMBER = r"\d{1,3}(?:[., \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?"
_TOKEN = re.compile(
    rf"(?P<sign>(?<![\w)])[-−–]\s?(?=\d))?(?P<number>{_NUMBER})|(?P<word>[^\W\d_]+)|(?P<other>\S)"
)
_MINUS = frozenset({"minus", "moins"})
_BELOW_ZERO = re.compile(
    r"\b(?:below (?:zero|freezing)|(?:sous|au-dessous de) zero|bc|bce|before christ|av\.? ?j\.?-?c)\b"
)
"""Words by which a number without a sign may be negative."""
_ORDINAL_MARK = re.compile(r"\A(?:e|er|re|ere|eme|st|nd|rd|th)\Z")
_JOINED = re.compile(r"\d+([^\W\d_]+)\d*")
"""A number and its unit in one word: `5km`, `8h15`."""
_ROMAN_TOKEN = re.compile(r"\b([IVXLCDM]{2,}|[IVX])(?:e|er|ème|eme|th)?\b")
_MONTHS = {
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    )
    for number, name in enumerate(listed(names), start=1)
}


_ZERO = frozenset({Decimal(0)})


class Quantity(NamedTuple):
    values: frozenset[Decimal]
    """What the number may mean: `1.500` is 1.5 or 1,500."""
    unit: str
    """Empty if none is known."""
    words: tuple[str, ...]
    """The folded words of the number and its unit."""
    is_certain: bool = True
    """False for words that are a number only sometimes, for months and for Roman numerals."""

    def scaled(self, factor: int) -> "Quantity":
        return self._replace(values=frozenset(value * factor for value in self.values))

    def agrees_with(self, other: "Quantity", *, ignores_sign: bool = False) -> bool:
        """Whether both may be the same. A quantity without a unit agrees with one that has a unit."""
        mine, theirs = self.values, other.values
        if ignores_sign:
            mine, theirs = frozenset(map(abs, mine)), frozenset(map(abs, theirs))
        is_same_unit = not self.unit or not other.unit or self.unit == other.unit or _are_degrees(self, other)
        return bool(mine & theirs) and is_same_unit


def _are_degrees(one: Quantity, other: Quantity) -> bool:
    """Both are degrees, and at most one says of which scale."""
    return "°" in (one.unit, other.unit) and one.unit[0] == other.unit[0]


def quantities(text: str) -> tuple[Quantity, ...]:
    return _cached(text)


def unsupported(answer: str, quote: str, *, asked: str = "") -> bool:
    """Whether the answer has a quantity that the quote has not. A question may have told the scale: `how many billions`."""
    stated = quantities(quote)
    ignores_sign = any(_BELOW_ZERO.search(fold(text)) for text in (answer, quote))
    scales = [1, *(scale for word in words(asked) for scale in SCALES.get(word, ()))]
    return any(
        not any(
            wanted.scaled(scale).agrees_with(one, ignores_sign=ignores_sign)
            for one in stated
            for scale in scales
        )
        for wanted in quantities(answer)
        if wanted.is_certain and not (ignores_sign and wanted.values == _ZERO)
    )


def are_different(one: str, other: str) -> bool:
    """Whether both texts hold quantities, and not the same."""
    mine, theirs = quantities(one), quantities(other)
    return bool(mine and theirs) and not (
        len(mine) == len(theirs) and all(map(Quantity.agrees_with, mine, theirs))
    )


@lru_cache(maxsize=2_048)
def _cached(text: str) -> tuple[Quantity, ...]:
    folded = fold(text)
    shares = read_fractions(folded)
    for share in shares:  # its numbers are no quantities of their own
        folded = folded[: share.start] + " " * (share.end - share.start) + folded[share.end :]
    fractions = [Quantity(share.percents, "%", share.words) for share in shares]
    return (*fractions, *_written_in_digits(folded), *_written_in_words(folded), *_romans(text))


def _written_in_digits(folded: str) -> Iterator[Quantity]:
    tokens = list(_TOKEN.finditer(folded))
    for index, token in enumerate(tokens):
        if not token["number"]:
            continue
        following = [later[0] for later in tokens[index + 1 : index + 6]]
        written = token["number"]
        if following and _ORDINAL_MARK.match(following[0]) and token.end() == tokens[index + 1].start():
            written += following.pop(0)
        is_negative = bool(token["sign"]) or (index > 0 and tokens[index - 1][0] in _MINUS)
        factors, scale_words = _scale(following)
        unit, unit_words = unit_of(following[len(scale_words) :])
        prefix = tokens[index - 1][0] if index > 0 else ""
        if not unit and prefix in ("$", "€", "£"):
            unit = prefix
        values = frozenset(
            (-value if is_negative else value) * factor
            for value in _values(token["number"])
            for factor in factors
        )
        yield Quantity(values, unit, (written, *scale_words, *unit_words))


def _scale(following: list[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if following and following[0] in SCALES:
        return SCALES[following[0]], (following[0], *(following[1:2] if following[1:2] == ["de"] else ()))
    return (1,), ()


def _values(number: str) -> list[Decimal]:
    """What the digits may mean: a separator before three digits may be one of thousands or of decimals."""
    if len(number) > MAX_DIGITS:
        return []
    digits = re.sub(r"[ \u00a0\u202f]", "", number)
    parts = re.split(r"[.,]", digits)
    if len(parts) == 1:
        return [Decimal(digits)]
    as_decimal = Decimal("".join(parts[:-1]) + "." + parts[-1])
    as_whole = Decimal("".join(parts))
    is_grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if not is_grouped or parts[0] == "0":
        return [as_decimal]
    return [as_whole, as_decimal] if len(parts) == 2 else [as_whole]


def _written_in_words(folded: str) -> Iterator[Quantity]:
    tokens = re.findall(r"[^\W_]+|%|°", folded)
    for number in written_numbers(tokens):
        found = tuple(tokens[number.first : number.last])
        before = tokens[number.first - 1] if number.first else ""
        if found[0] in ("cent", "mille") and (before in ("pour", "per") or before.isdigit()):
            continue  # a percentage, or the scale of a number in digits
        is_negative = before in _MINUS
        unit, unit_words = unit_of(tokens[number.last : number.last + 4])
        values = frozenset(Decimal(-value if is_negative else value) for value in number.values)
        yield Quantity(values, unit, (*found, *unit_words), found[0] not in AMBIGUOUS or len(found) > 1)
    for word in tokens:
        if word in _MONTHS:
            yield Quantity(frozenset({Decimal(_MONTHS[word])}), "", (word,), is_certain=False)


def _romans(text: str) -> Iterator[Quantity]:
    for found in _ROMAN_TOKEN.finditer(text):
        value = roman_value(found[1])
        if value is not None and (len(found[1]) > 1 or found[0] != found[1]):
            yield Quantity(frozenset({Decimal(value)}), "", (fold(found[0]),), is_certain=False)


def quantity_words(text: str) -> frozenset[str]:
    """The words of a text that are numbers or units. What they say is compared by value."""
    found = quantities(text)
    told = frozenset(word for quantity in found for part in quantity.words for word in words(part))
    told |= {word for word in words(text) if (joined := _JOINED.fullmatch(word)) and joined[1] in UNIT_WORDS}
    return told | UNIT_WORDS if found else told
