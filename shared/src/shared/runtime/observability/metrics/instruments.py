"""Counters, gauges and histograms: one instrument for each set of label values, written by one thread and read by the scrape.

A write takes 0.2 µs; the client library's takes 1 µs because of its lock. A worker makes seven writes for each job, at up to ten
thousand jobs per second.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar


class Counter:
    """A value that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        self.value += amount

    def set(self, value: float) -> None:
        """Expose a count that is kept elsewhere, such as in Redis."""
        self.value = value


class Gauge:
    """A value that goes up and down, or that a function returns at each scrape."""

    __slots__ = ("_read", "_value")

    def __init__(self) -> None:
        self._value = 0.0
        self._read: Callable[[], float] | None = None

    @property
    def value(self) -> float:
        return self._value if self._read is None else self._read()

    def set(self, value: float) -> None:
        self._value = value

    def add(self, amount: float) -> None:
        self._value += amount

    def read_from(self, source: Callable[[], float]) -> None:
        """Read the value from `source` at each scrape."""
        self._read = source


class Histogram:
    """Counts of observed values by bucket, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Counts by bucket, not cumulative; the last bucket is for values above every bound."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)


class Family(Generic[Instrument]):
    """The instruments of one metric, by label values."""

    def __init__(self, make: Callable[[], Instrument]) -> None:
        self._make = make
        self._instruments: dict[tuple[str, ...], Instrument] = {}

    def of(self, *labels: str) -> Instrument:
        instrument = self._instruments.get(labels)
        if instrument is None:
            instrument = self._instruments[labels] = self._make()
        return instrument

    def expect(self, *choices: Sequence[str]) -> None:
        """Create an instrument for every combination, so that events which never happened are exposed as 0 and not missing."""
        combinations: list[tuple[str, ...]] = [()]
        for names in choices:
            combinations = [(*first, name) for first in combinations for name in names]
        for labels in combinations:
            self.of(*labels)

    def clear(self) -> None:
        """Remove all instruments, because their label values may no longer exist."""
        self._instruments.clear()

    def instruments(self) -> list[tuple[tuple[str, ...], Instrument]]:
        """A copy of the list, because another thread may add instruments meanwhile."""
        return list(self._instruments.items())
