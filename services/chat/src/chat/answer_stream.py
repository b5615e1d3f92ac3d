"""One streamed answer: its text, its quotes and its usage."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import structlog
from msgspec.structs import replace

from chat.prompt_builder import MAX_ANSWER_TOKENS, ChatPrompt
from chat.retrieval.question_rewriter import QuestionRewriter
from chat.retrieval.used_quotes import used_quotes
from shared.adapters.redis.budget_store import BudgetStore
from shared.domain.budgets import Balance
from shared.domain.chat import Retrieval
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.submission import Hold
from shared.domain.llm.provider import ChatRequest, Delta, Provider, safety_id_of
from shared.domain.provider_errors import (
    ProviderError,
    ProviderGarbled,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.study.material import Source
from shared.domain.usage import Usage

ANSWER_SECONDS = 240.0
"""Time limit of one answer: longer than any answer takes, shorter than HOLD_SECONDS (300)."""

log = structlog.get_logger()


class AnswerStream:
    """One streamed answer. The attributes are complete once `deltas()` is exhausted."""

    def __init__(
        self,
        provider: Provider,
        prompt: ChatPrompt,
        budgets: BudgetStore,
        hold: Hold,
        balances: tuple[Balance, ...],
        count: Callable[[str], int],
        rewriter: QuestionRewriter | None = None,
    ) -> None:
        """With `rewriter`, other passages are looked for before the answer begins."""
        self.id = hold.id
        self.balances = balances
        """The balances of the budget after the hold."""
        self.model = ""
        self.generated_by = ""
        self.is_truncated = False
        """Whether the answer stopped at the length limit."""
        self.quotes: list[Source] = []
        self._provider = provider
        self._prompt = prompt
        self._budgets = budgets
        self._hold = hold
        self._count = count
        self._rewriter = rewriter
        self._pieces: list[str] = []
        self._usage: Usage | None = None
        self._is_called = False
        self._is_interrupted = False
        self._is_settled = False
        self._timeout: asyncio.Timeout | None = None

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def retrieval(self) -> Retrieval | None:
        """How the passages were found; None without a collection."""
        return self._prompt.retrieval

    @property
    def usage(self) -> Usage:
        """What is charged: what the provider reported, or what is counted here if the answer was interrupted before the report, and
        at most what was held."""
        rewriting = self._rewriter.usage if self._rewriter else Usage()
        return (rewriting + self._spent).at_most(self._hold.tokens)

    async def deltas(self) -> AsyncGenerator[str]:
        """Yield the text in pieces. The tokens are settled after the last one, and after an error.

        Raises `ProviderError` and its kinds.
        """
        try:
            if self._rewriter is not None:
                await self._find_other_passages(self._rewriter)
            async with aclosing(self._stream()) as deltas:
                async for delta in deltas:
                    self._is_called = True
                    self.model = delta.model or self.model
                    self.generated_by = delta.generated_by or self.generated_by
                    self.is_truncated |= delta.was_cut
                    self._usage = delta.usage or self._usage
                    if delta.text:
                        self._pieces.append(delta.text)
                        yield delta.text
            if not self.text.strip():
                raise ProviderGarbled(usage=self._spent)
            self.quotes = used_quotes(self.text, self._prompt.text, self._prompt.passages)
        except ProviderError as error:
            self._usage = error.usage
            raise
        finally:
            await self.settle()

    def interrupt(self) -> None:
        """End the answer now: `deltas()` raises `ProviderUnavailable`."""
        self._is_interrupted = True
        if self._timeout is not None:
            self._timeout.reschedule(0.0)

    async def settle(self) -> None:
        """Charge the usage and release the rest of the hold. A second call does nothing."""
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
                log.warning("chat.hold_not_released", reason="expired")
            self._is_settled = True
        except StoreUnavailable:
            log.warning("chat.hold_not_released", reason="store_unavailable")

    @property
    def _spent(self) -> Usage:
        if self._usage is not None:
            return self._usage
        if not self._is_called or self.generated_by == "offline":
            return Usage()
        return Usage(self._prompt.prompt_tokens(self._count), self._count(self.text))

    async def _find_other_passages(self, rewriter: QuestionRewriter) -> None:
        if (passages := await rewriter.find_passages()) is not None:
            self._prompt = replace(self._prompt, passages=passages, retrieval=Retrieval.REWRITTEN)

    async def _stream(self) -> AsyncGenerator[Delta]:
        request = ChatRequest(
            messages=self._prompt.messages,
            sources=self._prompt.sources,
            language=self._prompt.language,
            max_output_tokens=MAX_ANSWER_TOKENS,
            safety_id=safety_id_of(self._hold.user),
            on_call=self._note_call,
        )
        deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
        async with aclosing(self._provider.stream(request)) as stream:
            while (delta := await self._next(stream, deadline)) is not None:
                yield delta

    def _note_call(self, generated_by: str) -> None:
        self._is_called, self.generated_by = True, generated_by

    async def _next(self, stream: AsyncIterator[Delta], deadline: float) -> Delta | None:
        try:
            async with asyncio.timeout_at(0.0 if self._is_interrupted else deadline) as self._timeout:
                return await anext(stream, None)
        except TimeoutError:
            error_type = ProviderUnavailable if self._is_interrupted else ProviderTimedOut
            raise error_type(usage=self._spent) from None
        finally:
            self._timeout = None
