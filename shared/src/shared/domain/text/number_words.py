"""Reads numbers that are written in English or French words: `twenty-five`, `mille huit cent soixante-dix`, `XIIe`."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.domain.text.words import listed

_EN_UNITS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_FR_UNITS = listed(
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
)
_SMALL = {
    **{word: value for value, word in enumerate(_EN_UNITS)},
    **{word: value for value, word in enumerate(_FR_UNITS)},
    "une": 1,
}
_TENS = {
    **{
        word: 10 * value
        for value, word in enumerate(listed("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
    },
    **{word: 10 * value for value, word in enumerate(listed("vingt trente quarante cinquante soixante"), 2)},
    "vingts": 20,
    "septante": 70,
    "huitante": 80,
    "octante": 80,
    "nonante": 90,
}
_HUNDREDS = frozenset({"hundred", "cent", "cents"})
SCALES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("thousand", "thousands", "mille", "milliers", "millier"), (10**3,)),
    **dict.fromkeys(("million", "millions"), (10**6,)),
    **dict.fromkeys(("milliard", "milliards", "bn", "md", "mds"), (10**9,)),
    **dict.fromkeys(("billion", "billions"), (10**9, 10**12)),
    **dict.fromkeys(("trillion", "trillions"), (10**12, 10**18)),
}
"""Factors by word. A billion is 10⁹ in English and 10¹² in French."""
_AND = frozenset({"and", "et"})
_ORDINALS = {
    **dict.fromkeys(("first", "premier", "premiere", "premiers", "premieres"), 1),
    **dict.fromkeys(("second", "seconde"), 2),
    "third": 3,
    "fifth": 5,
    "eighth": 8,
    "ninth": 9,
    "twelfth": 12,
    "cinquieme": 5,
    "neuvieme": 9,
}
_ORDINAL_ENDINGS = ("iemes", "ieme", "ths", "th")
AMBIGUOUS = frozenset({"un", "une", "one", "second", "seconde"})
"""Words that are a number only sometimes: `one` may be a pronoun, `un` an article and `second` a unit."""
_ROMAN = re.compile(r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


class WrittenNumber(NamedTuple):
    first: int
    """Index of its first word."""
    last: int
    """Index after its last word."""
    values: tuple[int, ...]
    """What it may mean."""


def written_numbers(words: Sequence[str]) -> Iterator[WrittenNumber]:
    """The numbers among folded words, without hyphens. Each is as long as it can be."""
    index = 0
    while index < len(words):
        found = _ordinal(words, index) or _cardinal(words, index)
        if found is None:
            index += 1
        else:
            yield found
            index = found.last


def roman_value(numeral: str) -> int | None:
    """The value of a Roman numeral in capitals."""
    if not _ROMAN.fullmatch(numeral):
        return None
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def _cardinal(words: Sequence[str], first: int) -> WrittenNumber | None:
    total, group, index = 0, _group(words, first), first
    values: tuple[int, ...] = ()
    while group is not None:
        value, index = group
        if index < len(words) and (scales := SCALES.get(words[index])):
            value, index = (value or 1), index + 1
            scale, *others = scales
            if others:  # which scale is meant is not known, so nothing smaller is added
                values = tuple(total + value * one for one in scales)
                break
            total += value * scale
            group = _group(words, index)
        else:
            total += value
            break
    if index == first:
        return None
    return WrittenNumber(first, index, values or (total,))


def _group(words: Sequence[str], first: int) -> tuple[int, int] | None:
    """A number below 1,000 and the index after it; `mille` alone is such a number of 0 before its scale."""
    value, index, last_part = 0, first, 1_000
    while index < len(words):
        word = words[index]
        if word in _HUNDREDS and value < 20:
            value, last_part = max(value, 1) * 100, 100
        elif word in _TENS and _TENS[word] < last_part:
            if word.startswith("vingt") and value % 100 == 4:  # quatre-vingts
                value += 76
                last_part = 20
            else:
                value += _TENS[word]
                last_part = 20 if _TENS[word] in (60, 80) else 10
        elif word in _SMALL and _SMALL[word] < last_part:
            part = _SMALL[word]
            value += part
            last_part = 10 if part == 10 else 1
            if part == 4 and index + 1 < len(words) and words[index + 1].startswith("vingt"):
                last_part = 1_000
        elif not (word in _AND and index > first and _continues(words, index + 1, last_part)):
            break
        index += 1
    is_scale = index == first and index < len(words) and words[index] == "mille"
    return (value, index) if index > first or is_scale else None


def _continues(words: Sequence[str], index: int, last_part: int) -> bool:
    """Whether an `and` joins parts of one number: `vingt et un`, `two hundred and five`."""
    return index < len(words) and last_part >= 10 and words[index] in (_SMALL | _TENS)


def _ordinal(words: Sequence[str], index: int) -> WrittenNumber | None:
    word = words[index]
    value = _ORDINALS.get(word)
    ending = next((ending for ending in _ORDINAL_ENDINGS if word.endswith(ending)), "")
    if value is None and ending:
        stem = word.removesuffix(ending)
        numbers = _SMALL | _TENS
        value = next((numbers[one] for one in (stem, stem + "e", stem + "y") if one in numbers), None)
    return None if value is None else WrittenNumber(index, index + 1, (value,))
