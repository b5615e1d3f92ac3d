"""Server-sent events as a client reads them. A test whose subject is bytes or comments reads the lines itself."""

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
    return map(_decode, EventSource(response).iter_sse())


async def read_events(response: httpx.Response) -> AsyncGenerator[StreamEvent]:
    """Yield each event as it comes."""
    async for event in EventSource(response).aiter_sse():
        yield _decode(event)


def _decode(event: ServerSentEvent) -> StreamEvent:
    return StreamEvent(event.id, event.event, event.json())
