"""The chat service as a process: `python -m chat`."""

import asyncio
import json
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.chat.conftest import HEADERS, SECRET
from tests.deadline import DEADLINE_SECONDS
from tests.factories import ADA, PLAN
from tests.simulators.faults import Fault, FaultKind
from tests.simulators.provider import ProviderSimulator

from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import RedisClient

QUESTION = {"messages": [{"role": "user", "content": "Why?"}]}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@asynccontextmanager
async def running(**variables: str) -> AsyncGenerator[tuple[Process, httpx.AsyncClient]]:
    port = free_port()
    environ = {
        "ETUDE_INTERNAL_SECRET": SECRET,
        "ETUDE_PORT": str(port),
        "ETUDE_GRACE_SECONDS": "1",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "chat", env=environ, stdout=PIPE)
    try:
        await read_until(process, "chat.ready")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=HEADERS) as http:
            yield process, http
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_until(process: Process, event: str) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for line in process.stdout:
            if (said := json.loads(line))["event"] == event:
                return said
    raise AssertionError(f"the process ended without {event}")


async def test_it_serves_until_sigterm_and_exits_with_0(redis_url: str, postgres_url: str):
    async with running(ETUDE_REDIS_URL=redis_url, ETUDE_POSTGRES_URL=postgres_url) as (process, http):
        ready = await http.get("/readyz")
        answer = await http.post("/api/chat", json=QUESTION)
        process.send_signal(signal.SIGTERM)
        await read_until(process, "chat.stopped")

        assert ready.json() == {"status": "ok", "redis": "ok", "postgres": "ok"}
        assert answer.json()["generated_by"] == "offline"
        assert await process.wait() == 0


@pytest.mark.process
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "ETUDE_INTERNAL_SECRET is not set"),
        ({"ETUDE_INTERNAL_SECRET": "s", "ETUDE_PORT": "http"}, "ETUDE_PORT: "),
        ({"ETUDE_INTERNAL_SECRET": "s", "ETUDE_PLANS_FILE": "/absent"}, "ETUDE_PLANS_FILE: "),
    ],
)
async def test_a_wrong_setting_is_one_line_that_names_the_variable(variables: dict[str, str], said: str):
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "chat", env=variables, stderr=PIPE)

    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.decode().startswith(f"chat: {said}")
    assert stderr.count(b"\n") == 1


async def test_an_answer_cut_by_a_stop_ends_with_an_error_and_releases_its_tokens(
    redis_url: str, postgres_url: str, real_redis: RedisClient
):
    budgets = BudgetStore(real_redis, shards=1)
    async with ProviderSimulator() as simulator:
        simulator.faults.add(Fault(kind=FaultKind.HANG))
        model = {"OPENAI_API_KEY": "a-key", "OPENAI_BASE_URL": simulator.url}
        stores = {"ETUDE_REDIS_URL": redis_url, "ETUDE_POSTGRES_URL": postgres_url}
        async with running(**stores, **model) as (process, http):
            asking = asyncio.create_task(http.post("/api/chat", json={**QUESTION, "stream": True}))
            async with asyncio.timeout(DEADLINE_SECONDS):
                await simulator.journal.until(lambda calls: bool(calls))
            assert (await budgets.allowance(ADA, PLAN, now=time.time())).balances[0].held > 0

            process.send_signal(signal.SIGTERM)
            answer = await asking
            await read_until(process, "chat.stopped")

            assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
            assert await process.wait() == 0
            assert (await budgets.allowance(ADA, PLAN, now=time.time())).balances[0].held == 0


async def test_it_logs_the_usage_of_every_answer_also_after_a_disconnect(redis_url: str, postgres_url: str):
    async with ProviderSimulator() as simulator:
        simulator.piece_seconds = 0.2
        model = {"OPENAI_API_KEY": "a-key", "OPENAI_BASE_URL": simulator.url}
        model["ETUDE_MODEL_FEATURES"] = "thinking=marked"  # or the first answer would come whole
        stores = {"ETUDE_REDIS_URL": redis_url, "ETUDE_POSTGRES_URL": postgres_url}
        async with running(**stores, **model) as (process, http):
            async with http.stream("POST", "/api/chat", json={**QUESTION, "stream": True}) as answer:
                await anext(answer.aiter_text())
            line = await read_until(process, "chat.settled")

    assert line["request_id"] == HEADERS["X-Request-Id"]
    assert line["prompt_tokens"] > 0
    assert line["completion_tokens"] > 0
