"""Plans the calls of a job, from its input alone. `hold` tells what they will cost."""

import hashlib
from collections.abc import Iterator, Sequence

from msgspec import Struct

from shared.domain.generation.sizing import (
    ITEM_TASKS,
    asked_items,
    part_size,
    possible_items,
    share,
    share_one_call,
)
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.prompts import instructions, request
from shared.domain.llm.provider import Prompt, Task
from shared.domain.study.material import (
    NO_ITEMS,
    CardDrafts,
    ExplanationDraft,
    ItemCounts,
    ItemDrafts,
    OutlineDraft,
    QuestionDrafts,
    SummaryDraft,
    TextDraft,
)
from shared.domain.text.chunking import split_text
from shared.domain.text.language_detection import detect_language
from shared.domain.text.numbering import NumberedText
from shared.domain.text.segments import has_usable_segment
from shared.domain.text.span import Span

MAX_OUTPUT_TOKENS = {
    Task.CARDS: 512,
    Task.QUESTIONS: 512,
    Task.ITEMS: 512,
    Task.SUMMARY: 1_536,
    Task.EXPLANATION: 2_560,
    Task.OUTLINE: 2_560,
    Task.TEXT: 2_560,
}
"""Limit of a completion in tokens, without its items, with room for some reasoning. A completion seldom reaches it."""
MAX_CARD_TOKENS, MAX_QUESTION_TOKENS = 200, 320
"""What each requested item adds to the limit; the worst case is French with a long quote."""

TASKS: dict[Kind, tuple[Task, ...]] = {
    Kind.FLASHCARDS: (Task.CARDS,),
    Kind.QUIZ: (Task.QUESTIONS,),
    Kind.SUMMARY: (Task.SUMMARY,),
    Kind.EXPLANATION: (Task.EXPLANATION,),
    Kind.OUTLINE: (Task.OUTLINE,),
    Kind.TEXT: (Task.TEXT,),
    Kind.COLLECTION: (Task.CARDS, Task.QUESTIONS),
    Kind.ITEMS: (Task.CARDS, Task.QUESTIONS),
}
SCHEMAS: dict[tuple[Task, ...], type[Struct]] = {
    (Task.CARDS,): CardDrafts,
    (Task.QUESTIONS,): QuestionDrafts,
    (Task.CARDS, Task.QUESTIONS): ItemDrafts,
    (Task.SUMMARY,): SummaryDraft,
    (Task.EXPLANATION,): ExplanationDraft,
    (Task.OUTLINE,): OutlineDraft,
    (Task.TEXT,): TextDraft,
}
"""The shape of the completions of a job, by its tasks. All calls on one part have the same, because a provider reads it first."""


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One paid call of a job."""

    name: str
    """Unique within the job and the same in every attempt, such as `cards/0`."""
    tasks: tuple[Task, ...]
    """The tasks of the job, which all its calls explain and of which this one asks for one or all."""
    prompt: Prompt
    span: Span
    """The part of the text that is the source of the call."""
    is_merge: bool = False
    """Whether the source is our own notes on the parts."""
    quota: ItemCounts = NO_ITEMS
    """How many of its items the result takes. The prompt requests some more."""
    may_be_reused: bool = True
    """False if the user wants it to be bought anew."""

    @property
    def schema(self) -> type[Struct]:
        return SCHEMAS[self.tasks]


def plan_steps(kind: Kind, job_input: JobInput) -> list[PlannedStep]:
    """The calls of this job. Parts without a usable sentence get no call, so an empty plan means that the text has no usable
    sentence. When several parts are summarised, a call planned by `plan_merge` follows."""
    text, options, tasks = job_input.text, job_input.options, TASKS[kind]
    size = part_size(tasks, options, len(text))
    spans = [span for span in split_text(text, size) if has_usable_segment(span.of(text))]
    language = language_of(job_input)
    if tasks[0] not in ITEM_TASKS:
        return [_plan_whole(kind, index, span, job_input, language) for index, span in enumerate(spans)]
    is_joint = share_one_call(tasks, options, len(text))
    return [
        _plan_items(kind, task, index, span, quota, job_input, language)
        for index, (span, counts) in enumerate(zip(spans, _quotas(tasks, spans, job_input), strict=True))
        for task, quota in _calls(counts, is_joint=is_joint)
    ]


def plan_merge(kind: Kind, job_input: JobInput, notes: Sequence[str], *, level: int = 0) -> PlannedStep:
    """The call that merges the notes on the parts into one result. `level` counts the merges before it, of notes that did not
    fit into one call."""
    (task,) = TASKS[kind]
    language = language_of(job_input)
    return PlannedStep(
        tasks=TASKS[kind],
        name=f"{task}/merge{level or ''}",
        prompt=_prompt(kind, task, "\n\n".join(notes), job_input, language, is_merge=True),
        span=Span(0, len(job_input.text)),
        is_merge=True,
        may_be_reused=job_input.options.may_reuse,
    )


def language_of(job_input: JobInput) -> str:
    """The tag of the material's language: the one requested, or else the language of the text."""
    return job_input.options.language or detect_language(job_input.text)


def max_output_tokens(task: Task, counts: ItemCounts = NO_ITEMS) -> int:
    return MAX_OUTPUT_TOKENS[task] + counts.cards * MAX_CARD_TOKENS + counts.questions * MAX_QUESTION_TOKENS


def _quotas(tasks: Sequence[Task], spans: Sequence[Span], job_input: JobInput) -> list[ItemCounts]:
    """The items that each part contributes, in proportion to its length."""
    lengths, characters = [span.end - span.start for span in spans], len(job_input.text)
    cards, questions = (
        share(possible_items(task, job_input.options, characters) if task in tasks else 0, lengths)
        for task in ITEM_TASKS
    )
    return [ItemCounts(*counts) for counts in zip(cards, questions, strict=True)]


def _calls(counts: ItemCounts, *, is_joint: bool) -> Iterator[tuple[Task, ItemCounts]]:
    """The calls on one part: together, or one for each kind of item."""
    if is_joint and counts.cards and counts.questions:
        yield Task.ITEMS, counts
        return
    if counts.cards:
        yield Task.CARDS, ItemCounts(cards=counts.cards)
    if counts.questions:
        yield Task.QUESTIONS, ItemCounts(questions=counts.questions)


def _plan_items(
    kind: Kind,
    task: Task,
    index: int,
    span: Span,
    quota: ItemCounts,
    job_input: JobInput,
    language: str,
) -> PlannedStep:
    asked = ItemCounts(asked_items(quota.cards), asked_items(quota.questions))
    return PlannedStep(
        tasks=TASKS[kind],
        name=f"{task}/{index}",
        prompt=_prompt(kind, task, span.of(job_input.text), job_input, language, asked=asked),
        span=span,
        quota=quota,
        may_be_reused=job_input.options.may_reuse,
    )


def _plan_whole(kind: Kind, index: int, span: Span, job_input: JobInput, language: str) -> PlannedStep:
    (task,) = TASKS[kind]
    return PlannedStep(
        tasks=TASKS[kind],
        name=f"{task}/{index}",
        prompt=_prompt(kind, task, span.of(job_input.text), job_input, language),
        span=span,
        may_be_reused=job_input.options.may_reuse,
    )


def _prompt(
    kind: Kind,
    task: Task,
    source: str,
    job_input: JobInput,
    language: str,
    *,
    asked: ItemCounts = NO_ITEMS,
    is_merge: bool = False,
) -> Prompt:
    options, tasks = job_input.options, TASKS[kind]
    return Prompt(
        task=task,
        instructions=instructions(tasks, language, difficulty=options.difficulty, level=options.level),
        source=source,
        numbered_source=NumberedText(source).write() if asked.total else "",
        request=request(tasks, language, asked, is_merge=is_merge),
        language=language,
        counts=asked,
        difficulty=options.difficulty,
        max_output_tokens=max_output_tokens(task, asked),
        cache_key=hashlib.sha256(source.encode(errors="replace")).hexdigest()[:32],
    )
