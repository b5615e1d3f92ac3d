"""A gateway over real stores, served over real HTTP; and a worker, for tests that want their jobs done."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.app_server import serving
from tests.factories import make_job_id
from tests.gateway.desk import INTERNAL_SECRET, PLANS, PUBLIC_PEM, Desk
from tests.job_harness import JobHarness
from tests.servers import RealRedis

from gateway.app import create_app
from gateway.auth.authenticator import Authenticator
from gateway.auth.signing_keys import LocalKey
from gateway.http.chat_proxy import connect_chat
from gateway.metrics import GatewayMetrics
from gateway.services import Parts
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.runtime.http.client_address import read_trusted_proxies
from shared.runtime.observability.metrics.meter import Meter


@pytest.fixture
async def parts(real_redis: RedisClient, result_store: ResultStore) -> AsyncIterator[Parts]:
    numbers, meter = itertools.count(1), Meter("tests")
    metrics = GatewayMetrics(meter, PLANS)
    async with connect_chat("http://127.0.0.1:9") as chat:
        yield Parts(
            authenticator=Authenticator(
                LocalKey(PUBLIC_PEM), {}, PLANS, clock=time.time, on_failure=metrics.authentication_failed
            ),
            store=JobStore(real_redis, shards=1),
            budgets=BudgetStore(real_redis, shards=1),
            events=EventLog(real_redis, shards=1),
            removals=RemovalStore(real_redis, shards=1),
            results=result_store,
            chat=chat,
            checks={"redis": lambda: call(real_redis, "PING"), "postgres": result_store.ping},
            clock=time.time,
            monotonic=time.monotonic,
            new_id=lambda now: make_job_id(now=now),
            new_request_id=lambda: f"request-{next(numbers)}",
            closing=asyncio.Event(),
            internal_secret=INTERNAL_SECRET,
            meter=meter,
            metrics=metrics,
            refusal_delay_seconds=0,
            trusted_proxies=read_trusted_proxies("127.0.0.1"),
        )


@asynccontextmanager
async def open_desk(parts: Parts) -> AsyncGenerator[Desk]:
    """Serve a gateway made of these parts."""
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        hearing = group.create_task(parts.events.run())
        stack.callback(hearing.cancel)
        stack.push_async_callback(parts.chat.close)
        url = await stack.enter_async_context(serving(create_app(parts)))
        stack.callback(parts.closing.set)
        desk = Desk(parts, url)
        stack.push_async_callback(desk.close)
        yield desk


@pytest.fixture
async def desk(parts: Parts) -> AsyncIterator[Desk]:
    async with open_desk(parts) as opened:
        yield opened


@pytest.fixture
async def harness(redis_server: RealRedis, real_redis: RedisClient) -> AsyncIterator[JobHarness]:
    """The workers' side of the same Redis."""
    harness = JobHarness(redis_server, real_redis)
    yield harness
    await harness.close()
