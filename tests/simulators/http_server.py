"""A small HTTP/1.1 server that can also misbehave: hold thousands of slow answers, cut one in the middle, reset it.

A handler runs per request and is cancelled the moment its client hangs up.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple, cast

HEAD_END = b"\r\n\r\n"
CLOSE_WITH_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time."""


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Where an answer goes: whole by `send`, or `begin`, `chunk`…, `end`."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._write_head(status, {**headers, "content-length": str(len(body))}, body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self._write_head(status, {**headers, "transfer-encoding": "chunked"}, b"")

    def chunk(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close in good order with the answer unfinished."""
        self._transport.close()

    def reset(self) -> None:
        """Close as a crashed peer does."""
        sock = cast(socket.socket, self._transport.get_extra_info("socket"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSE_WITH_RESET)
        self._transport.abort()

    def _write_head(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        self._transport.write("\r\n".join(lines).encode("latin-1") + HEAD_END + body)


Handle = Callable[[Request, Wire], Awaitable[None]]

LOOPBACK = "127.0.0.1"


class HttpServer:
    """Listens from `start` to `close`."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self.host, self.port = LOOPBACK, 0

    async def start(self, port: int = 0, *, host: str = LOOPBACK) -> None:
        """Port 0: any that is free."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self._handle, self._connections), host, port, backlog=4_096
        )
        self.host, self.port = self._server.sockets[0].getsockname()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        serving = [task for connection in list(self._connections) if (task := connection.close())]
        await asyncio.gather(*serving, return_exceptions=True)
        await self._server.wait_closed()


class _Connection(asyncio.Protocol):
    def __init__(self, handle: Handle, connections: "set[_Connection]") -> None:
        self._handle = handle
        self._connections = connections
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._serving: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._serve_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._serving is not None:
            self._serving.cancel()

    def close(self) -> asyncio.Task[None] | None:
        assert self._transport is not None
        self._transport.abort()
        if self._serving is not None:
            self._serving.cancel()
        return self._serving

    def _serve_next(self) -> None:
        if self._serving is None and (request := self._take_request()):
            self._serving = asyncio.create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        assert self._transport is not None
        try:
            await self._handle(request, Wire(self._transport))
        except Exception:
            self._transport.close()  # a bug of the handler must not leave its client waiting
            raise
        self._serving = None
        if not self._transport.is_closing():
            self._serve_next()

    def _take_request(self) -> Request | None:
        """The next whole request in the buffer."""
        head, found, rest = self._buffer.partition(HEAD_END)
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        method, path, _ = first.split(" ", 2)
        return Request(method, path, headers, rest[:length])
