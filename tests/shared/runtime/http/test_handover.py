"""A connection that goes from uvicorn's protocol to one of ours, on both event loops: tests run on asyncio, services on uvloop."""

import asyncio
import gc
import socket
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from tests.deadline import DEADLINE_SECONDS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.runtime.http.handover import OnLost, StreamProtocol, hand_over

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Stream(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: Any = None
        self.is_lost = asyncio.Event()
        self._on_lost: OnLost = lambda _: None

    def take_over(self, transport: asyncio.Transport, on_lost: OnLost) -> None:
        self.transport, self._on_lost = transport, on_lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost(exc)
        self.is_lost.set()

    def shutdown(self) -> None:
        self.transport.close()


class CountingProtocol(HttpToolsProtocol):
    lost = 0

    def connection_lost(self, exc: Exception | None) -> None:
        type(self).lost += 1
        super().connection_lost(exc)


def serving(stream: StreamProtocol) -> tuple[uvicorn.Server, socket.socket]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        hand_over(send, stream)

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=CountingProtocol, lifespan="off", ws="none", log_config=None)
    return uvicorn.Server(config), listener


async def check_handover() -> None:
    CountingProtocol.lost = 0
    stream = Stream()
    server, listener = serving(stream)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(REQUEST)
    await reader.readuntil(b"begun\r\n")
    stream.transport.write(b"4\r\nmore\r\n")
    assert await reader.readuntil(b"more\r\n") == b"4\r\nmore\r\n"

    assert not server.server_state.tasks
    assert server.server_state.connections == {stream}
    gc.collect()
    assert not any(isinstance(one, RequestResponseCycle) for one in gc.get_objects())

    writer.close()
    await stream.is_lost.wait()
    assert (CountingProtocol.lost, server.server_state.connections) == (1, set())
    server.should_exit = True
    await running


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_is_taken_over_and_its_request_is_gone(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(check_handover(), DEADLINE_SECONDS))
