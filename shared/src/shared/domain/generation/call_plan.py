"""Plans what a job asks a provider, and what that may cost at most, from the job's input alone.

The gateway holds the tokens of exactly the calls that the workers make: both read the same plan.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct

from shared.domain.generation import sizing as portions
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
from shared.domain.text.segmentation import Span, is_usable, sentences

OUTPUT_TOKENS = {
    Task.CARDS: 512,
    Task.QUESTIONS: 512,
    Task.SUMMARY: 1_536,
    Task.EXPLANATION: 2_560,
    Task.OUTLINE: 2_560,
    Task.TEXT: 2_560,
}
"""Of one answer, with room for a model that thinks a little first, …"""
OUTPUT_TOKENS_PER_ITEM = {Task.CARDS: 200, Task.QUESTIONS: 320}
"""… and for each item asked: in French, with a long quote."""

RENDERING_TOKENS = 160
"""What `prompt_text` and the API add to instructions and source (fence, roles, the words between), and what a text's
parts count more than the text in one piece."""
SCHEMA_TOKENS = 480
"""The largest JSON schema of the drafts, which providers count as part of the prompt."""
REASK_TOKENS = 320
"""The words, and the validation error, with which an answer that does not fit is sent back, once."""
NOTE_GROWTH = 1.5
"""Tokens of a note against those of the JSON it is written from: many short points grow by their bullets."""

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
"""The tasks whose answers are collected item by item; those of the others are merged into one whole."""


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One paid call of a job."""

    name: str
    """`cards/0`: unique in the job, and the same in every attempt."""
    prompt: Prompt
    schema: type[Struct]
    span: Span
    """The part of the text it is about."""
    quota: int = 0
    """How many of its items the result has room for; the prompt asks for some more."""


def plan_steps(kind: Kind, job_input: JobInput) -> list[PlannedStep]:
    """The calls this job makes. Parts without a usable sentence are not asked about, so an empty plan means that there
    is nothing to make anything from. Several parts of one whole need a `plan_merge` after these."""
    text, options = job_input.text, job_input.options
    parts = portions.count_parts(TASKS[kind], options, len(text))
    spans = [span for span in split_text(text, parts) if _has_usable_sentence(span.of(text))]
    lengths = [span.end - span.start for span in spans]
    language = language_of(job_input)
    return [
        _plan_step(task, index, span, quota, job_input, language)
        for task in TASKS[kind]
        for index, (span, quota) in enumerate(
            zip(
                spans, portions.share(portions.possible_items(task, options, len(text)), lengths), strict=True
            )
        )
        if quota or task not in ITEM_TASKS
    ]


def plan_merge(kind: Kind, job_input: JobInput, notes: Sequence[str]) -> PlannedStep:
    """The call that makes one whole of the notes on each part."""
    (task,) = TASKS[kind]
    language = language_of(job_input)
    return PlannedStep(
        name=f"{task}/merge",
        prompt=_prompt(task, "\n\n".join(notes), job_input, language, is_merge=True),
        schema=SCHEMAS[task],
        span=Span(0, len(job_input.text)),
    )


def language_of(job_input: JobInput) -> Language:
    """Of the material: the one asked for, else the text's own."""
    return job_input.options.language or detect_language(job_input.text)


def hold_for(kind: Kind, job_input: JobInput, count: Callable[[str], int]) -> int:
    """Tokens the job may use at most: every planned call, each answered twice at full length (one re-ask).

    `count` counts a text's tokens; it reads the text once, and our instructions once per process.
    """
    options, characters = job_input.options, len(job_input.text)
    parts = portions.count_parts(TASKS[kind], options, characters)
    source = count(job_input.text)
    return sum(
        _hold_items(
            task, portions.possible_items(task, options, characters), parts, source, options.difficulty, count
        )
        if task in ITEM_TASKS
        else _hold_whole(task, parts, source, count)
        for task in TASKS[kind]
    )


def _hold_items(
    task: Task, items: int, parts: int, source: int, difficulty: Difficulty, count: Callable[[str], int]
) -> int:
    calls = min(parts, items)
    asked = portions.max_asked_items(items, parts)
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
    """`source` and `output` are the sums over all calls. The re-ask is sent the first answer too."""
    asked = source + calls * (instructed + RENDERING_TOKENS + SCHEMA_TOKENS)
    reasked = asked + output + calls * REASK_TOKENS
    return asked + reasked + 2 * output


@lru_cache(maxsize=64)
def _instruction_tokens(count: Callable[[str], int], task: Task, difficulty: Difficulty) -> int:
    """Of the longest wording there is."""
    return max(
        count(instructions(task, language, count=portions.MAX_ASKED, difficulty=difficulty, is_merge=True))
        for language in Language
    )


def _plan_step(
    task: Task, index: int, span: Span, quota: int, job_input: JobInput, language: Language
) -> PlannedStep:
    return PlannedStep(
        name=f"{task}/{index}",
        prompt=_prompt(task, span.of(job_input.text), job_input, language, asked=portions.asked_items(quota)),
        schema=SCHEMAS[task],
        span=span,
        quota=quota,
    )


def _prompt(
    task: Task,
    source: str,
    job_input: JobInput,
    language: Language,
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


def _has_usable_sentence(text: str) -> bool:
    return any(is_usable(span.of(text)) for span in sentences(text))
