"""One answer under way: what it says, what it quotes, what it costs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import structlog

from chat.passage_retrieval import used_quotes
from chat.prompt_builder import MAX_ANSWER_TOKENS, Brief
from shared.adapters.redis.budget_store import BudgetStore
from shared.domain.budgets import Balance
from shared.domain.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderTimedOut,
    ProviderUnavailable,
    StoreUnavailable,
)
from shared.domain.jobs.submission import Hold
from shared.domain.llm.provider import ChatRequest, Delta, Provider
from shared.domain.study.material import Source
from shared.domain.usage import Usage

ANSWER_SECONDS = 240.0
"""Longer than any answer takes, shorter than its hold lives."""

log = structlog.get_logger()


class Answer:
    """One answer under way. Iterate `deltas()` to its end; what stands below is complete then."""

    def __init__(
        self,
        provider: Provider,
        brief: Brief,
        budgets: BudgetStore,
        hold: Hold,
        balances: tuple[Balance, ...],
        count: Callable[[str], int],
    ) -> None:
        self.id = hold.id
        self.balances = balances
        """The budget after the hold."""
        self.model = ""
        self.generated_by = ""
        self.quotes: list[Source] = []
        self._provider = provider
        self._brief = brief
        self._budgets = budgets
        self._hold = hold
        self._count = count
        self._said: list[str] = []
        self._usage: Usage | None = None
        self._is_asked = False
        self._is_cut = False
        self._is_settled = False
        self._wait: asyncio.Timeout | None = None

    @property
    def text(self) -> str:
        return "".join(self._said)

    @property
    def usage(self) -> Usage:
        """What the provider reported; until then what it must have counted, for an answer that was cut short."""
        if self._usage is not None:
            return self._usage
        if not self._is_asked or self.generated_by == "offline":
            return Usage()
        return Usage(self._brief.prompt_tokens(self._count), self._count(self.text))

    async def deltas(self) -> AsyncGenerator[str]:
        """The text, piece by piece. After its end, or its error, the tokens are settled.

        Raises `ProviderError` and its kinds.
        """
        try:
            async with aclosing(self._ask()) as pieces:
                async for delta in pieces:
                    self.model = delta.model or self.model
                    self.generated_by = delta.generated_by or self.generated_by
                    self._usage = delta.usage or self._usage
                    if delta.text:
                        self._said.append(delta.text)
                        yield delta.text
            if not self.text.strip():
                raise ProviderGarbled(usage=self.usage)
            self.quotes = used_quotes(self.text, self._brief.text, self._brief.passages)
        except ProviderError as error:
            self._usage = error.usage
            raise
        finally:
            await self.settle()

    def cut(self) -> None:
        """End it now: whoever iterates gets `ProviderUnavailable`."""
        self._is_cut = True
        if self._wait is not None:
            self._wait.reschedule(0.0)

    async def settle(self) -> None:
        """Charge what was used and give the rest of the hold back. Once; again is nothing."""
        if self._is_settled:
            return
        usage = self.usage
        try:
            if await self._budgets.release(self._hold, used=usage.total):
                log.info(
                    "chat.settled",
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                )
            else:
                log.warning("chat.hold_left", reason="expired")
            self._is_settled = True
        except StoreUnavailable:
            log.warning("chat.hold_left", reason="store_unavailable")

    async def _ask(self) -> AsyncGenerator[Delta]:
        self._is_asked = True
        request = ChatRequest(
            messages=self._brief.messages,
            sources=self._brief.sources,
            language=self._brief.language,
            max_output_tokens=MAX_ANSWER_TOKENS,
        )
        deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
        async with aclosing(self._provider.stream(request)) as stream:
            while (delta := await self._next(stream, deadline)) is not None:
                yield delta

    async def _next(self, stream: AsyncIterator[Delta], deadline: float) -> Delta | None:
        try:
            async with asyncio.timeout_at(0.0 if self._is_cut else deadline) as self._wait:
                return await anext(stream, None)
        except TimeoutError:
            ended = ProviderUnavailable if self._is_cut else ProviderTimedOut
            raise ended(usage=self.usage) from None
        finally:
            self._wait = None
