"""Finding which sentences of the passages an answer used."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chat.retrieval.course_text import FACTS, TEXT, choose

from chat.retrieval.passages import passages
from chat.retrieval.used_quotes import used_quotes
from shared.domain.text.span import Span


def test_a_repeated_sentence_is_quoted_at_its_own_place():
    shown = choose(TEXT, "stomata", limit=1)

    (quote,) = used_quotes(f"According to your text: {FACTS['stomata']} That is all.", TEXT, shown)

    assert quote.quote == FACTS["stomata"] == TEXT[quote.start : quote.end]


def test_a_fragment_in_quotation_marks_is_quoted_with_the_characters_of_the_text():
    shown = choose(TEXT, "racines", limit=1)

    (quote,) = used_quotes("La plante puise « dans le sol l'eau et les sels minéraux ».", TEXT, shown)

    assert quote.quote == "dans le sol l’eau et les sels minéraux" == TEXT[quote.start : quote.end]


def test_words_that_are_quoted_twice_count_once():
    shown = choose(TEXT, "stomata", limit=1)
    answer = f"“{FACTS['stomata']}” So: “small pores through which carbon dioxide enters”."

    assert [quote.quote for quote in used_quotes(answer, TEXT, shown)] == [FACTS["stomata"]]


def test_a_sentence_that_is_closely_followed_counts_as_used():
    shown = choose(TEXT, "chlorophyll", limit=1)
    answer = "The pigment chlorophyll absorbs blue and red light and reflects green, the colour we see."

    assert [quote.quote for quote in used_quotes(answer, TEXT, shown)] == [FACTS["chlorophyll"]]


@pytest.mark.parametrize(
    "answer",
    [
        "I did not find this in your text.",
        "The moon has no light of its own.",
        "It says “chlorophyll is purple and eats the light”.",
        "",
    ],
)
def test_text_that_is_not_in_the_source_is_never_a_quote(answer: str):
    assert used_quotes(answer, TEXT, choose(TEXT, "chlorophyll")) == []


def test_a_quote_comes_only_from_a_passage_that_was_shown():
    first = Span(0, TEXT.index("\n"))

    assert used_quotes(FACTS["stomata"], TEXT, [first]) == []


@given(st.text(alphabet=st.sampled_from('ab é.\n!?«»"“” 1'), max_size=600), st.data())
def test_quotes_are_always_verbatim_in_order_and_apart(text: str, data: st.DataObject):
    shown = [passage.span for passage in passages(text)]
    answer = data.draw(st.text(alphabet=st.sampled_from('ab é.«»"“” 1'), max_size=200)) + text[:300]

    quotes = used_quotes(answer, text, shown)

    assert all(text[quote.start : quote.end] == quote.quote for quote in quotes)
    assert all(one.end <= other.start for one, other in itertools.pairwise(quotes))
