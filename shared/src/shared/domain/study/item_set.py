"""Gathers the checked items of many parts into one balanced set, and keeps the books on what was dropped."""

from collections import Counter
from collections.abc import Sequence
from typing import Generic

from shared.domain.study.selection import choose_balanced, dedupe
from shared.domain.study.validation import Checked, ItemT
from shared.domain.text.segmentation import Span


class ItemSet(Generic[ItemT]):
    """The cards, or the questions, of one result. What is chosen once stays chosen, so a listener may be told at once.

    The books balance: `drafted` is what is chosen, plus everything in `dropped`, once `fill` was called.
    """

    def __init__(self, wanted: int, sections: Sequence[Span]) -> None:
        self.wanted = wanted
        self.drafted = 0
        self.dropped: Counter[str] = Counter()
        self._sections = sections
        self._chosen: list[ItemT] = []
        self._spare: list[ItemT] = []

    @property
    def chosen(self) -> list[ItemT]:
        """In the order of the source."""
        return sorted(self._chosen, key=lambda item: (item.source.start, item.source.end, item.id))

    def add(self, checked: Checked[ItemT], quota: int) -> list[ItemT]:
        """Take one part's items; returns those chosen now, at most `quota`. The others are spare."""
        known = [*self._chosen, *self._spare]
        fresh = dedupe([*known, *checked.items])[len(known) :]
        self.drafted += len(checked.items) + sum(checked.dropped.values())
        self.dropped.update(checked.dropped)
        self._drop("duplicate", len(checked.items) - len(fresh))
        return self._choose(fresh, quota)

    def fill(self) -> list[ItemT]:
        """Make up for parts that gave too little with what others have to spare; returns the items chosen now."""
        spare, self._spare = self._spare, []
        chosen = self._choose(spare, self.wanted)
        self._drop("surplus", len(self._spare))
        return chosen

    def _choose(self, items: Sequence[ItemT], quota: int) -> list[ItemT]:
        chosen = choose_balanced(items, min(quota, self.wanted - len(self._chosen)), self._sections)
        ids = {item.id for item in chosen}
        self._chosen.extend(chosen)
        self._spare.extend(item for item in items if item.id not in ids)
        return chosen

    def _drop(self, reason: str, count: int) -> None:
        if count:
            self.dropped[reason] += count
