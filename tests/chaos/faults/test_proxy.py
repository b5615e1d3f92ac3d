"""The proxy fails as networks do, when it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from tests.chaos.faults.proxy import Proxy, Trap

from local.ports import LOOPBACK

SILENCE_SECONDS = 0.3
"""Long enough for an answer over loopback."""


class Echo:
    """A server that answers every line with itself, and remembers what it saw."""

    def __init__(self) -> None:
        self.seen = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.seen += line
            writer.write(line)
        writer.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, line: bytes) -> None:
        self._writer.write(line)

    async def hear(self) -> bytes:
        """A line; nothing when none comes."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                return await self._reader.readline()
        except TimeoutError:
            return b""

    async def ask(self, line: bytes) -> bytes:
        self.say(line)
        return await self.hear()


Connect = Callable[[], Awaitable[Client]]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, LOOPBACK, 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as opened:

        async def connect() -> Client:
            reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
            opened.callback(writer.close)
            return Client(reader, writer)

        yield connect


async def test_what_is_said_passes_and_so_does_the_answer(connect: Connect) -> None:
    client = await connect()
    assert await client.ask(b"one\n") == b"one\n"


async def test_in_silence_nothing_passes_and_nobody_is_told(
    proxy: Proxy, connect: Connect, echo: Echo
) -> None:
    client = await connect()
    await client.ask(b"one\n")
    proxy.silence()
    assert await client.ask(b"two\n") == b""
    assert await (await connect()).ask(b"three\n") == b""
    assert echo.seen == b"one\n"


async def test_after_it_only_new_connections_work(proxy: Proxy, connect: Connect) -> None:
    client = await connect()
    await client.ask(b"one\n")
    proxy.silence()
    proxy.hear()
    assert await client.ask(b"two\n") == b""
    assert await (await connect()).ask(b"three\n") == b"three\n"


async def test_a_trap_springs_before_the_server_sees_the_command(
    proxy: Proxy, connect: Connect, echo: Echo
) -> None:
    sprung: list[bool] = []
    proxy.set_trap(Trap(b"settle", True, lambda: sprung.append(True)))
    client = await connect()
    assert await client.ask(b"lease\n") == b"lease\n"
    assert await client.ask(b"settle\n") == b""
    assert sprung == [True]
    assert echo.seen == b"lease\n"


async def test_or_when_the_answer_comes_which_is_then_lost(
    proxy: Proxy, connect: Connect, echo: Echo
) -> None:
    sprung: list[bool] = []
    proxy.set_trap(Trap(b"settle", False, lambda: sprung.append(True)))
    client = await connect()
    assert await client.ask(b"settle\n") == b""
    assert sprung == [True]
    assert echo.seen == b"settle\n"


async def test_it_springs_once_and_at_a_command_that_comes_in_pieces(proxy: Proxy, connect: Connect) -> None:
    sprung: list[bool] = []
    proxy.set_trap(Trap(b"settle", True, lambda: sprung.append(True)))
    client, other = await connect(), await connect()
    assert await client.ask(b"se") == b""
    assert await client.ask(b"ttle\n") == b""
    assert await other.ask(b"settle\n") == b"settle\n"
    assert sprung == [True]
