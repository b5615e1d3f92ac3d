"""Readiness: a service is waited for until it answers 200."""

import asyncio
from asyncio import StreamReader, StreamWriter

from tests.deadline import DEADLINE_SECONDS

from local.ports import LOOPBACK
from local.services.readiness import wait_ready


async def test_a_service_is_ready_once_it_responds_with_200() -> None:
    answers = iter(
        [b"", b"garbage\r\n", b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    )
    asked: list[bytes] = []

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(next(answers))
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    async with server, asyncio.timeout(DEADLINE_SECONDS):
        await wait_ready(server.sockets[0].getsockname()[1], "/readyz")
    assert asked == [b"GET /readyz HTTP/1.1\r\n"] * 4
