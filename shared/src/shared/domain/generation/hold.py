"""Estimates the tokens of a job, which are held for it and which it is never charged beyond.

The gateway computes it from the plan that the workers follow, and from lengths alone. A prompt is counted as it will be sent;
a completion as a model usually writes it. What a job needs beyond its hold, such as calls that are made twice, nobody is
charged for.
"""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from shared.domain.generation.call_plan import TASKS
from shared.domain.generation.sizing import (
    ITEM_TASKS,
    PARALLEL_CALLS,
    count_parts,
    max_asked_items,
    possible_items,
    share_one_call,
)
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Task
from shared.domain.study.material import Difficulty, Level, Options
from shared.domain.text.chunking import LONGEST_PART
from shared.domain.text.language import Language

OUTPUT_TOKENS = {
    Task.SUMMARY: 400,
    Task.EXPLANATION: 700,
    Task.OUTLINE: 600,
    Task.TEXT: 600,
}
"""Usual completion of the tasks that make no items: the lengths that our instructions ask for, with French and JSON."""
ITEM_OUTPUT_TOKENS = {Task.CARDS: 70, Task.QUESTIONS: 140}
"""Usual size of one item, with the numbers of its sentences, its JSON and the French surplus."""
NUMBERED = 1.25
"""Ratio of the tokens of a source to those of the text, of which short sentences and rows get a number each: 1.12 is usual."""
CALL_TOKENS = 110
"""Tokens that rendering adds to instructions and source: two fences with their digests, roles, the request, a tag of a
language, and what the parts of a text count more than the text in one piece."""
KNOWN_ITEMS_TOKENS = 240
"""Tokens of the questions of other parts that a call repeats."""
SCHEMA_TOKENS: dict[tuple[Task, ...], int] = {
    (Task.CARDS,): 90,
    (Task.QUESTIONS,): 130,
    (Task.CARDS, Task.QUESTIONS): 200,
    (Task.SUMMARY,): 60,
    (Task.EXPLANATION,): 95,
    (Task.OUTLINE,): 100,
    (Task.TEXT,): 35,
}
"""Tokens of the JSON schemas of drafts, which providers count as part of the prompt."""
UNEVEN = LONGEST_PART
"""Ratio of the longest part to the usual one, for jobs that ask for fewer items than the text has parts."""
NOTE_GROWTH = 1.5
"""Ratio of the tokens of a note to those of the JSON from which it is written; bullets make many short points longer."""

Counter = Callable[[str], int]
"""Counts the tokens of a text."""


class Size(Struct, frozen=True):
    """How much text a job has."""

    characters: int
    tokens: int


def hold_for(kind: Kind, job_input: JobInput, count: Counter) -> int:
    """Tokens to hold for the job. `count` is called once with the text, and once per process with each of our instructions."""
    return hold_for_size(kind, job_input.options, Size(len(job_input.text), count(job_input.text)), count)


def hold_for_size(kind: Kind, options: Options, size: Size, count: Counter) -> int:
    if TASKS[kind][0] in ITEM_TASKS:
        return _hold_items(kind, options, size, count)
    return _hold_whole(kind, options, size, count)


def fitting_characters(kind: Kind, options: Options, size: Size, limit: int, count: Counter) -> int:
    """How long a text of the same kind may be so that its hold is at most `limit` tokens; 0 if none is short enough."""
    shortest, longest = 0, size.characters
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        part = Size(middle, -(-size.tokens * middle // size.characters))
        if hold_for_size(kind, options, part, count) <= limit:
            shortest = middle
        else:
            longest = middle - 1
    return shortest


def fitting_beginning(kind: Kind, options: Options, text: str, limit: int, count: Counter) -> int:
    """How long a beginning of the text may be so that its hold is at most `limit` tokens. The beginning is counted itself, because
    it may have more tokens for its length than the whole."""
    size = Size(len(text), count(text))
    while size.characters and hold_for_size(kind, options, size, count) > limit:
        characters = fitting_characters(kind, options, size, limit, count)
        size = Size(characters, count(text[:characters]))
    return size.characters


def _hold_items(kind: Kind, options: Options, size: Size, count: Counter) -> int:
    tasks = TASKS[kind]
    parts = count_parts(tasks, options, size.characters)
    items = {task: possible_items(task, options, size.characters) for task in tasks}
    each = [min(parts, wanted) for wanted in items.values()]
    rounds = [max(each)] if share_one_call(tasks, options, size.characters) else each
    calls = sum(rounds)
    per_call = _instruction_tokens(count, tasks, options.difficulty, options.level) + SCHEMA_TOKENS[tasks]
    sources = sum(int(size.tokens * NUMBERED * min(1.0, UNEVEN * one / parts)) for one in rounds)
    known = KNOWN_ITEMS_TOKENS * max(0, calls - PARALLEL_CALLS)
    output = sum(max_asked_items(items[task], parts) * ITEM_OUTPUT_TOKENS[task] for task in tasks)
    return sources + calls * (per_call + CALL_TOKENS) + known + output


def _hold_whole(kind: Kind, options: Options, size: Size, count: Counter) -> int:
    tasks = TASKS[kind]
    parts, output = count_parts(tasks, options, size.characters), OUTPUT_TOKENS[tasks[0]]
    instructed = _instruction_tokens(count, tasks, options.difficulty, options.level)
    per_call = instructed + SCHEMA_TOKENS[tasks] + CALL_TOKENS + output
    merged = per_call + int(parts * output * NOTE_GROWTH) if parts > 1 else 0
    return size.tokens + parts * per_call + merged


@lru_cache(maxsize=256)
def _instruction_tokens(
    count: Counter, tasks: tuple[Task, ...], difficulty: Difficulty, level: Level | None
) -> int:
    """Tokens of the longest instructions for these tasks, over all languages."""
    return max(
        count(instructions(tasks, language, difficulty=difficulty, level=level)) for language in Language
    )
