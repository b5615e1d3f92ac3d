"""A loopback proxy that can fail as networks do: it drops what passes without a word, or at a chosen command."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from local.ports import LOOPBACK

CHUNK_BYTES = 1 << 16


class Trap(Struct, frozen=True):
    """Springs once, at the first command that contains `marker`: before the server sees it, or when its answer comes."""

    marker: bytes
    is_before: bool
    spring: Callable[[], None]


class _Link(Struct, eq=False):
    """One connection through the proxy."""

    is_silent: bool = False
    has_passed: bool = False
    """The trap's command is with the server."""
    tail: bytes = b""


class Proxy:
    """Stands between clients and a server. A context manager."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._is_silent = False
        self._links = set[_Link]()
        self._trap: Trap | None = None
        self._serving = set[asyncio.Task[None]]()

    async def __aenter__(self) -> "Proxy":
        self._listener = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    @property
    def port(self) -> int:
        return self._listener.sockets[0].getsockname()[1]

    def silence(self) -> None:
        """From now on nothing passes, in either direction, and nobody is told."""
        self._is_silent = True
        for link in self._links:
            link.is_silent = True

    def hear(self) -> None:
        """New connections work again. Those that were there stay dead, as behind a router that forgot them."""
        self._is_silent = False

    def set_trap(self, trap: Trap | None) -> None:
        self._trap = trap

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        link = _Link(is_silent=self._is_silent)
        self._links.add(link)
        try:
            await self._connect(link, reader, writer)
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # a connection ended, which is what they do here
        finally:
            self._serving.discard(task)
            self._links.discard(link)
            writer.close()

    async def _connect(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._server_port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(link, reader, up_writer, self._see_command))
                group.create_task(self._pass(link, up_reader, writer, self._see_answer))
        finally:
            up_writer.close()

    async def _pass(
        self,
        link: _Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        see: Callable[[_Link, bytes], None],
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            see(link, data)
            if not link.is_silent:
                writer.write(data)
                await writer.drain()
        if link.is_silent:
            await asyncio.Event().wait()  # the other side is not told of the end either
        raise ConnectionResetError

    def _see_command(self, link: _Link, data: bytes) -> None:
        trap = self._trap
        if trap is None or trap.marker not in link.tail + data:
            link.tail = data[-len(trap.marker) :] if trap else b""
        elif trap.is_before:
            link.is_silent = True
            self._spring(trap)
        else:
            link.has_passed = True

    def _see_answer(self, link: _Link, _: bytes) -> None:
        if link.has_passed and self._trap is not None:
            link.is_silent = True
            self._spring(self._trap)

    def _spring(self, trap: Trap) -> None:
        self._trap = None
        trap.spring()
