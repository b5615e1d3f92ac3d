"""Splits the bytes of a streamed response into the data of its events, with a bound on each: server-sent events, or JSON by lines."""

import re

import msgspec

MAX_EVENT_BYTES = 1_000_000
"""Size of one event. A model's piece of text is a few hundred bytes."""
LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return at the end may be half of a line end."""
ERROR = b"error"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LATIN_1 = ("8859-1", "latin", "1252")
"""Parts of the names of Latin-1 and of its superset, which is what servers mean by it."""


class LineTooLong(ValueError):
    """The server sent an event that no client should hold in memory."""


class EventLines:
    """Takes bytes as they arrive. Comments and unknown fields are passed over. An event whose type is `error`, and llama.cpp's
    field `error`, become data with the field `error`. JSON that stands in no field is data too: one value in each line, or one
    over several lines."""

    def __init__(self, content_type: str = "") -> None:
        self._content_type = content_type
        self._held = b""
        """The beginning of a line."""
        self._data: list[bytes] = []
        """The lines of data of the event that has begun."""
        self._type = b""
        self._json: list[bytes] = []
        """The lines of JSON that stand in no field, while it has not ended."""

    def add(self, received: bytes) -> list[str]:
        """Return the data of the events that are complete. Raises `LineTooLong`."""
        *lines, self._held = LINE_END.split(self._held + received)
        found = [data for line in lines for data in self._read(line)]
        if len(self._held) + sum(map(len, (*self._data, *self._json))) > MAX_EVENT_BYTES:
            raise LineTooLong
        return found

    def end(self) -> list[str]:
        """Return the data of a last event without an end."""
        return [*self._read(self._held.rstrip(b"\r")), *self._finish_json(), *self._finish()]

    def _read(self, line: bytes) -> list[str]:
        line = line.removeprefix(BYTE_ORDER_MARK)
        if self._json and line.startswith(b"data:"):
            return [*self._finish_json(), *self._read(line)]
        if self._json or line.lstrip().startswith((b"{", b"[")):
            return self._read_json(line)
        if not line:
            return self._finish()
        name, _, value = line.partition(b":")
        match name.strip().lower():
            case b"data":
                return self._add(value.strip().removeprefix(b"data:").strip())
            case b"event":
                self._type = value.strip()
            case b"error":
                self._type = ERROR
                return self._add(value.strip())
            case _:
                pass
        return []

    def _read_json(self, line: bytes) -> list[str]:
        """A value over several lines ends with the first line that closes it and is not indented; what is no JSON then is
        data that cannot be read."""
        self._json.append(line)
        is_end = line.rstrip().endswith((b"}", b"]")) and (len(self._json) == 1 or line[:1] in (b"}", b"]"))
        return self._finish_json() if is_end else []

    def _finish_json(self) -> list[str]:
        lines, self._json = self._json, []
        return [decode_bytes(b"\n".join(lines), self._content_type)] if lines else []

    def _add(self, data: bytes) -> list[str]:
        """Some servers end an event with its line. There the next line begins an object of its own."""
        begins_anew = self._data and data.startswith((b"{", b"[DONE]"))
        finished = self._finish() if begins_anew and _is_whole(self._data) else []
        self._data.append(data)
        return finished

    def _finish(self) -> list[str]:
        data, kind = b"\n".join(self._data), self._type
        self._data, self._type = [], b""
        if not data.strip():
            return []
        text = decode_bytes(data, self._content_type)
        return [f'{{"error": {text}}}' if kind == ERROR and text.startswith("{") else text]


def decode_bytes(data: bytes, content_type: str) -> str:
    """JSON is UTF-8, whatever is declared, with or without a byte order mark; the declared Latin-1 is believed of what cannot be
    UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        is_latin = any(name in content_type.lower() for name in LATIN_1)
        return data.decode("cp1252" if is_latin else "utf-8", errors="replace")


def _is_whole(lines: list[bytes]) -> bool:
    try:
        msgspec.json.decode(b"\n".join(lines))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
