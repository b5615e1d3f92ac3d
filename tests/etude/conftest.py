"""A whole Etude in one process for the command to talk to: gateway, chat and workers on real stores, without a key."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from msgspec import Struct
from tests.app_server import serving
from tests.factories import PLAN, make_job_id
from tests.gateway.desk import INTERNAL_SECRET, PLANS, PUBLIC_PEM, make_token
from tests.job_harness import JobHarness
from tests.servers import RealRedis

from ai_worker.handlers import HANDLERS as AI_HANDLERS
from chat.answer_service import AnswerService, ChatProviders
from chat.app import create_app as create_chat
from chat.internal_auth import InternalAuth
from collection_worker.handlers import HANDLERS as COLLECTION_HANDLERS
from gateway.app import create_app
from gateway.auth.authenticator import Authenticator
from gateway.auth.signing_keys import LocalKey
from gateway.http.chat_proxy import connect_chat
from gateway.metrics import GatewayMetrics
from gateway.services import Parts
from shared.adapters.llm.token_counter import count_tokens
from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.jobs.job import StreamName
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.worker.consumer import Consumer


@pytest.fixture
async def harness(redis_server: RealRedis, real_redis: RedisClient) -> AsyncIterator[JobHarness]:
    harness = JobHarness(redis_server, real_redis)
    yield harness
    await harness.close()


class Place(Struct, frozen=True):
    """Where the command finds Etude, and as whom."""

    url: str
    token: str
    hire: Callable[[], list[Consumer]]

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        """Workers of both streams, until the block is left."""
        consumers = self.hire()
        async with asyncio.TaskGroup() as group:
            for consumer in consumers:
                group.create_task(consumer.run())
            try:
                yield
            finally:
                for consumer in consumers:
                    consumer.stop()


@pytest.fixture
async def place(
    harness: JobHarness, real_redis: RedisClient, result_store: ResultStore
) -> AsyncIterator[Place]:
    """Etude, whose workers work when a test says so."""
    provider = OfflineProvider()
    store, budgets = JobStore(real_redis, shards=1), BudgetStore(real_redis, shards=1)
    ids = itertools.count(1)
    answers = AnswerService(
        store,
        budgets,
        result_store,
        ChatProviders(answering=lambda _, __: provider),
        count=count_tokens,
        clock=time.time,
        new_id=lambda: f"chat_{next(ids)}",
    )
    chat = create_chat(
        InternalAuth(INTERNAL_SECRET, {"free": PLAN}), answers, {}, clock=time.time, meter=Meter("tests")
    )

    def hire() -> list[Consumer]:
        return [
            harness.consumer(
                consumer=f"{stream}-{next(ids)}",
                stream=stream,
                handlers=handlers,
                provider=provider,
                results=result_store,
            )
            for stream, handlers in (
                (StreamName.AI, AI_HANDLERS),
                (StreamName.COLLECTION, COLLECTION_HANDLERS),
            )
        ]

    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        chat_url = await stack.enter_async_context(serving(chat))
        parts = Parts(
            authenticator=Authenticator(LocalKey(PUBLIC_PEM), {}, PLANS, clock=time.time),
            store=store,
            budgets=budgets,
            events=EventLog(real_redis, shards=1),
            removals=RemovalStore(real_redis, shards=1),
            results=result_store,
            chat=connect_chat(chat_url),
            checks={"redis": lambda: call(real_redis, "PING")},
            clock=time.time,
            monotonic=time.monotonic,
            new_id=lambda now: make_job_id(now=now),
            new_request_id=lambda: f"request-{next(ids)}",
            closing=asyncio.Event(),
            internal_secret=INTERNAL_SECRET,
            meter=harness.meter,
            metrics=GatewayMetrics(harness.meter, PLANS),
        )
        stack.callback(group.create_task(parts.events.run()).cancel)
        stack.push_async_callback(parts.chat.close)
        url = await stack.enter_async_context(serving(create_app(parts)))
        stack.callback(parts.closing.set)
        yield Place(url, make_token(), hire)
