"""Reads the numbers of a draft's sentences under other names or in other forms: one number, a text such as `§7, §8`, or in the quote."""

import re
from collections.abc import Mapping
from typing import cast

Fields = Mapping[str, object]

NAMES = ("numbers", "number", "sentences", "sentence", "source")
_DIGITS = re.compile(r"\d{1,6}")
_NUMBER = re.compile(r"\W*\d{1,6}\W*")


def mend_numbers(draft: Fields) -> dict[str, object]:
    """The draft with its numbers as a list of numbers, as far as they can be read."""
    found = next((numbers for name in NAMES if (numbers := _numbers_in(draft.get(name)))), list[int]())
    quote = draft.get("quote")
    if not found and _NUMBER.fullmatch(str(quote)):
        found, quote = _numbers_in(quote), None
    return {**draft, "numbers": found, "quote": quote} if found else {**draft}


def _numbers_in(value: object) -> list[int]:
    values = cast(list[object], value) if isinstance(value, list) else [value]
    texts = (str(one) for one in values if isinstance(one, str | int | float))
    found = (match for text in texts for match in _DIGITS.finditer(text.removesuffix(".0")))
    return [int(number[0]) for number in found]
