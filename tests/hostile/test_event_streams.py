"""Event streams of one user who opens as many as they can and reads none, beside another who works."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import psutil
import pytest
from tests.gateway.conftest import open_desk, parts
from tests.gateway.desk import Desk, listen, make_token, submit

from gateway.services import Parts
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call_many
from shared.domain.jobs.job import UserId

ATTEMPTS, ALLOWED = 200, 20
EVENTS, EVENT_BYTES = 2_000, 1_500
"""The log of the user who does not read: 3 MB."""
MEMORY_EACH = 300 * 1024
"""The transport's buffer, a page of the log, and room for what the test itself allocates."""

_ = parts  # a fixture


@pytest.fixture
async def desk(parts: Parts) -> AsyncIterator[Desk]:
    async with open_desk(parts) as opened:
        yield opened


def make_deaf(stack: ExitStack) -> socket.socket:
    """A socket with a receive buffer as small as the kernel allows."""
    deaf = stack.enter_context(socket.socket())
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    deaf.setblocking(False)
    return deaf


async def write_log(redis: RedisClient, user: str) -> None:
    data = json.dumps({"job_id": "j", "item": "x" * EVENT_BYTES})
    log = keys.user_events(0, UserId(user))
    await call_many(redis, [("XADD", log, "*", "event", f"j item {data}")] * EVENTS)


async def test_listeners_that_do_not_read_are_few_and_hold_little(
    desk: Desk, real_redis: RedisClient
) -> None:
    await write_log(real_redis, "eve")
    host, port = desk.url.removeprefix("http://").split(":")
    request = f"GET /api/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {make_token(sub='eve')}\r\n\r\n"
    ada, loop, process = desk.client(), asyncio.get_running_loop(), psutil.Process()
    await submit(ada)
    before = process.memory_info().rss
    with ExitStack() as stack:
        for _ in range(ALLOWED):
            deaf = make_deaf(stack)
            await loop.sock_connect(deaf, (host, int(port)))
            await loop.sock_sendall(deaf, request.encode())
        while desk.parts.events.listeners < ALLOWED:  # noqa: ASYNC110 - a stream sends no signal to the test
            await asyncio.sleep(0.01)
        eve = desk.client(sub="eve")
        codes = [(await eve.get("/api/events")).status_code for _ in range(ATTEMPTS)]
        assert set(codes) == {429}

        async with listen(ada, "/api/events") as heard:
            event = await heard.next()
        assert event is not None
        assert process.memory_info().rss - before < ALLOWED * MEMORY_EACH
        assert desk.parts.events.listeners <= ALLOWED + 1
