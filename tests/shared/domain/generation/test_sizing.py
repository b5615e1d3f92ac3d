"""How much is asked of how many parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.generation.sizing import (
    ITEM_TASKS,
    MAX_ASKED,
    MAX_PARTS,
    asked_items,
    count_parts,
    max_asked_items,
    possible_items,
    share,
    share_one_call,
    wanted_items,
)
from shared.domain.llm.provider import Task
from shared.domain.study.material import MAX_ITEMS, Options


@given(total=st.integers(0, 100), lengths=st.lists(st.integers(1, 10_000), min_size=1, max_size=40))
def test_shares_add_up_and_follow_the_lengths(total: int, lengths: list[int]):
    shares = share(total, lengths)

    assert sum(shares) == total
    for length, part in zip(lengths, shares, strict=True):
        assert abs(part - total * length / sum(lengths)) <= 1


def test_sharing_among_no_parts_gives_an_empty_list():
    assert share(10, []) == []


@given(possible=st.integers(0, 100), lengths=st.lists(st.integers(1, 10_000), min_size=1, max_size=40))
def test_max_asked_items_bounds_the_requests_of_every_sharing(possible: int, lengths: list[int]):
    asked = sum(asked_items(quota) for quota in share(possible, lengths))

    assert asked <= max_asked_items(possible, len(lengths))


def test_a_600_word_text_gets_twenty_cards_and_ten_questions_in_one_part():
    assert [wanted_items(task, Options(), 3_700) for task in ITEM_TASKS] == [20, 10]
    assert count_parts(ITEM_TASKS, Options(), 3_700) == 1


def test_a_short_text_gets_few_items():
    assert [wanted_items(task, Options(), 300) for task in ITEM_TASKS] == [2, 1]


def test_a_long_text_gets_items_from_every_part():
    options, characters = Options(), 7_000 * 30

    assert count_parts(ITEM_TASKS, options, characters) == 21
    assert [wanted_items(task, options, characters) for task in ITEM_TASKS] == [60, 30]


def test_a_requested_count_is_used_up_to_the_limit():
    assert wanted_items(Task.CARDS, Options(flashcards=7), 50_000) == 7
    assert wanted_items(Task.CARDS, Options(flashcards=100_000), 50_000) == MAX_ITEMS
    assert wanted_items(Task.QUESTIONS, Options(questions=0), 50_000) == 0


def test_a_short_text_limits_the_possible_items():
    options = Options(flashcards=50)

    assert wanted_items(Task.CARDS, options, 300) == 50
    assert possible_items(Task.CARDS, options, 300) == 5


@given(characters=st.integers(0, 1_048_576), wish=st.none() | st.integers(0, 1_000))
def test_no_call_requests_more_than_the_limit_of_drafts(characters: int, wish: int | None):
    options = Options(flashcards=wish)
    possible = possible_items(Task.CARDS, options, characters)
    parts = count_parts((Task.CARDS,), options, characters)

    assert 1 <= parts <= MAX_PARTS
    assert all(asked_items(quota) <= MAX_ASKED for quota in share(possible, [1] * parts))


def test_many_items_of_a_short_text_take_several_calls():
    options = Options(flashcards=100)

    assert count_parts((Task.CARDS,), options, 7_000) == 5
    assert [asked_items(quota) for quota in share(possible_items(Task.CARDS, options, 7_000), [1] * 5)] == [
        30
    ] * 5


def test_a_task_that_makes_no_items_wants_none():
    assert wanted_items(Task.SUMMARY, Options(flashcards=9), 50_000) == 0
    assert count_parts((Task.SUMMARY,), Options(), 23_000) == 1


@pytest.mark.parametrize(
    ("options", "characters", "is_joint"),
    [
        (Options(), 3_700, False),  # 30 cards and 15 questions of one part
        (Options(), 17_000, True),
        (Options(flashcards=10, questions=5), 3_700, True),
        (Options(questions=0), 17_000, False),
        (Options(flashcards=100, questions=100), 20_000, False),
    ],
)
def test_cards_and_questions_share_a_call_while_it_is_not_too_long(
    options: Options, characters: int, is_joint: bool
):
    assert share_one_call(ITEM_TASKS, options, characters) is is_joint
