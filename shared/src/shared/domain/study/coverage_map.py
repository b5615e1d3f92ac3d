"""Tells what became of each section, page and row of a text: its items, its dropped drafts, and what was left out."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise

from msgspec import Struct, field

from shared.domain.study.drops import Drop, count_reasons
from shared.domain.study.material import Flashcard, MapEntry, QuizQuestion
from shared.domain.study.places import PlaceMarks
from shared.domain.text.segmentation import Block, BlockKind
from shared.domain.text.segments import listings, segments, usability
from shared.domain.text.span import Span, line_start

SECTION, ROW, PART = "section", "row", "part"
MAX_ENTRIES = {SECTION: 100, ROW: 200, PART: 50}
MAX_PLACES = 150
"""Limits of the entries of each kind, 500 together, so that the map of a book takes at most 60 kB of JSON. Beyond a limit
neighbours share an entry."""


class Asked(Struct, frozen=True):
    """The drafts that were requested of a part of the text."""

    span: Span
    drafts: int
    has_failed: bool = False


class Drafting(Struct, frozen=True, kw_only=True):
    """What was asked of a text, and what came of it."""

    asked: Sequence[Asked] = field(default_factory=list[Asked])
    items: Sequence[Flashcard | QuizQuestion] = field(default_factory=list[Flashcard | QuizQuestion])
    drops: Sequence[Drop] = field(default_factory=list[Drop])


def map_coverage(
    text: str, sections: Sequence[Span], places: PlaceMarks | None, drafting: Drafting
) -> list[MapEntry]:
    """The map. Each item and each dropped draft counts once among the sections and, if the document has them, once among its
    places; rows repeat what is theirs. Drafts whose quote was not found count in `part` entries alone."""
    found = segments(text)
    is_usable = usability(text, found)
    rows = [_whole_line(text, one.span) for one in found if one.kind is BlockKind.ROW and is_usable(one)]
    describe = _Describer(drafting, _Teaching(text, found, is_usable))
    return [
        *_merged([describe(SECTION, span) for span in sections], MAX_ENTRIES[SECTION]),
        *_merged(
            [describe(places.kind.value, span, number) for span, number in _place_spans(places, len(text))]
            if places
            else [],
            MAX_PLACES,
        ),
        *_merged([describe(ROW, span) for span in rows], MAX_ENTRIES[ROW]),
        *_merged(list(_unplaced(drafting)), MAX_ENTRIES[PART]),
    ]


def _whole_line(text: str, row: Span) -> Span:
    """With what stands before its first cell, because a quote may begin there."""
    return Span(line_start(text, row.start), row.end)


def _place_spans(places: PlaceMarks, length: int) -> Iterator[tuple[Span, int]]:
    for bounds, number in zip(pairwise([*places.starts, length]), places.numbers, strict=True):
        yield Span(*bounds), number


class _Teaching:
    """Finds out where study material can be made from the text. Few sentences are looked at: the first usable one decides."""

    def __init__(self, text: str, found: Sequence[Block], is_usable: Callable[[Block], bool]) -> None:
        self._found = found
        self._starts = [one.span.start for one in found]
        self._listings = [one.span.start for one in listings(text)]
        self._is_usable = is_usable

    def is_within(self, span: Span) -> bool:
        first, last = bisect_left(self._starts, span.start), bisect_left(self._starts, span.end)
        return _count_within(self._listings, span) > 0 or any(map(self._is_usable, self._found[first:last]))


class _Describer:
    """Looks up what begins within a span, in lists that are sorted once."""

    def __init__(self, drafting: Drafting, teaching: _Teaching) -> None:
        self._asked = drafting.asked
        self._items = sorted(item.source.start for item in drafting.items)
        self._drops = sorted((drop for drop in drafting.drops if drop.has_quote), key=lambda drop: drop.span)
        self._drop_starts = [drop.span.start for drop in self._drops]
        self._teaching = teaching

    def __call__(self, kind: str, span: Span, number: int = 0) -> MapEntry:
        items = _count_within(self._items, span)
        first, last = bisect_left(self._drop_starts, span.start), bisect_left(self._drop_starts, span.end)
        return MapEntry(
            kind=kind,
            start=span.start,
            end=span.end,
            number=number,
            asked=round(sum(_share_of(asked, span) for asked in self._asked)),
            items=items,
            dropped=dict(sorted(count_reasons(self._drops[first:last]).items())),
            left_out=int(not items and self._teaching.is_within(span)),
            failed=any(asked.has_failed and _share_of(asked, span) for asked in self._asked),
        )


def _count_within(starts: Sequence[int], span: Span) -> int:
    return bisect_left(starts, span.end) - bisect_left(starts, span.start)


def _share_of(asked: Asked, span: Span) -> float:
    """The drafts requested of the span, by its share of the part's length."""
    shared = min(asked.span.end, span.end) - max(asked.span.start, span.start)
    return asked.drafts * max(0, shared) / max(1, asked.span.end - asked.span.start)


def _unplaced(drafting: Drafting) -> Iterator[MapEntry]:
    by_part: dict[Span, list[Drop]] = {}
    for drop in drafting.drops:
        if not drop.has_quote:
            by_part.setdefault(drop.span, []).append(drop)
    for span in sorted(by_part):
        dropped = dict(sorted(count_reasons(by_part[span]).items()))
        yield MapEntry(kind=PART, start=span.start, end=span.end, dropped=dropped)


def _merged(entries: Sequence[MapEntry], limit: int) -> Iterator[MapEntry]:
    """The entries, or groups of neighbours if there are more than `limit`."""
    size = -(-len(entries) // limit)
    for start in range(0, len(entries), max(1, size)):
        yield _merge(entries[start : start + size])


def _merge(group: Sequence[MapEntry]) -> MapEntry:
    if len(group) == 1:
        return group[0]
    dropped = Counter(chain.from_iterable(Counter(entry.dropped).elements() for entry in group))
    return MapEntry(
        kind=group[0].kind,
        start=group[0].start,
        end=group[-1].end,
        number=group[0].number,
        count=sum(entry.count for entry in group),
        asked=sum(entry.asked for entry in group),
        items=sum(entry.items for entry in group),
        dropped=dict(sorted(dropped.items())),
        left_out=sum(entry.left_out for entry in group),
        failed=any(entry.failed for entry in group),
    )
