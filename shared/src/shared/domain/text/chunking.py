"""Splits a text into parts of similar length, at the best boundary near each ideal cut: a heading, a paragraph or a sentence.

The time is linear in the length of the text, because only a window around each cut is read.
"""

import itertools
import re
from collections.abc import Iterator

from shared.domain.text.segmentation import BlockKind, Span, blocks, line_start, sentences

MAX_REACH = 2_000
"""Characters by which a cut may move to a boundary, or a quarter of a part if that is less."""

_SPACE = re.compile(r"\s+")


def split_text(text: str, parts: int) -> list[Span]:
    """At most `parts` spans in order, which cover everything but white space. None is longer than 1.5 equal parts.

    A sentence is cut only if none ends within reach.
    """
    cuts = [0, *_cuts(text, parts), len(text)]
    spans = (_strip(text, start, end) for start, end in itertools.pairwise(cuts))
    return [span for span in spans if span.end > span.start]


def _cuts(text: str, parts: int) -> Iterator[int]:
    reach = min(MAX_REACH, len(text) // parts // 4)  # windows never overlap, so the cuts stay in order
    for part in range(1, parts):
        yield _best_cut(text, len(text) * part // parts, reach)


def _best_cut(text: str, ideal: int, reach: int) -> int:
    start = ideal - reach
    for places in _boundaries(text[start : ideal + reach]):
        if places:
            return start + min(places, key=lambda place: abs(place - reach))
    return ideal


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
