"""The order in which the options of a question are shown."""

import random
from collections.abc import Sequence
from decimal import Decimal

from shared.domain.text.quantities import quantities


def order_options(options: Sequence[str], seed: int) -> list[int]:
    """The indices of the options. Numbers of one unit, and years, rise, because a reader who must sort them first is tested for
    something else; all others are shuffled with the seed, so that the position of the right one tells nothing."""
    order = list(range(len(options)))
    sizes = [_size(option) for option in options]
    known = [size for size in sizes if size is not None]
    if len(known) == len(options) and len({unit for _, unit in known}) == 1:
        return sorted(order, key=lambda index: known[index])
    random.Random(seed).shuffle(order)
    return order


def _size(option: str) -> tuple[Decimal, str] | None:
    """The value and the unit of the only quantity in the option."""
    found = quantities(option)
    if len(found) != 1 or not found[0].is_certain or not found[0].values:
        return None
    return min(found[0].values), found[0].unit
