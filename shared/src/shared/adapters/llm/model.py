"""One model, with hooks around each of its calls: the rate limiter, the span and the metrics are hooks."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt, Provider
from shared.domain.provider_errors import ProviderError, ProviderGarbled
from shared.domain.usage import Usage

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 3.0
"""Longest wait before a call is repeated in place. After a longer one the job is retried, and its slot is free meanwhile."""
FIRST_WAIT_SECONDS = 0.5
"""Wait before the first repetition, before jitter; each further wait is twice as long."""
CHAT = "chat"
"""The `job_kind` of a chat, which no job pays for."""


class ModelCall(Struct, kw_only=True):
    """One call to a model, as its hooks see it: the first fields before the call, the others after it."""

    provider: str
    """`openai` or `offline`."""
    model: str
    """The model that is asked."""
    job_kind: str
    texts: Sequence[str]
    """All that the model is sent."""
    max_output_tokens: int
    job_id: str = ""
    user: str = ""
    """A hash of the user id, as `Prompt.safety_id`."""
    may_spend: Callable[[], bool] = lambda: True
    """Whether the attempt may still start a paid call; see `Prompt.may_spend`."""
    usage: Usage | None = None
    """What the call cost, also if it failed; None if it was cancelled."""
    answered_by: str = ""
    """The model's name in the response, of which `model` may be an alias."""
    first_delta_at: float | None = None
    """When a stream began, on the clock of `time.perf_counter`."""


CallHook = Callable[[ModelCall], AbstractAsyncContextManager[None]]
"""Runs around one call. Errors of the call pass through it."""


class Model:
    """A `Provider` that runs `hooks` around each call, the first of them outermost.

    `complete` makes at most `calls_per_attempt` calls and waits between them, as long as the server asks or with exponential
    backoff; the usage includes what failed calls cost. A stream is never repeated, because its reader may have seen its start.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        name: str,
        provider_name: str,
        hooks: Sequence[CallHook] = (),
        calls_per_attempt: int = 1,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`jitter` returns the share of the backoff that is waited, from 0 to 1."""
        self.name = name
        self._provider = provider
        self._provider_name = provider_name
        self._hooks = hooks
        self._calls_per_attempt = calls_per_attempt
        self._jitter = jitter

    @property
    def paid_model(self) -> str:
        return self._provider.paid_model

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        calls, spent = 0, Usage()
        while True:
            try:
                completion = await self._complete_once(prompt, schema)
                return replace(completion, usage=spent + completion.usage)
            except ProviderError as error:
                calls += 1
                spent = error.usage = spent + error.usage
                if calls >= self._calls_per_attempt or not is_worth_waiting_for(error):
                    raise
                await asyncio.sleep(self._wait(error, calls))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        call = ModelCall(
            provider=self._provider_name,
            model=self.name,
            job_kind=CHAT,
            texts=[*(message.content for message in request.messages), *request.sources],
            max_output_tokens=request.max_output_tokens,
            user=request.safety_id,
        )
        async with self._hooked(call), aclosing(self._provider.stream(request)) as deltas:
            request.on_call(self._provider_name)
            async for delta in deltas:
                call.first_delta_at = call.first_delta_at or time.perf_counter()
                if delta.usage is not None:
                    call.usage, call.answered_by = delta.usage, delta.model
                yield delta

    async def abandon(self, prompt: Prompt) -> None:
        await self._provider.abandon(prompt)

    async def close(self) -> None:
        await self._provider.close()

    async def _complete_once(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        call = ModelCall(
            provider=self._provider_name,
            model=self.name,
            job_kind=prompt.job_kind,
            texts=[prompt.instructions, prompt.source],
            max_output_tokens=prompt.max_output_tokens,
            job_id=prompt.call_id.partition("/")[0],
            user=prompt.safety_id,
            may_spend=prompt.may_spend,
        )
        async with self._hooked(call):
            completion = await self._provider.complete(prompt, schema)
            call.usage, call.answered_by = completion.usage, completion.model
        return completion

    @asynccontextmanager
    async def _hooked(self, call: ModelCall) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for hook in self._hooks:
                await stack.enter_async_context(hook(call))
            try:
                yield
            except ProviderError as error:
                call.usage = error.usage
                raise

    def _wait(self, error: ProviderError, calls: int) -> float:
        if error.retry_after is not None:
            return error.retry_after
        return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (calls - 1) * self._jitter())


def is_worth_waiting_for(error: ProviderError) -> bool:
    """Whether the fault is temporary and the server asks for no longer wait than one in place."""
    is_temporary = error.is_retryable and not isinstance(error, ProviderGarbled)
    return is_temporary and (error.retry_after or 0.0) <= LONGEST_WAIT_SECONDS
