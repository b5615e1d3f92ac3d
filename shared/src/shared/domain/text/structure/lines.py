"""Finds the lines of a text that may hold cells, at the speed of regular expressions: most lines of most texts do not."""

import re
from collections.abc import Iterator

from shared.domain.text.span import Span, trimmed

FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_FENCE_LINE = re.compile(r"^[ \t]{0,3}(?:```|~~~)", re.M)
_MARKED = re.compile(r"[|\t;]|,\S|[:=→]|[->]>|[ \t][–—-][ \t]")


def marked_lines(text: str) -> Iterator[Span]:
    """The lines outside fenced code that contain a separator, without surrounding white space."""
    code = _code(text)
    fence = next(code, None)
    end = 0
    for mark in _MARKED.finditer(text):
        if mark.start() < end:
            continue
        start = text.rfind("\n", 0, mark.start()) + 1
        stop = text.find("\n", mark.start())
        end = len(text) if stop < 0 else stop
        while fence is not None and fence.end <= start:
            fence = next(code, None)
        if fence is None or start < fence.start:
            yield trimmed(text, start, end)


def _code(text: str) -> Iterator[Span]:
    """The parts between fences."""
    fences = [fence.start() for fence in _FENCE_LINE.finditer(text)]
    for index in range(0, len(fences), 2):
        yield Span(fences[index], fences[index + 1] if index + 1 < len(fences) else len(text))


def are_adjacent(text: str, line: Span, other: Span) -> bool:
    """Whether one line follows the other directly."""
    return text.count("\n", line.end, other.start) == 1
