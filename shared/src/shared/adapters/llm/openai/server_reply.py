"""A server's reply of status 200, which may still be an error: whole, or as the data of its events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import httpx2
from openai import APIError

from shared.adapters.llm.openai.reading.event_lines import EventLines, decode_bytes
from shared.adapters.llm.openai.reading.json_body import MalformedBody
from shared.adapters.llm.openai.reading.response import is_error
from shared.adapters.llm.openai.reading.whole_body import read_body


class ServerReply:
    """The reply to a request that the server has accepted."""

    def __init__(self, first: str | None, others: AsyncGenerator[str]) -> None:
        self._first = first
        self._others = others

    @property
    def body(self) -> str:
        """A whole reply."""
        return self._first or ""

    async def events(self) -> AsyncGenerator[str]:
        """The data of each event. A server that does not stream sends everything in one."""
        if self._first is not None:
            yield self._first
            async for data in self._others:
                yield data


@asynccontextmanager
async def begin_reply(response: httpx2.Response, *, is_stream: bool) -> AsyncGenerator[ServerReply]:
    """Wait for the whole reply, or for its first event. Raises `APIError` if that is an error."""
    async with aclosing(_events(response) if is_stream else _whole(response)) as events:
        first = await anext(events, None)
        if first is not None and '"error"' in first:
            _raise_error(first, response)
        yield ServerReply(first, events)


def _content_type(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "")


def _raise_error(data: str, response: httpx2.Response) -> None:
    try:
        fields = read_body(data)
    except MalformedBody:
        return
    if is_error(fields):
        raise APIError("an error of status 200", response.request, body=fields)


async def _whole(response: httpx2.Response) -> AsyncGenerator[str]:
    yield decode_bytes(await response.aread(), _content_type(response))


async def _events(response: httpx2.Response) -> AsyncGenerator[str]:
    lines = EventLines(_content_type(response))
    async with aclosing(response.aiter_bytes()) as received:
        async for piece in received:
            for data in lines.add(piece):
                yield data
    for data in lines.end():
        yield data
