"""Choosing passages for a question, and finding which of their sentences an answer used."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.passage_retrieval import MAX_PASSAGES, PASSAGE_CHARACTERS, choose_passages, passages, used_quotes
from shared.domain.text.span import Span

FACTS = {
    "chlorophyll": "Chlorophyll absorbs red and blue light, and reflects the green that we see.",
    "stomata": "Stomata are small pores through which carbon dioxide enters the leaf.",
    "glucose": "The Calvin cycle turns carbon dioxide into glucose without any light.",
    "racines": "Les racines puisent dans le sol l’eau et les sels minéraux dont la plante a besoin.",
}


def padding(number: int) -> str:
    """A paragraph about something else, as long as a passage."""
    return " ".join(
        f"The harbour of town number {number} was rebuilt in the year {1500 + number + i} after a great storm."
        for i in range(7)
    )


def long_text(*facts: str) -> str:
    """Each fact alone in a sea of other paragraphs."""
    blocks = [padding(i) for i in range(20)]
    for place, fact in zip(range(2, 20, 4), facts, strict=False):
        blocks.insert(place, fact)
    return "\n\n".join(blocks)


TEXT = long_text(*FACTS.values())


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Which light does chlorophyll absorb?", "chlorophyll"),
        ("How does carbon dioxide get into a leaf?", "stomata"),
        ("what is made by the CALVIN cycles", "glucose"),
        ("Que puise une racine dans le sol ?", "racines"),
        ("Quels sels mineraux ?", "racines"),
    ],
)
def test_the_passage_that_answers_the_question_is_chosen(question: str, fact: str):
    chosen = choose_passages(TEXT, [question], limit=3)

    assert any(FACTS[fact] in span.of(TEXT) for span in chosen)


def test_a_follow_up_question_uses_the_words_of_the_one_before():
    chosen = choose_passages(TEXT, ["What do the stomata do?", "And why is that so?"], limit=2)

    assert any(FACTS["stomata"] in span.of(TEXT) for span in chosen)


def test_the_last_question_outweighs_the_earlier_ones():
    chosen = choose_passages(TEXT, ["What do the stomata do?", "And the chlorophyll?"], limit=1)

    assert FACTS["chlorophyll"] in chosen[0].of(TEXT)


def test_a_question_without_a_word_in_common_gets_passages_from_the_whole_text():
    chosen = choose_passages(TEXT, ["résumé ?"])

    assert len(chosen) == MAX_PASSAGES
    assert chosen[0].start == 0
    assert chosen[-1].end == len(TEXT)


def test_a_short_text_is_shown_whole():
    text = " ".join(FACTS.values())

    assert "".join(span.of(text) for span in choose_passages(text, ["anything"])).startswith(
        FACTS["chlorophyll"]
    )


@given(st.text(alphabet=st.sampled_from("ab é.\n!?«» 1\u00ad\u0301"), max_size=3_000), st.text(max_size=50))
def test_passages_of_any_text_are_in_order_bounded_and_apart(text: str, question: str):
    found = passages(text)

    assert all(0 < span.end - span.start <= PASSAGE_CHARACTERS for span in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    assert set(choose_passages(text, [question])) <= set(found)


def test_a_repeated_sentence_is_quoted_at_its_own_place():
    shown = choose_passages(TEXT, ["stomata"], limit=1)

    (quote,) = used_quotes(f"According to your text: {FACTS['stomata']} That is all.", TEXT, shown)

    assert quote.quote == FACTS["stomata"] == TEXT[quote.start : quote.end]


def test_a_fragment_in_quotation_marks_is_quoted_with_the_characters_of_the_text():
    shown = choose_passages(TEXT, ["racines"], limit=1)

    (quote,) = used_quotes("La plante puise « dans le sol l'eau et les sels minéraux ».", TEXT, shown)

    assert quote.quote == "dans le sol l’eau et les sels minéraux" == TEXT[quote.start : quote.end]


def test_words_that_are_quoted_twice_count_once():
    shown = choose_passages(TEXT, ["stomata"], limit=1)
    answer = f"“{FACTS['stomata']}” So: “small pores through which carbon dioxide enters”."

    assert [quote.quote for quote in used_quotes(answer, TEXT, shown)] == [FACTS["stomata"]]


def test_a_sentence_that_is_closely_followed_counts_as_used():
    shown = choose_passages(TEXT, ["chlorophyll"], limit=1)
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
    assert used_quotes(answer, TEXT, choose_passages(TEXT, ["chlorophyll"])) == []


def test_a_quote_comes_only_from_a_passage_that_was_shown():
    first = Span(0, TEXT.index("\n"))

    assert used_quotes(FACTS["stomata"], TEXT, [first]) == []


@given(st.text(alphabet=st.sampled_from('ab é.\n!?«»"“” 1'), max_size=600), st.data())
def test_quotes_are_always_verbatim_in_order_and_apart(text: str, data: st.DataObject):
    shown = passages(text)
    answer = data.draw(st.text(alphabet=st.sampled_from('ab é.«»"“” 1'), max_size=200)) + text[:300]

    quotes = used_quotes(answer, text, shown)

    assert all(text[quote.start : quote.end] == quote.quote for quote in quotes)
    assert all(one.end <= other.start for one, other in itertools.pairwise(quotes))
