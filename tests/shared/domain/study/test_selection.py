import pytest

from shared.domain.study.material import Flashcard, Source
from shared.domain.study.selection import choose_balanced, coverage
from shared.domain.text.span import Span

SECTIONS = [Span(0, 100), Span(100, 200), Span(200, 300), Span(300, 400)]


def card(front: str = "What is DNA?", back: str = "A molecule", *, start: int = 0, id: str = "") -> Flashcard:
    return Flashcard(id=id or f"c{start}", front=front, back=back, source=Source("q", start, start + 20))


def at(*starts: int) -> list[Flashcard]:
    return [card(f"Question number {start}?", start=start) for start in starts]


def test_every_section_gives_one_item_before_any_gives_two():
    items = at(0, 10, 20, 30, 110, 210, 310)

    assert [item.source.start for item in choose_balanced(items, 5, SECTIONS)] == [0, 10, 110, 210, 310]


def test_within_a_section_the_first_item_is_chosen_first():
    items = [*at(30), *at(0, 10)]

    assert [item.source.start for item in choose_balanced(items, 2, SECTIONS)] == [0, 30]


def test_with_more_sections_than_items_the_chosen_ones_are_spread():
    sections = [Span(start, start + 10) for start in range(0, 100, 10)]

    chosen = choose_balanced(at(*range(0, 100, 10)), 2, sections)

    assert [item.source.start for item in chosen] == [20, 70]


@pytest.mark.parametrize(("count", "chosen"), [(0, 0), (3, 3), (99, 7)])
def test_no_more_items_are_chosen_than_requested_or_available(count: int, chosen: int):
    assert len(choose_balanced(at(0, 10, 20, 30, 110, 210, 310), count, SECTIONS)) == chosen


def test_without_sections_the_first_ones_are_taken():
    assert [item.source.start for item in choose_balanced(at(0, 10, 20), 2, [])] == [0, 10]


def test_coverage_is_the_share_of_sections_that_teach_and_are_quoted():
    long = "word " * 50
    text = long + "tiny. " + long + long
    parts = [Span(0, 250), Span(250, 256), Span(256, 506), Span(506, 756)]

    assert coverage(at(0, 300), text, parts) == 0.667
    assert coverage(at(250), text, parts) == 0.0
    assert coverage([], text, parts) == 0.0
    assert coverage([], "", []) == 0.0


def test_every_section_of_a_short_text_counts():
    assert coverage(at(0), "tiny text", [Span(0, 4), Span(5, 9)]) == 0.5
