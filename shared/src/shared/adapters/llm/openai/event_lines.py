"""Splits a streamed response into the data of its events, whatever the server's line ends, with a bound on each line."""

from collections.abc import AsyncGenerator, AsyncIterator

MAX_LINE_BYTES = 1_000_000
"""Size of one event. A model's piece of text is a few hundred bytes."""
DATA = b"data:"


class LineTooLong(ValueError):
    """The server sent an event that no client should hold in memory."""


async def event_data(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    """Yield the data of each event; comments and other fields are passed over. Every server of this API puts an event's data
    on one line. Raises `LineTooLong`."""
    async for line in _lines(chunks):
        if line.startswith(DATA) and (data := line[len(DATA) :].strip()):
            yield data.decode(errors="replace")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    held = b""
    async for chunk in chunks:
        *lines, held = (held + chunk).replace(b"\r\n", b"\n").split(b"\n")
        if len(held) > MAX_LINE_BYTES:
            raise LineTooLong
        for line in lines:
            yield line
    if held:
        yield held
