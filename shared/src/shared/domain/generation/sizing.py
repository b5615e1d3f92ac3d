"""How many parts a text is cut into, and how many items are wanted from each: arithmetic on lengths alone, so that the
gateway can price a job without reading its text."""

import itertools
from collections.abc import Sequence

from shared.domain.llm.provider import Task
from shared.domain.study.material import MAX_ITEMS, Options

PART_CHARACTERS = {Task.CARDS: 7_000, Task.QUESTIONS: 7_000}
"""Of one part, for the tasks that make items: a model drafts closely from three pages, and skims thirty."""
WHOLE_CHARACTERS = 24_000
"""Of one part, for the others: they want to see as much as they can."""
MAX_PARTS = 40
"""Paid calls of one task in one job: a longer text has larger parts."""
MAX_ASKED = 30
"""Drafts asked for in one call: beyond that a model repeats itself."""
SURPLUS = 1.5
"""Drafts asked for each item wanted: some fail the checks."""

CHARACTERS_PER_ITEM = {Task.CARDS: 120, Task.QUESTIONS: 200}
"""When no count is given: a card for every sentence, a question for every two, …"""
DEFAULT_ITEMS = {Task.CARDS: 20, Task.QUESTIONS: 10}
"""… up to this many, or, of a long text, …"""
DEFAULT_ITEMS_PER_PART = {Task.CARDS: 2, Task.QUESTIONS: 1}
"""… this many for each of its parts."""
MIN_CHARACTERS_PER_ITEM = 60
"""A text states no more facts than it has room for short sentences."""


def wanted_items(task: Task, options: Options, characters: int) -> int:
    """The count wished for, or the default for a text of this length; 0 for a task that makes no items."""
    if task not in PART_CHARACTERS:
        return 0
    wish = options.flashcards if task is Task.CARDS else options.questions
    return min(_default_items(task, characters) if wish is None else wish, MAX_ITEMS)


def possible_items(task: Task, options: Options, characters: int) -> int:
    """As many of the wanted items as the text can hold."""
    return min(wanted_items(task, options, characters), max(1, characters // MIN_CHARACTERS_PER_ITEM))


def count_parts(tasks: Sequence[Task], options: Options, characters: int) -> int:
    """One cut serves all tasks of a job."""
    size = min(PART_CHARACTERS.get(task, WHOLE_CHARACTERS) for task in tasks)
    by_items = (_round_up(possible_items(task, options, characters) * SURPLUS / MAX_ASKED) for task in tasks)
    return max(1, min(max(_round_up(characters / size), *by_items), MAX_PARTS))


def share(total: int, lengths: Sequence[int]) -> list[int]:
    """Whole numbers that add up to `total`, in proportion to the lengths."""
    whole = sum(lengths)
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    marks = [(2 * total * bound + whole) // (2 * whole) for bound in bounds] if whole else [0] * len(bounds)
    return [end - start for start, end in itertools.pairwise(marks)]


def asked_items(quota: int) -> int:
    """Of one part, with the surplus that the checks will use up."""
    return min(_round_up(quota * SURPLUS), MAX_ASKED)


def max_asked_items(possible: int, parts: int) -> int:
    """Of all parts together: a bound on the sum of `asked_items` over any way to share `possible` among them."""
    return _round_up(possible * SURPLUS + min(parts, possible) / 2)


def _default_items(task: Task, characters: int) -> int:
    parts = _round_up(characters / PART_CHARACTERS[task])
    most = max(DEFAULT_ITEMS[task], DEFAULT_ITEMS_PER_PART[task] * min(parts, MAX_PARTS))
    return min(max(1, characters // CHARACTERS_PER_ITEM[task]), most)


def _round_up(value: float) -> int:
    return -int(-value // 1)
