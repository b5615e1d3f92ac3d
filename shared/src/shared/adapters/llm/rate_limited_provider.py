"""A model behind the fleet's gate: asked only when the gate lets it, and the gate is told how it went."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar, cast

import structlog

from shared.adapters.redis.connection import RETRY_AFTER_SECONDS
from shared.adapters.redis.provider_limiter import (
    IN_PLACE_SECONDS,
    CallOutcome,
    Circuit,
    ProviderLimiter,
    Reason,
)
from shared.domain.errors import (
    ProviderBusy,
    ProviderError,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderTimedOut,
    ProviderUnavailable,
    StoreUnavailable,
)
from shared.domain.llm.provider import Completion, Delta, Message, Prompt, Provider

log = structlog.get_logger()

T = TypeVar("T")

BUSY_SECONDS = 1.0
"""How long the gate stays closed after a 429 that did not say."""
OUT_OF_CREDIT_SECONDS = 60.0
"""No waiting mends an empty account; but somebody may have paid."""
TRIES = 3
"""Times a call asks again after a wait in place, before it sends its job back."""
CHARACTERS_PER_TOKEN = 3
"""Rather fewer than there are: the pace is the provider's own rough count, and no tokenizer is worth loading for it."""


class RateLimitedProvider:
    """Raises `ProviderBusy` that counts no attempt when the gate would keep the call longer than a wait in place, and
    `StoreUnavailable` when the prompt's attempt may have lost its lease."""

    def __init__(
        self,
        provider: Provider,
        gate: ProviderLimiter,
        *,
        model: str,
        on_circuit: Callable[[Circuit], None] = lambda _: None,
    ) -> None:
        """`on_circuit` is told what each answer of the gate says about the model."""
        self._on_circuit = on_circuit
        self._provider = provider
        self._gate = gate
        self._model = model
        self._is_away = False

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        tokens = max(estimate(prompt.instructions, prompt.source), prompt.max_output_tokens)
        async with self._pass(tokens, prompt.may_spend):
            return await self._provider.complete(prompt, schema)

    async def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncGenerator[Delta]:
        said = estimate(*(message.content for message in messages), *sources)
        async with self._pass(max(said, max_output_tokens)):
            deltas = self._provider.stream(
                messages, sources=sources, language=language, max_output_tokens=max_output_tokens
            )
            async with aclosing(cast(AsyncGenerator[Delta], deltas)):
                async for delta in deltas:
                    yield delta

    async def close(self) -> None:
        await self._provider.close()

    @asynccontextmanager
    async def _pass(self, tokens: int, may_spend: Callable[[], bool] = lambda: True) -> AsyncGenerator[None]:
        """Through the gate, and back with what happened. A cancelled call says nothing: it learned nothing."""
        await self._enter(tokens, may_spend)
        try:
            yield
        except ProviderError as error:
            await self._tell(error)
            raise
        await self._tell(None)

    async def _enter(self, tokens: int, may_spend: Callable[[], bool]) -> None:
        has_share, wait = False, 0.0
        for _ in range(TRIES):
            leave = await self._gate.enter(tokens, has_share=has_share)
            self._on_circuit(leave.circuit)
            if leave.reason is Reason.NONE:
                if not may_spend():
                    raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS)
                return
            wait = leave.wait
            if wait > IN_PLACE_SECONDS:
                break
            has_share = has_share or leave.reason is Reason.PACE
            await asyncio.sleep(wait)
        raise ProviderBusy(retry_after=wait, is_counted=False)

    async def _tell(self, error: ProviderError | None) -> None:
        """An answer is paid for: it is not lost because the gate cannot be told of it. That is said once, not a call."""
        try:
            await self._leave(error)
            self._is_away = False
        except StoreUnavailable:
            if not self._is_away:
                log.warning("provider.gate_away", model=self._model)
            self._is_away = True

    async def _leave(self, error: ProviderError | None) -> None:
        match error:
            case ProviderBusy():
                wait = BUSY_SECONDS if error.retry_after is None else error.retry_after
                change = await self._gate.leave(CallOutcome.BUSY, retry_after=wait)
            case ProviderOutOfCredit() | ProviderMisconfigured():
                change = await self._gate.leave(CallOutcome.FAULT, open_seconds=OUT_OF_CREDIT_SECONDS)
            case ProviderUnavailable() | ProviderTimedOut():
                change = await self._gate.leave(CallOutcome.FAULT)
            case _:
                change = await self._gate.leave(CallOutcome.OK)
        if change:
            self._on_circuit(Circuit.OPEN if change == 2 else Circuit.CLOSED)
        if change == 2 and error is not None:
            log.error("provider.breaker_opened", model=self._model, code=error.code)
        elif change == 1:
            log.info("provider.breaker_closed", model=self._model)


def estimate(*texts: str) -> int:
    """About how many tokens a provider's limiter sees in a request."""
    return sum(len(text) for text in texts) // CHARACTERS_PER_TOKEN + 1
