"""Sentences, entries and rows have numbers, by which a draft names what it quotes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.text.numbering import NumberedText, without_numbers
from shared.domain.text.span import Span

TEXT = """\
# The moon

The moon circles the earth. It needs 27.3 days. Oh.

- It has no air at all.

| planet | moons |
|---|---|
| Mars | 2 |
"""


def test_sentences_entries_and_rows_have_numbers_and_headings_have_none():
    assert (
        NumberedText(TEXT).write()
        == """\
# The moon

§1 The moon circles the earth. §2 It needs 27.3 days. Oh.

- §3 It has no air at all.

| planet | moons |
|---|---|
| §4 Mars | 2 |
"""
    )


@pytest.mark.parametrize(
    ("numbers", "quote"),
    [
        ([1], "The moon circles the earth."),
        ([1, 2], "The moon circles the earth. It needs 27.3 days."),
        ([2, 1], "It needs 27.3 days."),
        ([1, 4], "The moon circles the earth."),
        ([3], "It has no air at all."),
        ([4], "Mars | 2"),
        ([0], None),
        ([5], None),
        ([-1], None),
        ([], None),
    ],
)
def test_a_number_finds_its_sentence_and_those_that_follow(numbers: list[int], quote: str | None):
    span = NumberedText(TEXT).find(numbers)

    assert (span.of(TEXT) if span else None) == quote


def test_numbers_count_from_the_beginning_of_a_part():
    part = Span(TEXT.index("It needs"), len(TEXT))
    found = NumberedText(TEXT, part).find([1])

    assert found is not None
    assert found.of(TEXT) == "It needs 27.3 days."
    assert NumberedText(TEXT, part).write() == NumberedText(part.of(TEXT)).write()


@settings(deadline=None)
@given(text=st.text(st.sampled_from("ab é.\n#-!|« »0\t\x00"), max_size=300))
def test_a_numbered_text_has_the_words_of_the_text(text: str):
    assert without_numbers(NumberedText(text).write()) == text
