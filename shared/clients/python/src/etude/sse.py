"""Server-sent events: bytes in, events out."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class ServerEvent(NamedTuple):
    id: str
    name: str
    data: bytes


def parse_events(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Every complete event. A comment is skipped; what the end of the stream cut off is none."""
    last_id, name, data = "", "", list[bytes]()
    for line in _lines(chunks):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"" if not line:
                if data:
                    yield ServerEvent(last_id, name or "message", b"\n".join(data))
                name, data = "", []
            case b"id":
                last_id = value.decode()
            case b"event":
                name = value.decode()
            case b"data":
                data.append(value)
            case _:
                pass


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines. Not `str.splitlines`: it also cuts at U+2028 and others, which JSON may hold."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)
