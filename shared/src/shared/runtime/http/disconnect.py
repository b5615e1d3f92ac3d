"""Ending the work behind a response as soon as its client disconnects."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.types import Receive


@asynccontextmanager
async def until_disconnect(
    receive: Receive, *, closing: asyncio.Event | None = None
) -> AsyncGenerator[asyncio.Timeout]:
    """End the block early, without an error, when the client disconnects or `closing` is set.

    The yielded scope's `expired()` tells afterwards whether the block was ended early. The body of the request must have
    been read, or be empty: the next message from `receive` is then the disconnect.
    """
    scope = asyncio.timeout(None)
    signals = [lambda: _disconnected(receive), *([closing.wait] if closing else [])]
    watchers = [asyncio.create_task(_expire(scope, signal)) for signal in signals]
    try:
        async with scope:
            yield scope
    except TimeoutError:
        if not scope.expired():
            raise
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.wait(watchers)


async def _expire(scope: asyncio.Timeout, signal: Callable[[], Awaitable[object]]) -> None:
    await signal()
    scope.reschedule(0)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
