"""The order in which the options of a question are shown."""

import random
from collections.abc import Sequence
from decimal import Decimal

from shared.domain.text.quantities import Quantity, quantities
from shared.domain.text.words import words

FIRST_YEAR = 100
"""Numbers from here on may be the year of a date with its day and month."""


def order_options(options: Sequence[str], seed: int) -> list[int]:
    """The indices of the options. Numbers of one unit and dates rise, because a reader who must sort them first is tested for
    something else; all others are shuffled with the seed, so that the position of the right one tells nothing."""
    order = list(range(len(options)))
    if sizes := sizes_of(options):
        return sorted(order, key=lambda index: sizes[index])
    random.Random(seed).shuffle(order)
    return order


def sizes_of(options: Sequence[str]) -> list[tuple[Decimal, ...]]:
    """What numbers or dates are compared by; empty unless all options are numbers of one unit, or all are dates, and differ in
    nothing else."""
    found = [quantities(option) for option in options]
    counts = {len(each) for each in found}
    others = {frozenset(words(option)) - _told(each) for option, each in zip(options, found, strict=True)}
    if (
        len(counts) != 1
        or counts == {0}
        or len(others) != 1
        or not all(one.values for each in found for one in each)
    ):
        return []
    if counts == {1}:
        is_plain = all(each[0].is_certain for each in found) and len({each[0].unit for each in found}) == 1
        return [(min(each[0].values),) for each in found] if is_plain else []
    return [_date(each) for each in found] if counts == {3} and all(map(_is_date, found)) else []


def _is_date(found: Sequence[Quantity]) -> bool:
    """A day, a year, and the month, which is read last."""
    _, year, month = found
    return not month.is_certain and min(year.values) >= FIRST_YEAR


def _date(found: Sequence[Quantity]) -> tuple[Decimal, ...]:
    day, year, month = (min(one.values) for one in found)
    return year, month, day


def _told(found: Sequence[Quantity]) -> frozenset[str]:
    return frozenset(word for one in found for part in one.words for word in words(part))
