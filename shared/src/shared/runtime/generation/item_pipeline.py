"""Cards and questions from drafts: asked for in parts, checked as they come, told, gathered into one set.

What the handlers of both workers have in common.
"""

from collections.abc import Sequence

from msgspec import Struct

from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.offline.provider import GENERATED_BY
from shared.domain.errors import NoUsableText, Problem, ProviderGarbled
from shared.domain.generation.call_plan import TASKS, PlannedStep, language_of, plan_steps
from shared.domain.generation.handler import AttemptContext
from shared.domain.generation.sizing import wanted_items
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.provider import Completion, Task
from shared.domain.study.item_set import ItemSet
from shared.domain.study.material import CardDrafts, Flashcard, Quality, QuestionDrafts, QuizQuestion
from shared.domain.study.selection import coverage
from shared.domain.study.validation import check_cards, check_questions
from shared.domain.text.language import Language
from shared.domain.text.segmentation import Span, sections
from shared.runtime.generation.call_runner import Answers, language_of_answer, make_calls


class Material(Struct, frozen=True, kw_only=True):
    """What a job made, with the report on it."""

    language: Language
    cards: list[Flashcard]
    questions: list[QuizQuestion]
    quality: Quality
    answers: Answers

    @property
    def problem(self) -> Problem:
        """Why there is nothing, when there is nothing."""
        for error in self.answers.failed.values():
            return error.problem
        is_from_model = any(one.generated_by != GENERATED_BY for one in self.answers.completions.values())
        has_drafts = any(self.quality.drafted.values())
        return ProviderGarbled().problem if has_drafts and is_from_model else NoUsableText().problem


async def make_items(kind: Kind, job_input: JobInput, context: AttemptContext) -> Material:
    """Make the items of this kind of job. An item told is always part of the result."""
    steps = await run_in_cpu_pool(plan_steps, kind, job_input)
    found = await run_in_cpu_pool(sections, job_input.text)
    desk = _Desk(kind, job_input, context, found)
    answers = await make_calls(steps, context, desk.receive)
    await desk.finish()
    return await run_in_cpu_pool(desk.report, steps, answers)


class _Desk:
    """Where the drafts of one job arrive."""

    def __init__(
        self, kind: Kind, job_input: JobInput, context: AttemptContext, found: Sequence[Span]
    ) -> None:
        self._input = job_input
        self._context = context
        self._sections = found
        self._cards = ItemSet[Flashcard](self._wanted(kind, Task.CARDS), found)
        self._questions = ItemSet[QuizQuestion](self._wanted(kind, Task.QUESTIONS), found)

    async def receive(self, step: PlannedStep, completion: Completion[Struct]) -> None:
        """Check one part's drafts and tell what is chosen of them."""
        await self._tell(await run_in_cpu_pool(self._choose, step, completion))

    def _choose(
        self, step: PlannedStep, completion: Completion[Struct]
    ) -> Sequence[Flashcard | QuizQuestion]:
        text, difficulty = self._input.text, self._input.options.difficulty
        language = language_of_answer(self._input, completion)
        match completion.value:
            case CardDrafts(cards=cards):
                checked = check_cards(
                    cards, text=text, language=language, difficulty=difficulty, within=step.span
                )
                return self._cards.add(checked, step.quota)
            case QuestionDrafts(questions=questions):
                checked = check_questions(
                    questions, text=text, language=language, difficulty=difficulty, within=step.span
                )
                return self._questions.add(checked, step.quota)
            case _:
                raise TypeError(f"{step.name} makes no items")

    async def finish(self) -> None:
        await self._tell(self._cards.fill())
        await self._tell(self._questions.fill())

    def report(self, steps: Sequence[PlannedStep], answers: Answers) -> Material:
        cards, questions = self._cards.chosen, self._questions.chosen
        sorts = {"flashcards": self._cards, "questions": self._questions}
        made = {name: gathering for name, gathering in sorts.items() if gathering.wanted}
        quality = Quality(
            requested={name: gathering.wanted for name, gathering in made.items()},
            delivered={name: len(gathering.chosen) for name, gathering in made.items()},
            drafted={name: gathering.drafted for name, gathering in made.items()},
            dropped=dict(sorted((self._cards.dropped + self._questions.dropped).items())),
            coverage=coverage([*cards, *questions], self._input.text, self._sections),
            sections_failed=len({step.span for step in steps if step.name in answers.failed}),
        )
        languages = {language_of_answer(self._input, one) for one in answers.completions.values()}
        return Material(
            language=languages.pop() if len(languages) == 1 else language_of(self._input),
            cards=cards,
            questions=questions,
            quality=quality,
            answers=answers,
        )

    def _wanted(self, kind: Kind, task: Task) -> int:
        return wanted_items(task, self._input.options, len(self._input.text)) if task in TASKS[kind] else 0

    async def _tell(self, items: Sequence[Flashcard | QuizQuestion]) -> None:
        for item in items:
            await self._context.item(item)
