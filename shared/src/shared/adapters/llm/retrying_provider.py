"""A provider that waits out a short fault in place, instead of sending its job around."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeVar, cast

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from shared.domain.errors import ProviderError, ProviderGarbled
from shared.domain.llm.provider import Completion, Delta, Message, Prompt, Provider
from shared.domain.usage import Usage

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 3.0
"""Above this the job goes back to the queue, and its slot is free meanwhile."""
FIRST_WAIT_SECONDS = 0.5


class RetryingProvider:
    """Makes up to `calls_per_attempt` calls where one would do; 1 is none in place.

    It waits as long as the server asks; else half a second, doubled each time, times `jitter()`.
    A job's attempts times this is the exact bound on the calls of a step (a re-ask after an answer that does not fit
    is part of its call). What failed calls cost is part of the usage. A stream is not tried again: it may have begun.
    """

    def __init__(
        self, provider: Provider, *, calls_per_attempt: int = 1, jitter: Callable[[], float]
    ) -> None:
        self._provider = provider
        self._calls = calls_per_attempt
        self._jitter = jitter

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        spent = Usage()

        async def call() -> Completion[T]:
            nonlocal spent
            try:
                completion = await self._provider.complete(prompt, schema)
            except ProviderError as error:
                spent = error.usage = spent + error.usage
                raise
            return msgspec.structs.replace(completion, usage=spent + completion.usage)

        retrying = AsyncRetrying(
            retry=retry_if_exception(is_short),
            wait=self._wait,
            stop=stop_after_attempt(self._calls),
            reraise=True,
        )
        return await retrying(call)

    def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncGenerator[Delta]:
        return cast(
            AsyncGenerator[Delta],
            self._provider.stream(
                messages, sources=sources, language=language, max_output_tokens=max_output_tokens
            ),
        )

    async def close(self) -> None:
        await self._provider.close()

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, ProviderError) else None
        own = FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1) * self._jitter()
        return min(LONGEST_WAIT_SECONDS, own) if asked is None else asked


def is_short(error: BaseException) -> bool:
    """Whether waiting in place is worth it: a temporary fault, and no longer wait asked for."""
    return (
        isinstance(error, ProviderError)
        and error.is_retryable
        and not isinstance(error, ProviderGarbled)
        and (error.retry_after or 0.0) <= LONGEST_WAIT_SECONDS
    )
