"""An answer as server-sent events, and what it takes to notice that nobody listens any more."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from typing import Any, TypeVar

from starlette.types import Receive, Send

T = TypeVar("T")

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
}
HEARTBEAT = b":\n\n"
_END = object()


def encode_event(name: str, data: bytes) -> bytes:
    """`data` is JSON: one line."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


class EventResponse:
    """A response that starts when its first piece is written: what fails before that may still have a status."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = {**HEADERS, **headers}
        self.is_started = False

    async def write(self, piece: bytes) -> None:
        if not self.is_started:
            self.is_started = True
            headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def with_heartbeats(items: AsyncIterator[T], seconds: float) -> AsyncGenerator[T | None]:
    """The items as they come, and None whenever none came for `seconds`."""
    pending: asyncio.Future[T | object] | None = None
    try:
        while True:
            pending = asyncio.ensure_future(_next_or_end(items))
            while not (await asyncio.wait({pending}, timeout=seconds))[0]:
                yield None
            if (item := pending.result()) is _END:
                return
            yield item  # pyright: ignore[reportReturnType] - everything but the end is an item
    finally:
        if pending is not None and not pending.done():
            pending.cancel()
            await asyncio.wait({pending})


async def _next_or_end(items: AsyncIterator[T]) -> T | object:
    return await anext(items, _END)


async def until_hang_up(receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Run `work`, and cancel it when the client goes away: False then. Its errors are raised as they are.

    The request's body must have been read: what `receive` gives next is the end of the connection.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        if not working.done():
            working.cancel()
        await asyncio.wait({working, watching})
    if working.cancelled():
        return False
    working.result()
    return True


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
