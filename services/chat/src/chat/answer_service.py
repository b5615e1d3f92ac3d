"""Starts answers. Tokens are held before the provider is called, and settled however the answer ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from msgspec import Struct

from chat.answer_stream import AnswerStream
from chat.internal_auth import Caller
from chat.prompt_builder import MAX_ANSWER_TOKENS, ChatPrompt, build_prompt
from chat.retrieval.collection_cache import CollectionCache, IndexedCollection
from chat.retrieval.question_rewriter import REWRITE_SECONDS, QuestionRewriter
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.budgets import Balance, Plan
from shared.domain.chat import ChatQuestion
from shared.domain.errors import NotFound, NotReady, StudyError
from shared.domain.jobs.job import JobId, Kind, UserId
from shared.domain.jobs.submission import Hold
from shared.domain.llm.provider import Provider, safety_id_of

HOLD_SECONDS = 300.0
"""A hold expires after this many seconds; this matters only if the process dies before it settles."""
LONG_TEXT = 200_000
"""From this many characters on, passages are chosen in the CPU pool, so that other answers are not delayed."""
NOT_READY_SECONDS = 2.0


class ChatProviders(Struct, frozen=True, kw_only=True):
    """Whom the chat asks, by the plan and by the model that the question names, which may be empty."""

    answering: Callable[[Plan, str], Provider]
    rewriting: Callable[[Plan, str], Provider | None] = lambda _, __: None
    """None where questions are not rewritten: there is no model, or it is turned off."""
    rewrite_seconds: float = REWRITE_SECONDS


class AnswerService:
    """Starts answers and tracks those that are not settled."""

    def __init__(
        self,
        jobs: JobStore,
        budgets: BudgetStore,
        results: ResultStore,
        providers: ChatProviders,
        *,
        count: Callable[[str], int],
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._budgets = budgets
        self._results = results
        self._providers = providers
        self._count = count
        self._clock = clock
        self._new_id = new_id
        self._collections = CollectionCache()
        self._open = set[AnswerStream]()
        self._all_settled = asyncio.Event()
        self._all_settled.set()

    @asynccontextmanager
    async def begin(self, caller: Caller, question: ChatQuestion) -> AsyncGenerator[AnswerStream]:
        """Hold tokens and yield an answer, which is settled when the block ends, with or without an error.

        Raises `ModelNotAllowed`, `NotFound`, `NotReady`, `BudgetExceeded`, `RateLimited`, `StoreUnavailable`.
        """
        caller.plan.models.require_allowed(question.model)
        indexed = await self._find_collection(caller.user, question)
        prompt = await self._build_prompt(question, indexed)
        rewriter = self._make_rewriter(caller, question, indexed) if prompt.needs_rewriting else None
        tokens = prompt.prompt_tokens(self._count) + MAX_ANSWER_TOKENS
        hold, balances = await self._hold(caller, tokens + (rewriter.max_tokens if rewriter else 0))
        provider = self._providers.answering(caller.plan, question.model or "")
        answer = AnswerStream(provider, prompt, self._budgets, hold, balances, self._count, rewriter)
        self._open.add(answer)
        self._all_settled.clear()
        try:
            yield answer
        finally:
            await answer.settle()
            self._open.discard(answer)
            if not self._open:
                self._all_settled.set()

    async def _hold(self, caller: Caller, tokens: int) -> tuple[Hold, tuple[Balance, ...]]:
        """A cancellation waits for the reply of Redis: the tokens may be held by then, and only the reply says so."""
        holding = asyncio.ensure_future(
            self._budgets.hold(
                caller.user,
                caller.plan,
                hold_id=self._new_id(),
                tokens=tokens,
                expires_in=HOLD_SECONDS,
                now=self._clock(),
            )
        )
        try:
            return await asyncio.shield(holding)
        except asyncio.CancelledError:
            with suppress(StudyError):
                hold, _ = await holding
                await self._budgets.release(hold, used=0)
            raise

    def interrupt(self) -> None:
        """End every open answer now. Clients keep what they have received, followed by an error."""
        for answer in self._open:
            answer.interrupt()

    async def all_settled(self) -> None:
        """Wait until no answer is open. Call this before the stores are closed."""
        await self._all_settled.wait()

    def _make_rewriter(
        self, caller: Caller, question: ChatQuestion, indexed: IndexedCollection | None
    ) -> QuestionRewriter | None:
        provider = self._providers.rewriting(caller.plan, question.model or "")
        if provider is None or indexed is None:
            return None
        return QuestionRewriter(
            provider,
            question.messages,
            indexed,
            seconds=self._providers.rewrite_seconds,
            count=self._count,
            safety_id=safety_id_of(caller.user),
        )

    async def _build_prompt(self, question: ChatQuestion, indexed: IndexedCollection | None) -> ChatPrompt:
        if indexed is None or len(indexed.collection.text) < LONG_TEXT:
            return build_prompt(question, indexed)
        return await run_in_cpu_pool(build_prompt, question, indexed)

    async def _find_collection(self, user: UserId, question: ChatQuestion) -> IndexedCollection | None:
        if question.collection_id is None:
            return None
        job_id = JobId(str(question.collection_id))
        saved = await self._results.find_collection(user, job_id)
        if saved is not None and saved.result is not None:
            return await self._collections.read(saved.result)
        record = await self._jobs.find(user, job_id)
        if record is None or record.kind != Kind.COLLECTION or record.state.is_final:
            raise NotFound
        raise NotReady(retry_after=NOT_READY_SECONDS)
