"""A long text is cut where a reader would cut it, and nothing of it is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.text.chunking import MAX_REACH, split_text

SENTENCE = "Le glucose nourrit la plante entière. "
texts = st.text(st.sampled_from("ab é.\n#-!« »0\t\x00\u200f"), max_size=400)


@settings(deadline=None)
@given(text=texts, parts=st.integers(1, 40))
def test_the_parts_are_in_order_and_cover_everything_but_white_space(text: str, parts: int):
    spans = split_text(text, parts)

    assert len(spans) <= parts
    position = 0
    for span in spans:
        assert span.start >= position
        assert text[position : span.start].strip() == ""
        assert span.of(text) == span.of(text).strip() != ""
        position = span.end
    assert text[position:].strip() == ""


@settings(deadline=None)
@given(text=texts, parts=st.integers(1, 40))
def test_no_part_is_longer_than_one_and_a_half_of_an_equal_part(text: str, parts: int):
    for span in split_text(text, parts):
        assert span.end - span.start <= 1.5 * len(text) / parts + 2


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_sentence_is_not_cut(parts: int):
    text = SENTENCE * 100

    for span in split_text(text, parts):
        assert span.of(text).startswith("Le glucose")
        assert span.of(text).endswith("entière.")


def test_an_abbreviation_or_a_decimal_ends_no_sentence():
    text = "Le chimiste M. Lavoisier mesure environ 3.5 litres d’air chez M. Dupont à Paris. " * 20

    for span in split_text(text, 4):
        assert span.of(text).startswith("Le chimiste")


def test_a_cut_prefers_a_heading_which_stays_with_its_text():
    text = SENTENCE * 44 + "\n\n## La nuit\n\n" + SENTENCE * 6 + "\n\nUn paragraphe. " + SENTENCE * 50

    _, second = split_text(text, 2)

    assert second.of(text).startswith("## La nuit")


def test_a_cut_prefers_a_paragraph_to_a_sentence():
    text = SENTENCE * 48 + "\n\nVoici un autre paragraphe. " + SENTENCE * 52

    _, second = split_text(text, 2)

    assert second.of(text).startswith("Voici")


def test_a_text_without_boundaries_is_cut_into_equal_parts():
    assert [span.end - span.start for span in split_text("x" * 9_000, 3)] == [3_000, 3_000, 3_000]


def test_a_cut_moves_no_further_than_its_reach():
    text = "word " * 100_000 + "\n\n# Heading\n\n" + "word " * 102_000

    _, second = split_text(text, 2)

    assert abs(second.start - len(text) // 2) <= MAX_REACH < len(text) // 2 - text.index("# Heading")


def test_an_empty_text_has_no_parts():
    assert split_text("", 3) == split_text(" \n\t ", 3) == []
