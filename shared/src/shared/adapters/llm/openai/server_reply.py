"""A server's reply of status 200, which may still be an error: whole, or as the data of its events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import httpx2
from openai import APIError

from shared.adapters.llm.openai.reading.content import MalformedBody, decode_body
from shared.adapters.llm.openai.reading.event_lines import EventLines
from shared.adapters.llm.openai.reading.response import is_error

LATIN_1 = ("8859-1", "latin", "1252")
"""Parts of the names of Latin-1 and of its superset, which is what servers mean by it."""


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
    is_whole = not is_stream or "json" in response.headers.get("content-type", "")
    async with aclosing(_whole(response) if is_whole else _events(response)) as events:
        first = await anext(events, None)
        if first is not None and '"error"' in first:
            _raise_error(first, response)
        yield ServerReply(first, events)


def _raise_error(data: str, response: httpx2.Response) -> None:
    try:
        fields = decode_body(data)
    except MalformedBody:
        return
    if is_error(fields):
        raise APIError("an error of status 200", response.request, body=fields)


async def _whole(response: httpx2.Response) -> AsyncGenerator[str]:
    yield _decode(await response.aread(), response.headers.get("content-type", "").lower())


def _decode(body: bytes, content_type: str) -> str:
    """JSON is UTF-8, whatever is declared, with or without a byte order mark; the declared Latin-1 is believed of what cannot be
    UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        is_latin = any(name in content_type for name in LATIN_1)
        return body.decode("cp1252" if is_latin else "utf-8", errors="replace")


async def _events(response: httpx2.Response) -> AsyncGenerator[str]:
    lines = EventLines()
    async with aclosing(response.aiter_bytes()) as received:
        async for piece in received:
            for data in lines.add(piece):
                yield data
    for data in lines.end():
        yield data
