"""Splits the bytes of a streamed response into the data of its events, as server-sent events are defined, with a bound on each."""

import re

import msgspec

MAX_EVENT_BYTES = 1_000_000
"""Size of one event. A model's piece of text is a few hundred bytes."""
LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return at the end may be half of a line end."""
ERROR = b"error"


class LineTooLong(ValueError):
    """The server sent an event that no client should hold in memory."""


class EventLines:
    """Takes bytes as they arrive. Comments and unknown fields are passed over. An event whose type is `error`, and llama.cpp's
    field `error`, become data with the field `error`."""

    def __init__(self) -> None:
        self._held = b""
        """The beginning of a line."""
        self._data: list[bytes] = []
        """The lines of data of the event that has begun."""
        self._type = b""

    def add(self, received: bytes) -> list[str]:
        """Return the data of the events that are complete. Raises `LineTooLong`."""
        *lines, self._held = LINE_END.split(self._held + received)
        found = [data for line in lines for data in self._read(line)]
        if len(self._held) + sum(map(len, self._data)) > MAX_EVENT_BYTES:
            raise LineTooLong
        return found

    def end(self) -> list[str]:
        """Return the data of a last event without an end."""
        return [*self._read(self._held.rstrip(b"\r")), *self._finish()]

    def _read(self, line: bytes) -> list[str]:
        if not line:
            return self._finish()
        name, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b":")
        match name:
            case b"data":
                return self._add(value.strip())
            case b"event":
                self._type = value.strip()
            case b"error":
                self._type = ERROR
                return self._add(value.strip())
            case _:
                pass
        return []

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
        text = data.decode(errors="replace")
        return [f'{{"error": {text}}}' if kind == ERROR and text.startswith("{") else text]


def _is_whole(lines: list[bytes]) -> bool:
    try:
        msgspec.json.decode(b"\n".join(lines))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
