"""Beginning answers: tokens are held before the provider is asked, and settled in every ending."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from chat.answer_stream import Answer
from chat.internal_auth import Asker
from chat.prompt_builder import MAX_ANSWER_TOKENS, Brief, write_brief
from chat.schemas import Question
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.job_store import JobStore
from shared.domain.budgets import Plan
from shared.domain.errors import NotFound, NotReady
from shared.domain.jobs.job import JobId, Kind, UserId
from shared.domain.llm.provider import Provider
from shared.domain.study.material import Collection

HOLD_SECONDS = 300.0
"""After which a hold gives itself back: only when this process died with it."""
LONG_TEXT = 20_000
"""Characters from which on the passages are chosen in a thread, so that other answers flow on."""
NOT_READY_SECONDS = 2.0


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
        return await run_in_cpu_pool(write_brief, question, collection)

    async def _find_collection(self, user: UserId, job_id: JobId) -> Collection:
        kept = await self._results.find_collection(user, job_id)
        if kept is not None and kept.result is not None:
            return msgspec.json.decode(kept.result, type=Collection)
        record = await self._jobs.find(user, job_id)
        if record is None or record.kind != Kind.COLLECTION or record.state.is_final:
            raise NotFound
        raise NotReady(retry_after=NOT_READY_SECONDS)
