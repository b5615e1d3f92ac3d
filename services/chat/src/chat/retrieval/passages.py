"""Divides the text of a collection into passages: spans of a few sentences under one heading."""

from collections.abc import Iterator

from msgspec import Struct

from shared.domain.text.segmentation import Block, BlockKind, blocks, split_block
from shared.domain.text.span import Span
from shared.domain.text.structure.html import without_tags

PASSAGE_CHARACTERS = 600
"""Target length of a passage, in characters: a few sentences, so that a pronoun comes with its noun."""


class Passage(Struct, frozen=True):
    """A span of the text, and the heading above it."""

    span: Span
    heading: Span | None = None


def passages(text: str) -> list[Passage]:
    """The complete text but its headings as runs of sentences and rows of at most `PASSAGE_CHARACTERS`, in order, without overlap."""
    found: list[Passage] = []
    for piece in _pieces(text):
        last = found[-1] if found else None
        if last and last.heading == piece.heading and piece.span.end - last.span.start <= PASSAGE_CHARACTERS:
            found[-1] = Passage(Span(last.span.start, piece.span.end), piece.heading)
        else:
            found.append(piece)
    return found


def _pieces(text: str) -> Iterator[Passage]:
    """Sentences and rows; those that are longer than a passage are cut."""
    plain, heading = without_tags(text), None
    for block in blocks(text):
        if block.kind is BlockKind.HEADING:
            heading = block.span
        for start, end in _readable(plain, block):
            for cut in range(start, end, PASSAGE_CHARACTERS):
                yield Passage(Span(cut, min(end, cut + PASSAGE_CHARACTERS)), heading)


def _readable(plain: str, block: Block) -> Iterator[Span]:
    if block.kind is BlockKind.ROW:
        yield block.span
    elif block.kind in (BlockKind.PARAGRAPH, BlockKind.ITEM):
        yield from split_block(plain, block.span)
