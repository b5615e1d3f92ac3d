"""Makes the calls of a plan, several at once, and sorts what came back."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from hashlib import sha256

from msgspec import Struct, field
from msgspec.structs import replace

from shared.adapters.offline.provider import GENERATED_BY
from shared.domain.decisive_error import most_severe
from shared.domain.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    StoreUnavailable,
)
from shared.domain.generation.call_plan import PlannedStep, language_of
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.outcome import Done
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.provider import Completion, Prompt
from shared.domain.study.material import Result
from shared.domain.text.language import Language
from shared.domain.text.language_detection import detect_language

PARALLEL_CALLS = 8
"""Of one job: enough to be quick, few enough that a book does not crowd out the jobs beside it."""

Receive = Callable[[PlannedStep, Completion[Struct]], Awaitable[None]]


class Answers(Struct, frozen=True, kw_only=True):
    """What became of a plan's calls, by step name, in the order of the plan."""

    completions: dict[str, Completion[Struct]] = field(default_factory=dict[str, Completion[Struct]])
    failed: dict[str, ProviderError] = field(default_factory=dict[str, ProviderError])
    """Calls that will not be answered, whatever is tried: refused, too long, twice of the wrong shape."""


async def make_calls(
    steps: Sequence[PlannedStep],
    context: AttemptContext,
    receive: Receive | None = None,
    *,
    before: int = 0,
    after: int = 0,
) -> Answers:
    """Ask every step. `receive` is handed the completions as they come, but in the order of the plan, so that the
    same completions always make the same result. `before` and `after` count the job's other steps, for the
    progress that is told.

    Raises the error when a call should be tried later: then no new call is begun, but those under way are
    waited for, because they are paid for and the next attempt starts from them.
    """
    calls = _Calls(steps, context, receive, before, before + len(steps) + after)
    async with asyncio.TaskGroup() as group:
        for step in steps:
            group.create_task(calls.make(step))
    if calls.put_off:
        raise _decisive(calls.put_off)
    if calls.away is not None:
        raise calls.away
    return Answers(
        completions={s.name: calls.completions[s.name] for s in steps if s.name in calls.completions},
        failed={s.name: calls.failed[s.name] for s in steps if s.name in calls.failed},
    )


def done(result: Result, completions: Iterable[Completion[Struct]]) -> Done:
    """The outcome, crediting everyone who answered: `gpt-x+etude-offline-1` says that both did."""
    answered = list(completions)
    return Done(
        result=result,
        model="+".join(dict.fromkeys(completion.model for completion in answered)),
        generated_by="+".join(dict.fromkeys(completion.generated_by for completion in answered)),
        fallback_used=any(completion.fallback_used for completion in answered),
    )


def language_of_answer(job_input: JobInput, completion: Completion[Struct]) -> Language:
    """The language it is written in: the one asked for, but offline always the source's own, for lack of a translator."""
    is_offline = completion.generated_by == GENERATED_BY
    return detect_language(job_input.text) if is_offline else language_of(job_input)


def _decisive(put_off: Sequence[ProviderError]) -> ProviderError:
    """The error that decides, with the longest wait that any of them asks for."""
    error = most_severe(put_off)
    error.retry_after = max((one.retry_after for one in put_off if one.retry_after), default=None)
    return error


class _Calls:
    def __init__(
        self,
        steps: Sequence[PlannedStep],
        context: AttemptContext,
        receive: Receive | None,
        before: int,
        total: int,
    ) -> None:
        self._context = context
        self._receive = receive
        self._done = before
        self._total = total
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)
        self._stopped_by: ProviderError | None = None
        self._undelivered = deque(steps)
        self._delivering = asyncio.Lock()
        self.completions: dict[str, Completion[Struct]] = {}
        self.failed: dict[str, ProviderError] = {}
        self.put_off: list[ProviderError] = []
        self.away: StoreUnavailable | None = None
        """The gate could not be asked for leave."""

    async def make(self, step: PlannedStep) -> None:
        async with self._slots:
            await self._ask(step)
        await self._deliver()
        if self._is_closed(step):
            self._done += 1
            await self._context.progress(self._done, self._total)

    async def _ask(self, step: PlannedStep) -> None:
        if self.put_off or self.away:
            return
        if self._stopped_by is not None:
            self.failed[step.name] = self._stopped_by
            return
        prompt = _sign(step, self._context.job)
        try:
            self.completions[step.name] = await self._context.complete(step.name, prompt, step.schema)
        except ProviderError as error:
            self._sort(step, error)
        except StoreUnavailable as error:
            self.away = error

    async def _deliver(self) -> None:
        """Hand on what is next in the plan, and what came early and waited for it."""
        async with self._delivering:
            while self._undelivered and self._is_closed(self._undelivered[0]):
                step = self._undelivered.popleft()
                if self._receive is not None and step.name in self.completions:
                    await self._receive(step, self.completions[step.name])

    def _is_closed(self, step: PlannedStep) -> bool:
        return step.name in self.completions or step.name in self.failed

    def _sort(self, step: PlannedStep, error: ProviderError) -> None:
        # A garbled answer was already asked for twice: the same input once more is money for nothing.
        if error.is_retryable and not isinstance(error, ProviderGarbled):
            self.put_off.append(error)
        else:
            self.failed[step.name] = error
            if isinstance(error, ProviderOutOfCredit | ProviderMisconfigured):
                self._stopped_by = error


def _sign(step: PlannedStep, job: LeasedJob) -> Prompt:
    """Add the call id, the job's kind, and a hash that tells users apart without naming them."""
    user = sha256(f"etude:{job.user}".encode()).hexdigest()[:32]
    return replace(step.prompt, call_id=f"{job.id}/{step.name}", safety_id=user, job_kind=job.kind)
