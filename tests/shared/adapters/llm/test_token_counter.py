"""Counting is exact, and no text makes it slow or fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.llm.token_counter import count_tokens, warm_up, without_surrogates

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("The mitochondrion is the powerhouse of the cell.", 11),
        ("L’eau s’évapore, puis se condense en nuages.", 14),
        ("😀", 1),
        ("<|endoftext|>", 7),
    ],
)
def test_counts_are_those_of_the_o200k_vocabulary(text: str, tokens: int):
    assert count_tokens(text) == tokens


@pytest.mark.parametrize("unit", ["a", " ", "\n", "1", "!", "漢", " \n", "é", "\u200d"])
def test_a_megabyte_of_one_letter_is_counted(unit: str):
    """A quadratic counter would take hours on these, not milliseconds."""
    text = unit * (MEGABYTE // len(unit))
    assert 0 < count_tokens(text) <= len(text.encode())


@given(st.text(st.characters()))
def test_any_text_can_be_counted(text: str):
    """`characters()` includes lone surrogates."""
    assert count_tokens(text) <= len(without_surrogates(text).encode())


def test_a_surrogate_pair_becomes_its_character():
    assert without_surrogates("a\ud83d\ude00b") == "a😀b"


@pytest.mark.parametrize("text", ["a\ud800b", "\udc00", "\udc00\ud800", "a\ud800"])
def test_a_lone_surrogate_is_replaced(text: str):
    assert "\ufffd" in without_surrogates(text)
    assert without_surrogates(text).encode()


def test_warm_up_may_be_repeated():
    warm_up()
    warm_up()
