"""Event streams: ids to resume from, a comment when nothing happens, and an end as soon as nobody listens."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from starlette.types import Receive, Scope, Send

from shared.domain.errors import StoreUnavailable

RETRY_MS = 2_000
"""How long a client waits before it connects again."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
HEARTBEAT = b":\n\n"
Fact = Callable[[], Awaitable[object]]
"""Comes true when what it returns does."""
OPENING = b"retry: %d\n\n" % RETRY_MS


def encode_event(name: str, data: bytes, event_id: str = "") -> bytes:
    """`data` is JSON: one line."""
    head = b"id: %s\n" % event_id.encode() if event_id else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), data)


class EventStream:
    """A response of events as they come. `closing` is set when the process stops: clients resume elsewhere."""

    def __init__(self, events: AsyncGenerator[bytes], closing: asyncio.Event) -> None:
        self._events = events
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        await send({"type": "http.response.body", "body": OPENING, "more_body": True})
        with suppress(StoreUnavailable):  # the client connects again, and is told then
            async with aclosing(self._events) as events, until_nobody_listens(receive, self._closing):
                async for event in events:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def until_nobody_listens(receive: Receive, closing: asyncio.Event) -> AsyncGenerator[None]:
    """Ends its block early, and quietly, when the client hangs up or the process stops."""
    async with _until(lambda: _hung_up(receive), closing.wait):
        yield


@asynccontextmanager
async def until_hang_up(receive: Receive) -> AsyncGenerator[None]:
    """Ends its block early, and quietly, when the client hangs up.

    The request's body must have been read, or be empty: what `receive` gives next is the end of the connection.
    """
    async with _until(lambda: _hung_up(receive)):
        yield


@asynccontextmanager
async def _until(*facts: Fact) -> AsyncGenerator[None]:
    ends = asyncio.timeout(None)
    watching = [asyncio.create_task(_end_with(fact, ends)) for fact in facts]
    try:
        async with ends:
            yield
    except TimeoutError:
        if not ends.expired():
            raise
    finally:
        for one in watching:
            one.cancel()
        await asyncio.wait(watching)


async def _end_with(fact: Fact, ends: asyncio.Timeout) -> None:
    await fact()
    ends.reschedule(0)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
