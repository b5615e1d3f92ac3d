"""Collects the checked items of many parts into one balanced set, and counts what was dropped."""

from collections import Counter
from collections.abc import Sequence
from typing import Generic

from shared.domain.study.drops import DUPLICATE, SURPLUS, Drop, count_reasons, drop_others
from shared.domain.study.duplicates import FactIndex
from shared.domain.study.selection import choose_balanced
from shared.domain.study.validation import Checked, ItemT
from shared.domain.text.span import Span


class ItemSet(Generic[ItemT]):
    """The cards or the questions of one result. A chosen item stays chosen, so it may be published at once.

    After `fill`, `drafted` equals the number of chosen items plus the counts in `dropped`.
    """

    def __init__(self, wanted: int, sections: Sequence[Span]) -> None:
        self.wanted = wanted
        self.drafted = 0
        self.drops: list[Drop] = []
        self._sections = sections
        self._facts = FactIndex()
        self._chosen: list[ItemT] = []
        self._spare: list[ItemT] = []

    def leave_out(self, known: Sequence[ItemT]) -> None:
        """Drop what these items ask as duplicates."""
        self._facts.add_new(known)

    @property
    def chosen(self) -> list[ItemT]:
        """The chosen items in the order of the source."""
        return sorted(self._chosen, key=lambda item: (item.source.start, item.source.end, item.id))

    @property
    def dropped(self) -> Counter[str]:
        """Dropped drafts by reason code."""
        return count_reasons(self.drops)

    def add(self, checked: Checked[ItemT], quota: int) -> list[ItemT]:
        """Add the items of one part and return those that are chosen now, at most `quota`. The others are spare."""
        fresh = self._facts.add_new(checked.items)
        self.drafted += len(checked.items) + len(checked.drops)
        self.drops += [*checked.drops, *drop_others(DUPLICATE, checked.items, fresh)]
        return self._choose(fresh, quota)

    def fill(self) -> list[ItemT]:
        """Choose spare items in place of those that other parts lack, and return them."""
        spare, self._spare = self._spare, []
        chosen = self._choose(spare, self.wanted)
        self.drops += drop_others(SURPLUS, self._spare, [])
        return chosen

    def _choose(self, items: Sequence[ItemT], quota: int) -> list[ItemT]:
        chosen = choose_balanced(items, min(quota, self.wanted - len(self._chosen)), self._sections)
        ids = {item.id for item in chosen}
        self._chosen.extend(chosen)
        self._spare.extend(item for item in items if item.id not in ids)
        return chosen
