"""Decides into how many parts a text is split and how many items are requested from each. It uses lengths alone, so that the
gateway can estimate the cost of a job without reading its text."""

import itertools
import math
from collections.abc import Sequence

from shared.domain.llm.provider import Task
from shared.domain.study.material import MAX_ITEMS, Options
from shared.domain.text.chunking import LONGEST_PART

ITEM_TASKS = (Task.CARDS, Task.QUESTIONS)
"""The tasks that make items. Their results are collected item by item; those of the other tasks are merged."""
PART_CHARACTERS = 10_000
"""Target length of a part for the tasks that make items: a model covers five pages closely, and thirty superficially."""
WHOLE_CHARACTERS = 24_000
"""Target length of a part for the other tasks, which need as much context as possible."""
MAX_PARTS = 40
"""The usual number of calls of one task in one job is at most this; a longer text has larger parts."""
MAX_ASKED = 30
"""Limit of drafts requested in one call; beyond it a model repeats itself. Cards and questions of a part share a call while
they stay below it, which sends the source once instead of twice."""
PARALLEL_CALLS = 8
"""Limit of concurrent calls of one job, so that a book does not crowd out the jobs beside it."""
SURPLUS = 1.5
"""Drafts requested for each wanted item, because some fail the checks."""

CHARACTERS_PER_ITEM = {Task.CARDS: 120, Task.QUESTIONS: 200}
"""Characters of text for each item when the user gives no count: about one sentence for a card, two for a question."""
DEFAULT_ITEMS = {Task.CARDS: 20, Task.QUESTIONS: 10}
"""Limit of items when the user gives no count; `LONG_TEXT_CHARACTERS_PER_ITEM` raises it for long texts."""
LONG_TEXT_CHARACTERS_PER_ITEM = {Task.CARDS: 3_500, Task.QUESTIONS: 7_000}
"""The limit is at least one item for this many characters, up to `MAX_DEFAULT_ITEMS`."""
MAX_DEFAULT_ITEMS = {Task.CARDS: 80, Task.QUESTIONS: 40}
MIN_CHARACTERS_PER_ITEM = 60
"""Characters of a short sentence: a text states no more facts than it has room for such sentences."""


def wanted_items(task: Task, options: Options, characters: int) -> int:
    """The count that the user requested, or the default for a text of this length; 0 for a task that makes no items."""
    if task not in ITEM_TASKS:
        return 0
    requested = options.flashcards if task is Task.CARDS else options.questions
    return min(_default_items(task, characters) if requested is None else requested, MAX_ITEMS)


def possible_items(task: Task, options: Options, characters: int) -> int:
    """The wanted items, but no more than the text has facts for."""
    return min(wanted_items(task, options, characters), max(1, characters // MIN_CHARACTERS_PER_ITEM))


def part_size(tasks: Sequence[Task], options: Options, characters: int) -> float:
    """The usual length of a part in characters, for `split_text`. It is the same for texts of any usual length, so that a
    changed text has the same parts."""
    size = PART_CHARACTERS if set(tasks) <= set(ITEM_TASKS) else WHOLE_CHARACTERS
    by_items = max(
        _round_up(possible_items(task, options, characters) * SURPLUS / MAX_ASKED) for task in tasks
    )
    return max(1.0, min(size, characters / max(1, by_items)), characters / MAX_PARTS)


def count_parts(tasks: Sequence[Task], options: Options, characters: int) -> int:
    """The usual number of parts of such a text, which are the same for all tasks of a job."""
    parts = characters / part_size(tasks, options, characters)
    return 1 if parts <= LONGEST_PART else math.ceil(parts)


def share_one_call(tasks: Sequence[Task], options: Options, characters: int) -> bool:
    """Whether cards and questions of a part are asked for together, which depends on the fewest parts that the text may have."""
    wanted = [possible_items(task, options, characters) for task in tasks if task in ITEM_TASKS]
    longest = part_size(tasks, options, characters) * LONGEST_PART
    parts = max(1, math.ceil(characters / longest))
    return all(wanted) and len(wanted) > 1 and sum(wanted) * SURPLUS <= MAX_ASKED * parts


def share(total: int, lengths: Sequence[int]) -> list[int]:
    """Split `total` into whole numbers in proportion to the lengths."""
    whole = sum(lengths)
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    marks = [(2 * total * bound + whole) // (2 * whole) for bound in bounds] if whole else [0] * len(bounds)
    return [end - start for start, end in itertools.pairwise(marks)]


def asked_items(quota: int) -> int:
    """Drafts to request from one part for `quota` items, including the surplus for failed checks."""
    return min(_round_up(quota * SURPLUS), MAX_ASKED)


def max_asked_items(possible: int, parts: int) -> int:
    """An upper bound for the sum of `asked_items` over all parts, however `possible` is shared among them."""
    return _round_up(possible * SURPLUS + min(parts, possible) / 2)


def _default_items(task: Task, characters: int) -> int:
    for_long_text = _round_up(characters / LONG_TEXT_CHARACTERS_PER_ITEM[task])
    most = max(DEFAULT_ITEMS[task], min(for_long_text, MAX_DEFAULT_ITEMS[task]))
    return min(max(1, characters // CHARACTERS_PER_ITEM[task]), most)


def _round_up(value: float) -> int:
    return -int(-value // 1)
