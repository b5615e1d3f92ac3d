"""What a handler may do during one attempt, on top of Redis and a provider. See `AttemptContext`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.offline.provider import GENERATED_BY as OFFLINE
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.domain.errors import HoldSpent, LeaseLost
from shared.domain.jobs.events import EventName, ItemMade, Progressed
from shared.domain.jobs.job import JobId, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.payload import decode_step, encode_step
from shared.domain.llm.provider import Completion, Prompt, Provider
from shared.domain.provider_errors import ProviderError
from shared.domain.study.material import CollectionItems, Flashcard, QuizQuestion
from shared.domain.usage import Usage
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.attempts.step_responses import StepResponses
from shared.runtime.worker.attempts.step_reuse import BoughtSteps, StepReuse
from shared.runtime.worker.store_retry import until_available

log = structlog.get_logger()

T = TypeVar("T")
R = TypeVar("R")


class FencedAttemptContext:
    """An `AttemptContext` that keeps steps and events in Redis under the attempt's fence, and adds up what was used."""

    def __init__(
        self,
        job: LeasedJob,
        store: AttemptStore,
        provider: Provider,
        *,
        policy: JobPolicy,
        bought: BoughtSteps,
        metrics: JobMetrics,
        may_spend: Callable[[], bool],
    ) -> None:
        """`may_spend` is False once the lease may be over by this process's own clock."""
        self._job = job
        self._store = store
        self._provider = provider
        self._policy = policy
        self._metrics = metrics
        self._may_spend = may_spend
        self._events_sent = 0
        self._sending = asyncio.Lock()
        self._bought = bought
        self.reuse = StepReuse(job, store, bought, provider.paid_model)
        self.usage = job.usage
        self._failed_tokens = job.usage.total - _kept_tokens(job)
        """Tokens of calls that led to nothing, in this attempt and in earlier ones."""

    @property
    def job(self) -> LeasedJob:
        return self._job

    async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
        completion = self._kept(step, schema) or await self._reuse(step, prompt, schema)
        if completion is None:
            completion = await self._buy_and_keep(step, prompt, schema)
        if prompt.content is not None and completion.generated_by != OFFLINE:
            asked = prompt.content.needed if completion.usage.reused else prompt.counts
            self.reuse.note(prompt.content, asked, encode_step(completion))
        return completion

    def _kept(self, step: str, schema: type[T]) -> Completion[T] | None:
        """The completion that an earlier attempt kept. One that cannot be read is bought again."""
        data = self._job.steps.get(step)
        return None if data is None else self._decode(data, schema)

    async def _reuse(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T] | None:
        """What the user has bought before, which costs nothing now. It is kept, so that every attempt has the same."""
        content = prompt.content
        if content is None:
            return None
        data = await self._until_available(lambda: self.reuse.find(step, content, prompt.counts))
        found = None if data is None else self._decode(data, schema)
        if found is None:
            return None
        completion = replace(found, usage=Usage(reused=1))
        self.usage += completion.usage
        await self._keep(step, completion)
        return completion

    async def _buy_and_keep(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Buy the completion. It is paid for then, so Redis is waited for rather than the completion lost."""
        if self._failed_tokens >= self._job.held:
            raise HoldSpent
        responses = StepResponses(self._job, step, self._store, self._until_available)
        try:
            completion = await self._buy(replace(prompt, may_spend=self._may_spend, keeper=responses), schema)
        except ProviderError:
            await self._release(prompt)
            raise
        if completion.generated_by == OFFLINE:
            await self._release(prompt)
        try:
            await self._keep(step, completion)
        except LeaseLost:
            self._metrics.completion_lost(completion)
            raise
        return completion

    async def _keep(self, step: str, completion: Completion[T]) -> None:
        data = encode_step(completion)
        await self._until_available(lambda: self._store.keep(self._job, step, data, completion.usage))

    async def _release(self, prompt: Prompt) -> None:
        if (content := prompt.content) is not None:
            await self._until_available(lambda: self.reuse.release(content))

    def _decode(self, data: bytes, schema: type[T]) -> Completion[T] | None:
        try:
            return decode_step(data, schema)
        except msgspec.DecodeError:
            log.warning("job.step_unreadable", job_id=self._job.id)
            return None

    async def _buy(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Call the provider. A failed call may cost something too."""
        try:
            completion = await self._provider.complete(prompt, schema)
        except ProviderError as error:
            self._failed_tokens += error.usage.total
            error.usage = self._charge(error.usage)
            raise
        return replace(completion, usage=self._charge(completion.usage))

    def _charge(self, usage: Usage) -> Usage:
        """Add what a call cost, at most what is left of the hold: the rest is the operator's loss, and the log says so."""
        charged = usage.at_most(self._job.held - self.usage.total)
        if charged != usage:
            self._metrics.uncharged(self._job, usage.total - charged.total)
            log.warning(
                "job.charge_capped",
                job_id=self._job.id,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
            )
        self.usage += charged
        return charged

    async def find_items(self, collection: UUID) -> CollectionItems:
        user, job_id = self._job.user, JobId(str(collection))
        found = await self._until_available(lambda: self._bought.find_collection(user, job_id))
        if found is None or not found.result:
            return CollectionItems()
        return msgspec.json.decode(found.result, type=CollectionItems)

    async def progress(self, done: int, total: int) -> None:
        progressed = Progressed(job_id=self._job.id, done=done, total=total)
        await self._send(EventName.PROGRESS, msgspec.json.encode(progressed), progress=(done, total))

    async def item(self, item: Flashcard | QuizQuestion) -> None:
        made = ItemMade(
            job_id=self._job.id,
            attempt=self._job.attempt,
            type="flashcard" if isinstance(item, Flashcard) else "question",
            item=msgspec.Raw(msgspec.json.encode(item)),
        )
        await self._send(EventName.ITEM, msgspec.json.encode(made))

    async def _send(self, name: EventName, data: bytes, *, progress: tuple[int, int] | None = None) -> None:
        async with self._sending:  # events are numbered, and must reach Redis in that order
            number = self._events_sent + 1
            await self._until_available(
                lambda: self._store.append(self._job, [(name, data)], number=number, progress=progress)
            )
            self._events_sent = number

    async def _until_available(self, operation: Callable[[], Awaitable[R]]) -> R:
        """Repeat a fenced operation while its store is unreachable."""
        try:
            return await until_available(operation, seconds=self._policy.settle_grace_seconds)
        except LeaseLost:
            self._metrics.fenced(self._job)
            raise


class _KeptUsage(Struct):
    usage: Usage


def _kept_tokens(job: LeasedJob) -> int:
    """What the steps that earlier attempts kept have cost. A step that cannot be read is bought again, so it counts as failed."""
    tokens = 0
    for data in job.steps.values():
        with suppress(msgspec.DecodeError):
            tokens += msgspec.json.decode(data, type=_KeptUsage).usage.total
    return tokens
