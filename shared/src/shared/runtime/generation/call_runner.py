"""Runs the calls of a plan, several at once, and collects completions and errors."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from shared.adapters.offline.provider import GENERATED_BY
from shared.domain.decisive_error import most_severe
from shared.domain.errors import StoreUnavailable
from shared.domain.generation.call_plan import PlannedStep, language_of
from shared.domain.generation.content_key import content_of
from shared.domain.generation.handler import AttemptContext
from shared.domain.generation.sizing import PARALLEL_CALLS
from shared.domain.generation.step_splitting import split_step
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.outcome import Done
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.prompts import with_known_items
from shared.domain.llm.provider import Completion, Prompt, safety_id_of
from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
)
from shared.domain.study.material import MadeItems, Result
from shared.domain.text.language_detection import detect_language
from shared.domain.text.span import Span

OnCompletion = Callable[[PlannedStep, Completion[Struct]], Awaitable[None]]


class CallResults(Struct, frozen=True, kw_only=True):
    """Completions and final errors of the calls of a plan, by step name, in the order of the plan."""

    completions: dict[str, Completion[Struct]] = field(default_factory=dict[str, Completion[Struct]])
    failed: dict[str, ProviderError] = field(default_factory=dict[str, ProviderError])
    """Calls that would fail again: the model refused, the text is too long, or two completions did not fit the schema."""
    failed_spans: set[Span] = field(default_factory=set[Span])
    """The parts of the text that these calls were about."""


async def run_calls(
    steps: Sequence[PlannedStep],
    context: AttemptContext,
    on_completion: OnCompletion | None = None,
    *,
    before: int = 0,
    after: int = 0,
    known_items: Callable[[], Sequence[str]] = list,
) -> CallResults:
    """Run every step. `on_completion` gets the completions as they come, but in the order of the plan, so that the same
    completions always make the same result. `before` and `after` are the numbers of the job's other steps, for its progress.
    `known_items` gives the questions made so far, which a later call does not ask again.

    Raises the error of a call that should be retried. Then no new call begins, but those under way are awaited, because they
    are paid for and the next attempt reuses them.
    """
    runner = _CallRunner(steps, context, on_completion, known_items, before, before + len(steps) + after)
    async with asyncio.TaskGroup() as group:
        for step in steps:
            group.create_task(runner.run(step))
    if runner.retryable:
        raise _decisive(runner.retryable)
    if runner.store_error is not None:
        raise runner.store_error
    return CallResults(
        completions={s.name: runner.completions[s.name] for s in runner.plan if s.name in runner.completions},
        failed={s.name: runner.failed[s.name] for s in runner.plan if s.name in runner.failed},
        failed_spans={s.span for s in runner.plan if s.name in runner.failed},
    )


def make_outcome(result: Result | MadeItems, completions: Iterable[Completion[Struct]]) -> Done:
    """The outcome, which names every model that contributed, such as `gpt-x+etude-offline-1`."""
    used = list(completions)
    return Done(
        result=result,
        model="+".join(dict.fromkeys(completion.model for completion in used)),
        generated_by="+".join(dict.fromkeys(completion.generated_by for completion in used)),
        fallback_used=any(completion.fallback_used for completion in used),
    )


def completion_language(job_input: JobInput, completion: Completion[Struct]) -> str:
    """The language tag of a completion: the requested one, except that the offline generator writes in the language of the source."""
    is_offline = completion.generated_by == GENERATED_BY
    return detect_language(job_input.text) if is_offline else language_of(job_input)


def _decisive(errors: Sequence[ProviderError]) -> ProviderError:
    """The most severe error, with the longest wait that any of the errors asks for."""
    error = most_severe(errors)
    error.retry_after = max((one.retry_after for one in errors if one.retry_after), default=None)
    return error


class _CallRunner:
    def __init__(
        self,
        steps: Sequence[PlannedStep],
        context: AttemptContext,
        on_completion: OnCompletion | None,
        known_items: Callable[[], Sequence[str]],
        before: int,
        total: int,
    ) -> None:
        self._context = context
        self._on_completion = on_completion
        self._known_items = known_items
        self._done = before
        self._total = total
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)
        self._operator_error: ProviderError | None = None
        self.plan = list(steps)
        """The steps as they are called, with two in place of one that was too long."""
        self._delivered = 0
        """How many of `plan` have been delivered."""
        self._delivering = asyncio.Lock()
        self.completions: dict[str, Completion[Struct]] = {}
        self.failed: dict[str, ProviderError] = {}
        self.retryable: list[ProviderError] = []
        self.store_error: StoreUnavailable | None = None
        """The rate limiter could not be reached."""

    async def run(self, step: PlannedStep) -> None:
        async with self._slots:
            called = await self._call(step)
        await self._deliver()
        if all(self._is_finished(one) for one in called):
            self._done += 1
            await self._context.progress(self._done, self._total)

    async def _call(self, step: PlannedStep) -> list[PlannedStep]:
        """Call a step, or its halves if it is too long for the model. Returns the steps that were called in its place."""
        if self.retryable or self.store_error:
            return [step]
        if self._operator_error is not None:
            self.failed[step.name] = self._operator_error
            return [step]
        prompt = _sign(with_known_items(step.prompt, self._known_items()), step, self._context.job)
        try:
            self.completions[step.name] = await self._context.complete(step.name, prompt, step.schema)
        except ContextTooLong as error:
            if halves := split_step(step):
                place = self.plan.index(step)
                self.plan[place : place + 1] = halves
                return [one for half in halves for one in await self._call(half)]
            self._add_error(step, error)
        except ProviderError as error:
            self._add_error(step, error)
        except StoreUnavailable as error:
            self.store_error = error
        return [step]

    async def _deliver(self) -> None:
        """Deliver the next completions of the plan that have arrived."""
        async with self._delivering:
            while self._delivered < len(self.plan) and self._is_finished(self.plan[self._delivered]):
                step = self.plan[self._delivered]
                self._delivered += 1
                if self._on_completion is not None and step.name in self.completions:
                    await self._on_completion(step, self.completions[step.name])

    def _is_finished(self, step: PlannedStep) -> bool:
        return step.name in self.completions or step.name in self.failed

    def _add_error(self, step: PlannedStep, error: ProviderError) -> None:
        # A garbled completion was requested twice already, and a third call would probably be wasted.
        if error.is_retryable and not isinstance(error, ProviderGarbled):
            self.retryable.append(error)
        else:
            self.failed[step.name] = error
            if isinstance(error, ProviderOutOfCredit | ProviderMisconfigured):
                self._operator_error = error


def _sign(prompt: Prompt, step: PlannedStep, job: LeasedJob) -> Prompt:
    """Add what is bought, the call id, the job's kind, and a hash that tells users apart without naming them."""
    return replace(
        prompt,
        content=content_of(step),
        call_id=f"{job.id}/{step.name}",
        safety_id=safety_id_of(job.user),
        job_kind=job.kind,
    )
