"""Plans the calls of a job and bounds their cost, from the job's input alone.

The gateway holds tokens for exactly the calls that the workers make, because both use this plan.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct

from shared.domain.generation.sizing import (
    MAX_ASKED,
    asked_items,
    count_parts,
    max_asked_items,
    possible_items,
    share,
)
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.prompts import instructions
from shared.domain.llm.provider import Prompt, Task
from shared.domain.study.material import (
    CardDrafts,
    Difficulty,
    ExplanationDraft,
    OutlineDraft,
    QuestionDrafts,
    SummaryDraft,
    TextDraft,
)
from shared.domain.text.chunking import split_text
from shared.domain.text.language import Language
from shared.domain.text.language_detection import detect_language
from shared.domain.text.segmentation import Span, has_usable_sentence

OUTPUT_TOKENS = {
    Task.CARDS: 512,
    Task.QUESTIONS: 512,
    Task.SUMMARY: 1_536,
    Task.EXPLANATION: 2_560,
    Task.OUTLINE: 2_560,
    Task.TEXT: 2_560,
}
"""Base completion budget per call, in tokens, with room for some reasoning."""
OUTPUT_TOKENS_PER_ITEM = {Task.CARDS: 200, Task.QUESTIONS: 320}
"""Additional completion tokens per requested item; the worst case is French with a long quote."""

RENDERING_TOKENS = 160
"""Tokens that `prompt_rendering` and the API add to instructions and source (fence, roles, separators), and by which the parts
of a text count more than the text in one piece."""
SCHEMA_TOKENS = 480
"""Tokens of the largest JSON schema of a draft, which providers count as part of the prompt."""
REASK_TOKENS = 320
"""Tokens that a re-ask adds: the request to try again and the validation error."""
NOTE_GROWTH = 1.5
"""Ratio of the tokens of a note to those of the JSON from which it is written; bullets make many short points longer."""

TASKS: dict[Kind, tuple[Task, ...]] = {
    Kind.FLASHCARDS: (Task.CARDS,),
    Kind.QUIZ: (Task.QUESTIONS,),
    Kind.SUMMARY: (Task.SUMMARY,),
    Kind.EXPLANATION: (Task.EXPLANATION,),
    Kind.OUTLINE: (Task.OUTLINE,),
    Kind.TEXT: (Task.TEXT,),
    Kind.COLLECTION: (Task.CARDS, Task.QUESTIONS),
}
SCHEMAS: dict[Task, type[Struct]] = {
    Task.CARDS: CardDrafts,
    Task.QUESTIONS: QuestionDrafts,
    Task.SUMMARY: SummaryDraft,
    Task.EXPLANATION: ExplanationDraft,
    Task.OUTLINE: OutlineDraft,
    Task.TEXT: TextDraft,
}
ITEM_TASKS = frozenset(OUTPUT_TOKENS_PER_ITEM)
"""The tasks whose results are collected item by item. The partial results of the other tasks are merged."""


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One paid call of a job."""

    name: str
    """Unique within the job and the same in every attempt, such as `cards/0`."""
    prompt: Prompt
    schema: type[Struct]
    span: Span
    """The part of the text that is the source of the call."""
    is_merge: bool = False
    """Whether the source is our own notes on the parts."""
    quota: int = 0
    """How many of its items the result takes. The prompt requests some more."""


def plan_steps(kind: Kind, job_input: JobInput) -> list[PlannedStep]:
    """The calls of this job. Parts without a usable sentence get no call, so an empty plan means that the text has no usable
    sentence. When several parts are summarised, a call planned by `plan_merge` follows."""
    text, options = job_input.text, job_input.options
    parts = count_parts(TASKS[kind], options, len(text))
    spans = [span for span in split_text(text, parts) if has_usable_sentence(span.of(text))]
    lengths = [span.end - span.start for span in spans]
    language = language_of(job_input)
    return [
        _plan_step(task, index, span, quota, job_input, language)
        for task in TASKS[kind]
        for index, (span, quota) in enumerate(
            zip(spans, share(possible_items(task, options, len(text)), lengths), strict=True)
        )
        if quota or task not in ITEM_TASKS
    ]


def plan_merge(kind: Kind, job_input: JobInput, notes: Sequence[str], *, level: int = 0) -> PlannedStep:
    """The call that merges the notes on the parts into one result. `level` counts the merges before it, of notes that did not
    fit into one call."""
    (task,) = TASKS[kind]
    language = language_of(job_input)
    return PlannedStep(
        name=f"{task}/merge{level or ''}",
        prompt=_prompt(task, "\n\n".join(notes), job_input, language, is_merge=True),
        schema=SCHEMAS[task],
        span=Span(0, len(job_input.text)),
        is_merge=True,
    )


def language_of(job_input: JobInput) -> str:
    """The tag of the material's language: the one requested, or else the language of the text."""
    return job_input.options.language or detect_language(job_input.text)


def hold_for(kind: Kind, job_input: JobInput, count: Callable[[str], int]) -> int:
    """The most tokens that the job can use: every planned call with one re-ask, each with a completion of full length.

    `count` counts the tokens of a text. It is called once with the text, and once per process with each of our instructions.
    """
    options, characters = job_input.options, len(job_input.text)
    parts = count_parts(TASKS[kind], options, characters)
    source = count(job_input.text)
    return sum(
        _hold_items(task, possible_items(task, options, characters), parts, source, options.difficulty, count)
        if task in ITEM_TASKS
        else _hold_whole(task, parts, source, count)
        for task in TASKS[kind]
    )


def _hold_items(
    task: Task, items: int, parts: int, source: int, difficulty: Difficulty, count: Callable[[str], int]
) -> int:
    calls = min(parts, items)
    asked = max_asked_items(items, parts)
    output = calls * OUTPUT_TOKENS[task] + asked * OUTPUT_TOKENS_PER_ITEM[task]
    return _hold_calls(calls, source if calls else 0, output, _instruction_tokens(count, task, difficulty))


def _hold_whole(task: Task, parts: int, source: int, count: Callable[[str], int]) -> int:
    instructed = _instruction_tokens(count, task, Difficulty.MEDIUM)
    output = OUTPUT_TOKENS[task]
    drafted = _hold_calls(parts, source, parts * output, instructed)
    notes = int(parts * output * NOTE_GROWTH)
    merged = _hold_calls(1, notes, output, instructed) if parts > 1 else 0
    return drafted + merged


def _hold_calls(calls: int, source: int, output: int, instructed: int) -> int:
    """`source` and `output` are the sums over all calls. A re-ask also sends the first completion."""
    asked = source + calls * (instructed + RENDERING_TOKENS + SCHEMA_TOKENS)
    reasked = asked + output + calls * REASK_TOKENS
    return asked + reasked + 2 * output


@lru_cache(maxsize=64)
def _instruction_tokens(count: Callable[[str], int], task: Task, difficulty: Difficulty) -> int:
    """Tokens of the longest instructions for the task, over all languages."""
    return max(
        count(instructions(task, language, count=MAX_ASKED, difficulty=difficulty, is_merge=True))
        for language in Language
    )


def _plan_step(
    task: Task, index: int, span: Span, quota: int, job_input: JobInput, language: str
) -> PlannedStep:
    return PlannedStep(
        name=f"{task}/{index}",
        prompt=_prompt(task, span.of(job_input.text), job_input, language, asked=asked_items(quota)),
        schema=SCHEMAS[task],
        span=span,
        quota=quota,
    )


def _prompt(
    task: Task,
    source: str,
    job_input: JobInput,
    language: str,
    *,
    asked: int = 0,
    is_merge: bool = False,
) -> Prompt:
    difficulty = job_input.options.difficulty
    return Prompt(
        task=task,
        instructions=instructions(task, language, count=asked, difficulty=difficulty, is_merge=is_merge),
        source=source,
        language=language,
        count=asked,
        difficulty=difficulty,
        max_output_tokens=OUTPUT_TOKENS[task] + asked * OUTPUT_TOKENS_PER_ITEM.get(task, 0),
        cache_key=hashlib.sha256(source.encode(errors="replace")).hexdigest()[:32],
    )
