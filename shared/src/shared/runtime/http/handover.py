"""Long-lived streams without a request: the connection is handed from uvicorn's protocol to one of our own.

While an ASGI application streams, its task keeps every frame and object of the request: 36 KiB for an event stream that says
nothing. An application that has begun its response may send HANDOVER instead, with an `asyncio.Protocol`. The protocol then
owns the connection, up to its end, and the application returns. uvicorn itself does this for WebSockets.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Protocol

from starlette.types import Message, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HANDOVER = "etude.handover"
WRITE_BUFFER = 32 * 1024
"""Bytes that the transport buffers before it calls `pause_writing`."""
SEND_BUFFER = 64 * 1024
"""Bytes that the kernel buffers for the connection. It would take up to 4 MiB for a client that does not read."""


OnLost = Callable[[Exception | None], None]


class StreamProtocol(Protocol):
    """What takes a connection over. The response has been begun, with chunks as its encoding."""

    def take_over(self, transport: asyncio.Transport, on_lost: OnLost) -> None:
        """`on_lost` is to be called when the connection is lost: the server counts it until then."""
        ...

    def connection_lost(self, exc: Exception | None) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...

    def shutdown(self) -> None:
        """The server stops: end the stream."""
        ...


def handover(protocol: StreamProtocol) -> Message:
    return {"type": HANDOVER, "protocol": protocol}


def hand_over(send: Send, protocol: "StreamProtocol") -> None:
    """Give the connection behind uvicorn's `send` to the protocol. It learns at once if the client has disconnected."""
    cycle = getattr(send, "__self__", None)
    assert isinstance(cycle, RequestResponseCycle), "only uvicorn's httptools can hand a connection over"
    transport = cycle.transport
    if cycle.disconnected or transport.is_closing():
        protocol.connection_lost(None)
        return
    cycle.disconnected = True  # uvicorn expects no end of the response any more
    former = transport.get_protocol()
    assert isinstance(former, HttpToolsProtocol)
    is_paused = cycle.flow.write_paused
    former.resume_writing()
    for name in ("parser", "cycle", "scope", "headers"):
        setattr(former, name, None)  # they would keep the request
    former.connections.discard(former)
    former.connections.add(protocol)  # pyright: ignore[reportArgumentType] - it is waited for as uvicorn's own are
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    transport.set_protocol(protocol)  # pyright: ignore[reportArgumentType] - it has all methods
    protocol.take_over(transport, partial(_lose, former, protocol))
    if is_paused:
        protocol.pause_writing()
    transport.set_write_buffer_limits(WRITE_BUFFER)


def _lose(former: HttpToolsProtocol, protocol: StreamProtocol, exc: Exception | None) -> None:
    former.connections.discard(protocol)  # pyright: ignore[reportArgumentType] - as above
    former.connection_lost(exc)
