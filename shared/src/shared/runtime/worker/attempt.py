"""One attempt at a job: its handler is run within the limit, and whatever happens becomes one outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from shared.adapters.redis.attempt_store import AttemptStore
from shared.domain.decisive_error import leaves, most_severe
from shared.domain.errors import (
    AttemptTimedOut,
    HoldSpent,
    LeaseLost,
    ProviderError,
    StoreUnavailable,
    StudyError,
    Unexpected,
    UnknownWire,
)
from shared.domain.generation.handler import Handler
from shared.domain.jobs.events import EventName, ItemMade, Progressed
from shared.domain.jobs.job import Kind, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.outcome import Fail, Outcome, Retry
from shared.domain.jobs.payload import decode_input, decode_step, encode_step
from shared.domain.llm.provider import Completion, Prompt, Provider
from shared.domain.study.material import Flashcard, QuizQuestion
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.store_retry import until_available

log = structlog.get_logger()

T = TypeVar("T")


class ProviderFor(Protocol):
    """Chooses the provider of a job, by its plan."""

    def __call__(self, job: LeasedJob) -> Provider: ...


class FencedAttemptContext:
    """See `shared.domain.generation.handler.AttemptContext`."""

    def __init__(
        self,
        job: LeasedJob,
        store: AttemptStore,
        provider: Provider,
        policy: JobPolicy,
        watch: JobMetrics,
        *,
        may_spend: Callable[[], bool],
    ) -> None:
        """`may_spend` is False once the lease may be over by this process's own clock."""
        self._may_spend = may_spend
        self._watch = watch
        self._job = job
        self._store = store
        self._provider = provider
        self._policy = policy
        self._told = 0
        self._telling = asyncio.Lock()
        self.usage = job.usage

    @property
    def job(self) -> LeasedJob:
        return self._job

    async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
        if step in self._job.steps:
            return decode_step(self._job.steps[step], schema)
        if self.usage.total >= self._job.held:
            raise HoldSpent
        try:
            completion = await self._provider.complete(replace(prompt, may_spend=self._may_spend), schema)
        except ProviderError as error:
            self.usage += error.usage
            raise
        self.usage += completion.usage
        # It is paid for: wait for Redis rather than lose it.
        try:
            await self._fenced(
                lambda: self._store.keep(self._job, step, encode_step(completion), completion.usage)
            )
        except LeaseLost:
            self._watch.answer_lost(completion)
            raise
        return completion

    async def progress(self, done: int, total: int) -> None:
        data = msgspec.json.encode(Progressed(job_id=self._job.id, done=done, total=total))
        await self._tell(EventName.PROGRESS, data, (done, total))

    async def item(self, item: Flashcard | QuizQuestion) -> None:
        kind = "flashcard" if isinstance(item, Flashcard) else "question"
        made = ItemMade(
            job_id=self._job.id,
            attempt=self._job.attempt,
            type=kind,
            item=msgspec.Raw(msgspec.json.encode(item)),
        )
        await self._tell(EventName.ITEM, msgspec.json.encode(made), None)

    async def _tell(self, name: EventName, data: bytes, progress: tuple[int, int] | None) -> None:
        async with self._telling:  # the numbers of events must reach Redis in order
            number = self._told + 1
            await self._fenced(
                lambda: self._store.append(self._job, [(name, data)], number=number, progress=progress)
            )
            self._told = number

    async def _fenced(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await until_available(write, seconds=self._policy.settle_grace_seconds)
        except LeaseLost:
            self._watch.fenced(self._job)
            raise


async def attempt(
    context: FencedAttemptContext, handlers: Mapping[Kind, Handler], policy: JobPolicy
) -> Outcome:
    """Run the job's handler. Raises only `LeaseLost` and cancellation; everything else is an outcome."""
    job = context.job
    scope = asyncio.timeout(policy.attempt_seconds)
    try:
        async with scope:
            job_input = decode_input(job.kind, job.version, job.payload)
            return await handlers[Kind(job.kind)](job_input, context)
    except Exception as error:  # noqa: BLE001 - the one place where what escapes a handler becomes an outcome
        return _to_outcome(most_severe(leaves(error)), job, policy, has_expired=scope.expired())


def _to_outcome(error: Exception, job: LeasedJob, policy: JobPolicy, *, has_expired: bool) -> Outcome:
    match error:
        case LeaseLost():
            raise error
        case UnknownWire():
            return Retry(error.problem, after=policy.park_seconds, counted=False)
        case StoreUnavailable():
            return Retry(error.problem, after=error.retry_after, counted=False)
        case ProviderError(is_retryable=True):
            return Retry(error.problem, after=error.retry_after, counted=error.is_counted)
        case StudyError(is_retryable=True):
            return Retry(error.problem, after=error.retry_after)
        case StudyError():
            return Fail(error.problem)
        case TimeoutError() if has_expired:
            return Retry(AttemptTimedOut(limit=int(policy.attempt_seconds)).problem)
        case _:
            log.error("job.handler_failed", exc_info=error)
            return Retry(Unexpected().problem)
