"""The map of a text counts what begins in each piece, and stays small."""

import pytest

from shared.domain.study.coverage_map import MAX_ENTRIES, MAX_PLACES, Asked, Drafting, map_coverage
from shared.domain.study.drops import Drop
from shared.domain.study.material import Flashcard, MapEntry, Source
from shared.domain.study.places import PlaceKind, PlaceMarks
from shared.domain.text.span import Span

SENTENCE = "The heart of a whale beats about eight times in a minute. "
TEXT = SENTENCE * 4
SECTIONS = [Span(0, 2 * len(SENTENCE)), Span(2 * len(SENTENCE), 4 * len(SENTENCE))]
TABLE = "| Metal | Melts at |\n|---|---|\n| Tin | 232 °C |\n| Lead | 327 °C |\n"


def card(start: int) -> Flashcard:
    return Flashcard(
        id=f"c{start}", front="Q?", back="A", source=Source(SENTENCE, start, start + len(SENTENCE))
    )


def of_kind(kind: str, found: list[MapEntry]) -> list[MapEntry]:
    return [entry for entry in found if entry.kind == kind]


def test_a_section_without_an_item_is_left_out_and_says_what_was_dropped():
    second = SECTIONS[1]
    drafting = Drafting(items=[card(0)], drops=[Drop("duplicate", second), Drop("duplicate", second)])

    with_item, without = map_coverage(TEXT, SECTIONS, None, drafting)

    assert (with_item.items, with_item.left_out, with_item.dropped) == (1, 0, {})
    assert (without.items, without.left_out, without.dropped) == (0, 1, {"duplicate": 2})


def test_a_section_that_can_teach_nothing_is_not_left_out():
    (entry,) = map_coverage("1 2 3 4 5", [Span(0, 9)], None, Drafting())

    assert entry.left_out == 0


def test_requested_drafts_are_shared_by_length_and_failed_calls_are_told():
    whole = Span(0, len(TEXT))
    drafting = Drafting(asked=[Asked(whole, 10), Asked(SECTIONS[1], 3, has_failed=True)])

    assert [(entry.asked, entry.failed) for entry in map_coverage(TEXT, SECTIONS, None, drafting)] == [
        (5, False),
        (8, True),
    ]


def test_a_draft_whose_quote_was_not_found_counts_for_its_part_alone():
    drop = Drop("quote_not_found", Span(0, len(TEXT)), has_quote=False)

    *sections, part = map_coverage(TEXT, SECTIONS, None, Drafting(drops=[drop]))

    assert [entry.dropped for entry in sections] == [{}, {}]
    assert (part.kind, part.dropped) == ("part", {"quote_not_found": 1})


@pytest.mark.parametrize("quoted", ["| Tin | 232 °C |", "Tin | 232 °C"])
def test_a_row_has_an_item_whether_or_not_the_quote_has_its_bars(quoted: str):
    start = TABLE.index(quoted)

    tin, lead = of_kind("row", map_coverage(TABLE, [], None, Drafting(items=[card(start)])))

    assert (tin.items, tin.left_out) == (1, 0)
    assert (lead.items, lead.left_out) == (0, 1)


def test_places_have_their_numbers():
    pages = PlaceMarks(PlaceKind.PAGE, [0, len(SENTENCE)], [4, 5])

    found = map_coverage(TEXT, SECTIONS, pages, Drafting(items=[card(0)]))

    assert [(page.number, page.start, page.items) for page in of_kind("page", found)] == [
        (4, 0, 1),
        (5, len(SENTENCE), 0),
    ]


def test_neighbours_share_an_entry_when_there_are_too_many():
    text = SENTENCE * 1_000
    starts = [index * len(SENTENCE) for index in range(1_000)]
    spans = [Span(start, start + len(SENTENCE)) for start in starts]
    pages = PlaceMarks(PlaceKind.PAGE, starts, list(range(1, 1_001)))
    drafting = Drafting(items=[card(starts[0])], drops=[Drop("surplus", spans[1])])

    found = map_coverage(text, spans, pages, drafting)

    sections, shared = of_kind("section", found), of_kind("page", found)
    assert (len(sections), len(shared)) == (MAX_ENTRIES["section"], 143)
    assert len(shared) <= MAX_PLACES
    assert sum(page.count for page in shared) == 1_000
    first, second, *_ = shared
    assert (first.number, first.count, first.items, first.left_out) == (1, 7, 1, 6)
    assert (second.number, second.start, first.dropped) == (8, first.end, {"surplus": 1})
