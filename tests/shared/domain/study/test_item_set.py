"""What is chosen stays chosen, and every draft is accounted for."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.study.drops import Drop
from shared.domain.study.item_set import ItemSet
from shared.domain.study.material import Flashcard, Source
from shared.domain.study.validation import Checked
from shared.domain.text.span import Span

ANIMALS = "lynx otter heron beaver salmon badger falcon marten vole stoat osprey newt".split()  # noqa: SIM905 - a list of words
SECTIONS = [Span(start, start + 100) for start in range(0, 1_200, 100)]


def make_card(number: int) -> Flashcard:
    """Card 13 asks the same as card 1, from another place."""
    animal = ANIMALS[number % len(ANIMALS)]
    start = number * 50
    return Flashcard(
        id=f"c{number}",
        front=f"Where does the {animal * 3} live?",
        back=animal[::-1] * 2,
        source=Source("quote", start, start + 5),
    )


def make_checked(numbers: Sequence[int], **dropped: int) -> Checked[Flashcard]:
    drops = [Drop(reason, Span(0, 5)) for reason, count in dropped.items() for _ in range(count)]
    return Checked(items=[make_card(number) for number in numbers], drops=drops, flagged={})


def test_no_more_than_the_quota_of_a_part_is_chosen():
    gathering = ItemSet[Flashcard](6, SECTIONS)

    told = gathering.add(make_checked([0, 1, 2, 3]), quota=3)

    assert len(told) == 3
    assert gathering.chosen == told


def test_spare_items_replace_those_that_a_part_lacks():
    gathering = ItemSet[Flashcard](4, SECTIONS)
    gathering.add(make_checked([]), quota=2)
    gathering.add(make_checked([4, 5, 6]), quota=2)

    assert len(gathering.chosen) == 2
    assert len(gathering.fill()) == 1
    assert len(gathering.chosen) == 3


def test_a_fact_of_two_parts_is_chosen_once():
    gathering = ItemSet[Flashcard](10, SECTIONS)
    gathering.add(make_checked([1]), quota=5)

    assert gathering.add(make_checked([13, 2]), quota=5) == [make_card(2)]
    assert gathering.dropped == {"duplicate": 1}


def test_chosen_items_are_in_the_order_of_the_source():
    gathering = ItemSet[Flashcard](4, SECTIONS)
    gathering.add(make_checked([8, 9]), quota=2)
    gathering.add(make_checked([1, 2]), quota=2)

    assert [card.id for card in gathering.chosen] == ["c1", "c2", "c8", "c9"]


@given(
    wanted=st.integers(0, 12),
    parts=st.lists(
        st.tuples(st.lists(st.integers(0, 23), unique=True), st.integers(0, 5), st.integers(0, 3)), max_size=5
    ),
)
def test_drafts_are_chosen_or_counted_as_dropped_and_chosen_items_stay(
    wanted: int, parts: list[tuple[list[int], int, int]]
):
    gathering = ItemSet[Flashcard](wanted, SECTIONS)
    told: list[Flashcard] = []
    for numbers, quota, faulty in parts:
        told += gathering.add(make_checked(numbers, empty=faulty), quota)
    told += gathering.fill()

    assert sorted(told, key=lambda card: card.source.start) == gathering.chosen
    assert len(told) <= wanted
    assert gathering.drafted == len(told) + sum(gathering.dropped.values())
