"""Answering: tokens are held before the provider is asked, and settled in every ending."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import msgspec
import structlog

from chat.asker import Asker
from chat.brief import MAX_ANSWER_TOKENS, Brief, write_brief
from chat.grounding import used_quotes
from chat.question import Question
from shared.adapters.budget_store import BudgetStore
from shared.adapters.job_store import JobStore
from shared.adapters.result_store import ResultStore
from shared.domain.budget import Balance, Plan
from shared.domain.errors import (
    NotFound,
    NotReady,
    ProviderError,
    ProviderGarbled,
    ProviderTimedOut,
    ProviderUnavailable,
    StoreUnavailable,
)
from shared.domain.job import JobId, Kind, UserId
from shared.domain.provider import Delta, Provider, Usage
from shared.domain.study import Collection, Source
from shared.domain.submission import Hold

HOLD_SECONDS = 300.0
"""After which a hold gives itself back: only when this process died with it."""
ANSWER_SECONDS = 240.0
"""Longer than any answer takes, shorter than its hold lives."""
LONG_TEXT = 20_000
"""Characters from which on the passages are chosen in a thread, so that other answers flow on."""
NOT_READY_SECONDS = 2.0

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
        try:
            if not await self._budgets.release(self._hold, used=self.usage.total):
                log.warning("chat.hold_left", reason="expired")
            self._is_settled = True
        except StoreUnavailable:
            log.warning("chat.hold_left", reason="store_unavailable")

    async def _ask(self) -> AsyncGenerator[Delta]:
        self._is_asked = True
        stream = self._provider.stream(
            self._brief.messages,
            sources=self._brief.sources,
            language=self._brief.language,
            max_output_tokens=MAX_ANSWER_TOKENS,
        )
        deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
        try:
            while (delta := await self._next(stream, deadline)) is not None:
                yield delta
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def _next(self, stream: AsyncIterator[Delta], deadline: float) -> Delta | None:
        try:
            async with asyncio.timeout_at(0.0 if self._is_cut else deadline) as self._wait:
                return await anext(stream, None)
        except TimeoutError:
            ended = ProviderUnavailable if self._is_cut else ProviderTimedOut
            raise ended(usage=self.usage) from None
        finally:
            self._wait = None


class Answers:
    """Begins answers, and knows when the last one is settled."""

    def __init__(
        self,
        jobs: JobStore,
        budgets: BudgetStore,
        results: ResultStore,
        provider_for: Callable[[Plan], Provider],
        *,
        count: Callable[[str], int],
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._budgets = budgets
        self._results = results
        self._provider_for = provider_for
        self._count = count
        self._clock = clock
        self._new_id = new_id
        self._open = set[Answer]()
        self._all_settled = asyncio.Event()
        self._all_settled.set()

    @asynccontextmanager
    async def begin(self, asker: Asker, question: Question) -> AsyncGenerator[Answer]:
        """Hold tokens and hand out an answer, which is settled when the block is left, however it is left.

        Raises `NotFound`, `NotReady`, `BudgetExceeded`, `RateLimited`, `StoreUnavailable`.
        """
        brief = await self._write_brief(asker.user, question)
        tokens = brief.prompt_tokens(self._count) + MAX_ANSWER_TOKENS
        hold, balances = await self._budgets.hold(
            asker.user,
            asker.plan,
            hold_id=self._new_id(),
            tokens=tokens,
            expires_in=HOLD_SECONDS,
            now=self._clock(),
        )
        provider = self._provider_for(asker.plan)
        answer = Answer(provider, brief, self._budgets, hold, balances, self._count)
        self._open.add(answer)
        self._all_settled.clear()
        try:
            yield answer
        finally:
            await answer.settle()
            self._open.discard(answer)
            if not self._open:
                self._all_settled.set()

    def cut(self) -> None:
        """End every open answer now: what its reader has, it keeps, with the word that the rest is missing."""
        for answer in self._open:
            answer.cut()

    async def all_settled(self) -> None:
        """Wait until no answer is open: before the stores are closed."""
        await self._all_settled.wait()

    async def _write_brief(self, user: UserId, question: Question) -> Brief:
        if question.collection_id is None:
            return write_brief(question, None)
        collection = await self._find_collection(user, JobId(str(question.collection_id)))
        if len(collection.text) < LONG_TEXT:
            return write_brief(question, collection)
        return await asyncio.to_thread(write_brief, question, collection)

    async def _find_collection(self, user: UserId, job_id: JobId) -> Collection:
        kept = await self._results.find_collection(user, job_id)
        if kept is not None and kept.result is not None:
            return msgspec.json.decode(kept.result, type=Collection)
        record = await self._jobs.find(user, job_id)
        if record is None or record.kind != Kind.COLLECTION or record.state.is_final:
            raise NotFound
        raise NotReady(retry_after=NOT_READY_SECONDS)
