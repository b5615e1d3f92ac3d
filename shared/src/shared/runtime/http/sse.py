"""Server-sent events: how an event is encoded, and the responses that write events as they come."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from starlette.types import Send

from shared.runtime.http.ai_disclosure import MACHINE_GENERATED, NAME

RECONNECT_MS = 2_000
"""How long a client waits before it reconnects, in milliseconds."""
RECONNECT = b"retry: %d\n\n" % RECONNECT_MS
HEARTBEAT = b":\n\n"
"""A comment, which keeps proxies from closing a quiet connection."""
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "x-accel-buffering": "no",
    NAME.lower(): MACHINE_GENERATED,
}


def encode_event(name: str, data: bytes, event_id: str = "") -> bytes:
    """One event. `data` is JSON, and so never contains a line break."""
    head = b"id: %s\n" % event_id.encode() if event_id else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), data)


class EventWriter:
    """Writes an event stream. The response starts with the first chunk: an error before it can still set the status."""

    def __init__(self, send: Send, headers: Mapping[str, str] | None = None) -> None:
        self._send = send
        self._headers = {**HEADERS, **(headers or {})}
        self.is_started = False
        self.written_at = asyncio.get_running_loop().time()
        """When the last chunk was written, or else the writer made, on the clock of the event loop."""

    async def write(self, chunk: bytes) -> None:
        self.written_at = asyncio.get_running_loop().time()
        if not self.is_started:
            self.is_started = True
            headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def heartbeats(writer: EventWriter, seconds: float) -> AsyncGenerator[None]:
    """Write a comment whenever the block has written nothing for `seconds`."""
    beating = asyncio.create_task(_beat(writer, seconds))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait({beating})


async def _beat(writer: EventWriter, seconds: float) -> None:
    while True:
        silence = asyncio.get_running_loop().time() - writer.written_at
        if silence < seconds:
            await asyncio.sleep(seconds - silence)
        else:
            await writer.write(HEARTBEAT)
