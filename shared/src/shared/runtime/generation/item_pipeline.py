"""Makes cards and questions: drafts each part of the text, checks the drafts, and selects and publishes items.

The handlers of both workers use it.
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.offline.provider import GENERATED_BY
from shared.domain.errors import NothingNew, NoUsableText, Problem
from shared.domain.generation.call_plan import TASKS, PlannedStep, language_of, plan_steps
from shared.domain.generation.handler import AttemptContext
from shared.domain.generation.sizing import wanted_items
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import CollectionInput, ItemsInput, JobInput
from shared.domain.llm.provider import Completion, Task
from shared.domain.provider_errors import ProviderGarbled
from shared.domain.study.coverage_map import Asked, Drafting, map_coverage
from shared.domain.study.drops import DUPLICATE
from shared.domain.study.item_set import ItemSet
from shared.domain.study.material import (
    CardDrafts,
    CollectionItems,
    Flashcard,
    ItemDrafts,
    MapEntry,
    Quality,
    QuestionDrafts,
    QuizQuestion,
)
from shared.domain.study.selection import coverage
from shared.domain.study.validation import CHECKS_OFF, check_cards, check_questions, moved
from shared.domain.text.language import rules_language
from shared.domain.text.segmentation import sections
from shared.domain.text.span import Span
from shared.runtime.generation.call_runner import CallResults, completion_language, run_calls


class Material(Struct, frozen=True, kw_only=True):
    """The items of a job, with the report on their quality."""

    language: str
    cards: list[Flashcard]
    questions: list[QuizQuestion]
    quality: Quality
    calls: CallResults
    has_known_items: bool
    """Whether there were items of other collections to compare with."""

    @property
    def problem(self) -> Problem:
        """Why a job without items has none."""
        for error in self.calls.failed.values():
            return error.problem
        if self.has_known_items and DUPLICATE in self.quality.dropped:
            return NothingNew().problem
        is_from_model = any(one.generated_by != GENERATED_BY for one in self.calls.completions.values())
        has_drafts = any(self.quality.drafted.values())
        return ProviderGarbled().problem if has_drafts and is_from_model else NoUsableText().problem


async def make_items(kind: Kind, job_input: JobInput, context: AttemptContext) -> Material:
    """Make the items of this kind of job. A published item is always part of the result."""
    steps = await run_in_cpu_pool(plan_steps, kind, job_input)
    text_sections = await run_in_cpu_pool(sections, job_input.text)
    pipeline = _ItemPipeline(kind, job_input, context, text_sections)
    for collection in job_input.options.known:
        await run_in_cpu_pool(pipeline.leave_out, await context.find_items(collection))
    calls = await run_calls(steps, context, pipeline.add, known_items=pipeline.known)
    await pipeline.finish()
    return await run_in_cpu_pool(pipeline.to_material, steps, calls)


class _ItemPipeline:
    """The way of one job's drafts to its items."""

    def __init__(
        self, kind: Kind, job_input: JobInput, context: AttemptContext, text_sections: Sequence[Span]
    ) -> None:
        self._input = job_input
        self._context = context
        self._sections = text_sections
        self._places = job_input.places if isinstance(job_input, CollectionInput) else None
        self._start = job_input.start if isinstance(job_input, ItemsInput) else 0
        self._known_fronts: list[str] = []
        self._cards = ItemSet[Flashcard](self._wanted(kind, Task.CARDS), text_sections)
        self._questions = ItemSet[QuizQuestion](self._wanted(kind, Task.QUESTIONS), text_sections)
        if isinstance(job_input, ItemsInput):
            self._leave_out_own(job_input)

    def _leave_out_own(self, job_input: ItemsInput) -> None:
        """Ask nothing that the collection itself asks. Its places are turned into those of the part that is the text here."""
        cards, questions = job_input.known_cards, job_input.known_questions
        self._cards.leave_out([moved(card, -self._start) for card in cards])
        self._questions.leave_out([moved(question, -self._start) for question in questions])
        self._known_fronts = [card.front for card in cards] + [one.question for one in questions]

    def leave_out(self, items: CollectionItems) -> None:
        """Ask nothing that these items ask."""
        self._cards.leave_out(items.flashcards)
        self._questions.leave_out(items.quiz)

    def known(self) -> list[str]:
        """The questions that the text has already, for the prompts of its other parts."""
        chosen = [card.front for card in self._cards.chosen]
        return [*self._known_fronts, *chosen, *(one.question for one in self._questions.chosen)]

    async def add(self, step: PlannedStep, completion: Completion[Struct]) -> None:
        """Check the drafts of one part, and publish the items that are chosen."""
        await self._publish(await run_in_cpu_pool(self._choose, step, completion))

    def _choose(
        self, step: PlannedStep, completion: Completion[Struct]
    ) -> Sequence[Flashcard | QuizQuestion]:
        text, difficulty = self._input.text, self._input.options.difficulty
        language = completion_language(self._input, completion)
        drafts = _to_item_drafts(completion.value)
        cards = check_cards(
            drafts.cards,
            text=text,
            language=language,
            difficulty=difficulty,
            within=step.span,
            places=self._places,
        )
        questions = check_questions(
            drafts.questions,
            text=text,
            language=language,
            difficulty=difficulty,
            within=step.span,
            places=self._places,
        )
        return [
            *self._cards.add(cards, step.quota.cards),
            *self._questions.add(questions, step.quota.questions),
        ]

    async def finish(self) -> None:
        """Fill up the items with spare ones, once all parts are there."""
        await self._publish(self._cards.fill())
        await self._publish(self._questions.fill())

    def to_material(self, steps: Sequence[PlannedStep], calls: CallResults) -> Material:
        cards, questions = self._cards.chosen, self._questions.chosen
        sets = {"flashcards": self._cards, "questions": self._questions}
        wanted = {name: items for name, items in sets.items() if items.wanted}
        languages = {completion_language(self._input, one) for one in calls.completions.values()}
        language = languages.pop() if len(languages) == 1 else language_of(self._input)
        unread = self._input.unread_pages if isinstance(self._input, CollectionInput) else []
        quality = Quality(
            requested={name: items.wanted for name, items in wanted.items()},
            delivered={name: len(items.chosen) for name, items in wanted.items()},
            drafted={name: items.drafted for name, items in wanted.items()},
            dropped=dict(sorted((self._cards.dropped + self._questions.dropped).items())),
            coverage=coverage([*cards, *questions], self._input.text, self._sections),
            sections_failed=len(calls.failed_spans),
            checks_off=UNSET if rules_language(language) else list(CHECKS_OFF),
            unread_pages=unread or UNSET,
            map=self._map(steps, calls),
        )
        return Material(
            language=language,
            cards=[moved(card, self._start) for card in cards],
            questions=[moved(question, self._start) for question in questions],
            quality=quality,
            calls=calls,
            has_known_items=bool(self._input.options.known) or isinstance(self._input, ItemsInput),
        )

    def _map(self, steps: Sequence[PlannedStep], calls: CallResults) -> list[MapEntry]:
        drafting = Drafting(
            asked=[
                Asked(step.span, step.prompt.counts.total, step.span in calls.failed_spans) for step in steps
            ],
            items=[*self._cards.chosen, *self._questions.chosen],
            drops=[*self._cards.drops, *self._questions.drops],
        )
        entries = map_coverage(self._input.text, self._sections, self._places, drafting)
        by = self._start
        return [replace(entry, start=entry.start + by, end=entry.end + by) for entry in entries]

    def _wanted(self, kind: Kind, task: Task) -> int:
        return wanted_items(task, self._input.options, len(self._input.text)) if task in TASKS[kind] else 0

    async def _publish(self, items: Sequence[Flashcard | QuizQuestion]) -> None:
        for item in items:
            await self._context.item(moved(item, self._start))


def _to_item_drafts(value: Struct) -> ItemDrafts:
    match value:
        case ItemDrafts():
            return value
        case CardDrafts(cards=cards):
            return ItemDrafts(cards, [])
        case QuestionDrafts(questions=questions):
            return ItemDrafts([], questions)
        case _:
            raise TypeError(f"{type(value).__name__} holds no items")
