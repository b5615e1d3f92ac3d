"""Numbers the sentences and rows of a text, so that a model names what it quotes instead of typing it."""

import re
from collections.abc import Sequence
from functools import cached_property

from shared.domain.text.quote_matching import MIN_QUOTE_CHARACTERS
from shared.domain.text.scripts import width
from shared.domain.text.segmentation import BlockKind
from shared.domain.text.segments import segments
from shared.domain.text.span import Span

MARK = "§"
"""Begins a number. It takes one token with the number after it less than brackets do, and seldom stands in a text."""

_NUMBER = re.compile(rf"{MARK}\d+ ")


def without_numbers(text: str) -> str:
    """What a model typed of a numbered text, without the numbers."""
    return _NUMBER.sub("", text)


class NumberedText:
    """A text, or a part of one, whose sentences, entries and rows have numbers from 1. Those that are too short to be quoted have
    none."""

    def __init__(self, text: str, within: Span | None = None) -> None:
        self._text = text
        self._within = within or Span(0, len(text))

    def write(self) -> str:
        """The text with a number before each sentence and row."""
        start, parts = self._within.start, list[str]()
        for number, span in enumerate(self._spans, start=1):
            parts += [self._text[start : span.start], f"{MARK}{number} "]
            start = span.start
        return "".join([*parts, self._text[start : self._within.end]])

    def find(self, numbers: Sequence[int]) -> Span | None:
        """The span of the first number, and of those that follow it one by one. None if there is no such number."""
        if not numbers or not 1 <= numbers[0] <= len(self._spans):
            return None
        first = last = numbers[0]
        while last < len(self._spans) and last + 1 in numbers:
            last += 1
        return Span(self._spans[first - 1].start, self._spans[last - 1].end)

    @cached_property
    def _spans(self) -> list[Span]:
        offset = self._within.start
        source = self._within.of(self._text)
        return [
            Span(span.start + offset, span.end + offset)
            for kind, span in segments(source)
            if kind is BlockKind.ROW or width(span.of(source)) >= MIN_QUOTE_CHARACTERS
        ]
