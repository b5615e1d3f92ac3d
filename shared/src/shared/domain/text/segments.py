"""The segments of a text: its sentences, rows and short lists, which are what an item can be made from and quote."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from shared.domain.text.language_detection import has_word_rules
from shared.domain.text.segmentation import Block, BlockKind, blocks, is_usable, split_block
from shared.domain.text.span import Span
from shared.domain.text.structure.html import without_tags
from shared.domain.text.structure.rows import is_usable_row, rows

MIN_ENTRIES, MAX_ENTRIES = 2, 12
MAX_LISTING_CHARACTERS = 500
MAX_ENTRY_WORDS = 8


class Listing(NamedTuple):
    """A heading, or a line that ends with a colon, with the short entries under it."""

    span: Span
    lead: Span
    entries: tuple[Span, ...]


def segments(text: str) -> list[Block]:
    """The sentences, each with the kind of its block, and the rows, in order."""
    plain = without_tags(text)
    found: list[Block] = []
    for block in blocks(text):
        if block.kind is BlockKind.ROW:
            found.append(block)
        elif block.kind in (BlockKind.PARAGRAPH, BlockKind.ITEM):
            found += [Block(block.kind, span) for span in split_block(plain, block.span)]
    return found


def usable_segments(text: str) -> Iterator[Block]:
    """The sentences and rows that study material can be made from."""
    found = segments(text)
    return filter(usability(text, found), found)


def usability(text: str, found: Sequence[Block]) -> Callable[[Block], bool]:
    """Tells of a segment of the text whether study material can be made from it. `found` are all its segments."""
    plain = without_tags(text)
    usable_rows = {row.span for row in rows(text) if is_usable_row(text, row)}
    needs_stop_word = bool(found) and has_word_rules(plain)

    def is_chosen(segment: Block) -> bool:
        if segment.kind is BlockKind.ROW:
            return segment.span in usable_rows
        return is_usable(segment.span.of(plain), needs_stop_word=needs_stop_word)

    return is_chosen


def has_usable_segment(text: str) -> bool:
    """Whether study material can be made of at least one sentence, row or list."""
    return any(True for _ in usable_segments(text)) or bool(listings(text))


def listings(text: str) -> list[Listing]:
    """The lists of short entries that say what they list, in order."""
    found: list[Listing] = []
    run: list[Block] = []
    for block in [*blocks(text), None]:
        if block is not None and run and block.kind is BlockKind.ITEM:
            run.append(block)
            continue
        found += _listing(text, run)
        run = [block] if block is not None and _leads(text, block) else []
    return found


def _leads(text: str, block: Block) -> bool:
    is_open = block.kind is BlockKind.PARAGRAPH and text[block.span.end - 1] in ":："
    return is_open or block.kind is BlockKind.HEADING


def _listing(text: str, run: Sequence[Block]) -> Iterator[Listing]:
    if not MIN_ENTRIES <= len(run) - 1 <= MAX_ENTRIES:
        return
    lead, *entries = [block.span for block in run]
    span = Span(lead.start, entries[-1].end)
    are_short = all(len(entry.of(text).split()) <= MAX_ENTRY_WORDS for entry in entries)
    if are_short and span.end - span.start <= MAX_LISTING_CHARACTERS:
        yield Listing(span, lead, tuple(entries))
