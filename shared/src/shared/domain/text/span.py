"""A part of a text, as offsets of code points."""

from typing import NamedTuple


class Span(NamedTuple):
    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def trimmed(text: str, start: int, end: int) -> Span:
    """The part without surrounding white space; empty if it has nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1
