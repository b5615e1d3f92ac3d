"""Splits a text into parts of similar length, at its best boundaries: a heading, a paragraph or a sentence. The boundaries are chosen
by the words around them, so that a text with a changed paragraph has the same parts elsewhere.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from zlib import crc32

from shared.domain.text.segmentation import BlockKind, blocks, sentences
from shared.domain.text.span import Span, line_start

MAX_REACH = 2_000
"""Characters around the middle of a text without headings and paragraphs in which a sentence is looked for."""

LONGEST_PART = 1.5
"""The longest part of `split_text`, as a fraction of the wanted size."""
SHORTEST_PART = 0.4
"""The shortest, in the same unit. The nearer it is to half the longest, the more parts a change of the text moves."""
MARK_CHARACTERS = 64
"""Characters after a boundary by which `split_text` ranks it."""

_SPACE = re.compile(r"\s+")


def split_text(text: str, size: float) -> list[Span]:
    """Spans in order, which cover everything but white space. Each has from 0.4 to 1.5 × `size` characters, and about `size`.

    The text is cut at its best boundary, then each side again, until nothing is too long. What is best depends on the words
    around a boundary and hardly on its position, so a changed paragraph changes the part that it stands in and no other.
    """
    marked = _Boundaries(text)
    cuts, too_long = {0, len(text)}, [Span(0, len(text))]
    while too_long:
        whole = too_long.pop()
        if whole.end - whole.start > max(1.0, size * LONGEST_PART):
            margin = max(1, int(size * SHORTEST_PART))
            cut = marked.best(Span(whole.start + margin, whole.end - margin))
            cuts.add(cut)
            too_long += [Span(whole.start, cut), Span(cut, whole.end)]
    spans = (_strip(text, start, end) for start, end in itertools.pairwise(sorted(cuts)))
    return [span for span in spans if span.end > span.start]


class _Boundaries:
    """The headings and paragraphs of a text, by the order in which it is cut at them."""

    def __init__(self, text: str) -> None:
        self._text = text
        headings, paragraphs = itertools.islice(_boundaries(text), 2)
        self._places = sorted({*headings, *paragraphs})
        self._ranks = {place: (1, self._checksum(place)) for place in paragraphs}
        self._ranks |= {place: (0, self._checksum(place)) for place in headings}

    def best(self, span: Span) -> int:
        """The best place to cut within the span; the nearest to its middle among equals."""
        middle = (span.start + span.end) // 2
        first, last = bisect_left(self._places, span.start), bisect_right(self._places, span.end)
        if found := self._places[first:last]:
            return min(found, key=lambda place: (*self._ranks[place], abs(place - middle)))
        reach = min(MAX_REACH, (span.end - span.start) // 2)
        start = middle - reach
        for places in _boundaries(self._text[start : middle + reach]):
            if places:
                return start + min(
                    places, key=lambda place: (self._checksum(start + place), abs(place - reach))
                )
        return middle

    def _checksum(self, place: int) -> int:
        return crc32(self._text[place : place + MARK_CHARACTERS].encode(errors="replace"))


def _boundaries(window: str) -> Iterator[list[int]]:
    """Possible cuts, from the best kind to the worst. The first block and sentence are left out: they began before the window."""
    found = blocks(window)
    pairs = list(itertools.pairwise(found))
    yield [line_start(window, block.span.start) for _, block in pairs if block.kind is BlockKind.HEADING]
    yield [
        line_start(window, block.span.start) for above, block in pairs if above.kind is not BlockKind.HEADING
    ]
    yield [span.start for span in sentences(window)[1:]]
    yield [space.end() for space in _SPACE.finditer(window)]


def _strip(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    lead = len(part) - len(part.lstrip())
    return Span(start + lead, start + max(lead, len(part.rstrip())))
