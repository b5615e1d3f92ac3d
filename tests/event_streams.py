"""Server-sent events as a client reads them. A test whose subject is bytes or comments reads the lines itself.

httpx-sse also yields an event without data for a block that only sets `retry`; it is left out, as browsers do.
"""

from collections.abc import AsyncGenerator, Iterator
from typing import Any, NamedTuple

import httpx
from httpx_sse import EventSource, ServerSentEvent


class StreamEvent(NamedTuple):
    id: str
    name: str
    data: Any


def parse_events(body: str) -> list[StreamEvent]:
    """Return the events of a stream that has ended."""
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=body)
    return list(iterate_events(response))


def iterate_events(response: httpx.Response) -> Iterator[StreamEvent]:
    """Yield each event as it comes."""
    return (_decode(event) for event in EventSource(response).iter_sse() if event.data)


async def read_events(response: httpx.Response) -> AsyncGenerator[StreamEvent]:
    """Yield each event as it comes."""
    async for event in EventSource(response).aiter_sse():
        if event.data:
            yield _decode(event)


def _decode(event: ServerSentEvent) -> StreamEvent:
    return StreamEvent(event.id, event.event, event.json())
