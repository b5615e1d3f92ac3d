"""A chat service on real stores and a real HTTP server, with a provider the test brings along."""

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from msgspec import Struct
from tests.app_server import serving
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, PLAN

from chat.answer_service import AnswerService, ChatProviders
from chat.app import create_app
from chat.internal_auth import InternalAuth
from shared.adapters.llm.token_counter import count_tokens
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.budgets import Plan
from shared.domain.jobs.job import UserId
from shared.domain.llm.provider import Provider
from shared.runtime.observability.metrics.meter import Meter

SECRET = "between-us"
HEADERS = {"X-Etude-Internal": SECRET, "X-Etude-User": ADA, "X-Etude-Plan": "pro", "X-Request-Id": "req-1"}


class Chat(Struct, frozen=True):
    """A running chat service."""

    http: httpx.AsyncClient
    answers: AnswerService
    budgets: BudgetStore
    now: float
    requested_models: list[str]
    """The model that each question named; empty if it named none."""

    async def spent(self, user: UserId = ADA) -> tuple[int, int]:
        """Tokens used and held today."""
        day = (await self.budgets.allowance(user, PLAN, now=self.now)).balances[0]
        return day.used, day.held


StartChat = Callable[..., Awaitable[Chat]]


@pytest.fixture
async def start_chat(real_redis: RedisClient, result_store: ResultStore) -> AsyncIterator[StartChat]:
    """Starts chat services; they stop with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            provider: Provider,
            *,
            heartbeat_seconds: float = 15.0,
            rewriter: Provider | None = None,
            rewrite_seconds: float = DEADLINE_SECONDS,
            **plans: Plan,
        ) -> Chat:
            now, ids = time.time(), itertools.count(1)
            requested_models: list[str] = []

            def provider_for(_: Plan, model: str) -> Provider:
                requested_models.append(model)
                return provider

            budgets = BudgetStore(real_redis, shards=1)
            answers = AnswerService(
                JobStore(real_redis, shards=1),
                budgets,
                result_store,
                ChatProviders(
                    answering=provider_for,
                    rewriting=lambda _, __: rewriter,
                    rewrite_seconds=rewrite_seconds,
                ),
                count=count_tokens,
                clock=lambda: now,
                new_id=lambda: f"chat_{next(ids)}",
            )
            app = create_app(
                InternalAuth(SECRET, {"free": PLAN, "pro": PLAN, **plans}),
                answers,
                {"redis": lambda: call(real_redis, "PING")},
                clock=lambda: now,
                meter=Meter("tests"),
                heartbeat_seconds=heartbeat_seconds,
            )
            url = await stack.enter_async_context(serving(app))
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=DEADLINE_SECONDS)
            )
            return Chat(http, answers, budgets, now, requested_models)

        yield start
