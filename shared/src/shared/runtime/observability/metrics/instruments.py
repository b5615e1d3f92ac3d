"""Values as they grow: one cell for each set of label values, written by one thread and read by whoever is asked.

A cell costs a fifth of a microsecond where the client library's, with its lock, costs one: a worker writes seven for
each job, ten thousand jobs a second.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar


class Counter:
    """Only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        self.value += amount


class Gauge:
    """Goes up and down; or is asked when somebody looks."""

    __slots__ = ("_ask", "_value")

    def __init__(self) -> None:
        self._value = 0.0
        self._ask: Callable[[], float] | None = None

    @property
    def value(self) -> float:
        return self._value if self._ask is None else self._ask()

    def set(self, value: float) -> None:
        self._value = value

    def add(self, amount: float) -> None:
        self._value += amount

    def ask(self, source: Callable[[], float]) -> None:
        self._ask = source


class Histogram:
    """How many values fell below each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """By bucket, not added up; the last is for what is above every bound."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


Cell = TypeVar("Cell", Counter, Gauge, Histogram)


class Family(Generic[Cell]):
    """The cells of one metric, by their label values."""

    def __init__(self, make: Callable[[], Cell]) -> None:
        self._make = make
        self._cells: dict[tuple[str, ...], Cell] = {}

    def of(self, *labels: str) -> Cell:
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._cells[labels] = self._make()
        return cell

    def expect(self, *choices: Sequence[str]) -> None:
        """Have a cell for every combination from the start: what never happened is 0, and not unknown."""
        combinations: list[tuple[str, ...]] = [()]
        for names in choices:
            combinations = [(*first, name) for first in combinations for name in names]
        for labels in combinations:
            self.of(*labels)

    def clear(self) -> None:
        """Forget cells whose labels may be no more."""
        self._cells.clear()

    def cells(self) -> list[tuple[tuple[str, ...], Cell]]:
        """As they are now: another thread may add to them meanwhile."""
        return list(self._cells.items())
