"""Splits the bytes of a streamed response into the data of its events, whatever the server's line ends, with a bound on each."""

MAX_LINE_BYTES = 1_000_000
"""Size of one event. A model's piece of text is a few hundred bytes."""
DATA = b"data:"


class LineTooLong(ValueError):
    """The server sent an event that no client should hold in memory."""


class EventLines:
    """Takes bytes as they arrive. Every server of this API puts the data of an event on one line; comments and other fields
    are passed over."""

    def __init__(self) -> None:
        self._held = b""

    def add(self, received: bytes) -> list[str]:
        """Return the data of the events that are complete. Raises `LineTooLong`."""
        *lines, self._held = (self._held + received).replace(b"\r\n", b"\n").split(b"\n")
        if len(self._held) > MAX_LINE_BYTES:
            raise LineTooLong
        return _data_of(lines)

    def end(self) -> list[str]:
        """Return the data of a last event without a line end."""
        return _data_of([self._held])


def _data_of(lines: list[bytes]) -> list[str]:
    found = (line[len(DATA) :].strip() for line in lines if line.startswith(DATA))
    return [data.decode(errors="replace") for data in found if data]
