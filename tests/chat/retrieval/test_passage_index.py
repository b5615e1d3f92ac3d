"""Choosing the passages of a collection for a conversation."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chat.retrieval.course_text import FACTS, TEXT, choose, long_text
from tests.factories import make_card, make_collection

from chat.retrieval.passage_index import MAX_PASSAGES, PassageIndex
from chat.retrieval.passages import PASSAGE_CHARACTERS, passages
from shared.domain.study.material import Source
from shared.domain.text.words import content_words


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
    chosen = choose(TEXT, question, limit=3)

    assert any(FACTS[fact] in span.of(TEXT) for span in chosen)


def test_a_follow_up_question_uses_the_words_of_the_one_before():
    chosen = choose(TEXT, "What do the stomata do?", "They are pores.", "And why is that so?", limit=2)

    assert any(FACTS["stomata"] in span.of(TEXT) for span in chosen)


def test_the_last_question_outweighs_the_earlier_ones():
    chosen = choose(TEXT, "What do the stomata do?", "They are pores.", "And the chlorophyll?", limit=1)

    assert FACTS["chlorophyll"] in chosen[0].of(TEXT)


def test_a_question_without_a_word_in_common_gets_passages_from_the_whole_text():
    chosen = choose(TEXT, "résumé ?")

    assert len(chosen) == MAX_PASSAGES
    assert chosen[0].start == 0
    assert chosen[-1].end == len(TEXT)


def test_a_short_text_is_shown_whole():
    text = " ".join(FACTS.values())

    assert "".join(span.of(text) for span in choose(text, "anything")).startswith(FACTS["chlorophyll"])


@given(
    st.text(alphabet=st.sampled_from("ab é.\n!?«» 1\u00ad\u0301"), max_size=3_000),
    st.text(min_size=1, max_size=50),
)
def test_passages_of_any_text_are_in_order_bounded_and_apart(text: str, question: str):
    found = [passage.span for passage in passages(text)]

    assert all(0 < span.end - span.start <= PASSAGE_CHARACTERS for span in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    assert set(choose(text, question)) <= set(found)


def test_a_follow_up_question_uses_the_words_of_the_answer_before():
    turns = ("How does the leaf breathe?", "Through its stomata.", "And why is that so?")

    assert any(FACTS["stomata"] in span.of(TEXT) for span in choose(TEXT, *turns, limit=2))


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Which light does clorophil absorb?", "chlorophyll"),
        ("Que fait la chlorophylle ?", "chlorophyll"),
        ("À quoi sert le cycle de Calvin ?", "glucose"),
        ("What do roots draw from the ground?", "racines"),
    ],
)
def test_a_misspelled_or_foreign_word_finds_its_passage(question: str, fact: str):
    assert any(FACTS[fact] in span.of(TEXT) for span in choose(TEXT, question, limit=2))


def test_a_passage_is_found_by_the_words_of_its_heading():
    text = long_text().replace("\n\n", "\n\n# Hydrothermal vents\n\nThey are hot and dark.\n\n# Towns\n\n", 1)

    assert "hot and dark" in choose(text, "What are hydrothermal vents like?", limit=1)[0].of(text)


def test_a_passage_is_found_by_the_words_of_an_item_that_quotes_it():
    start = TEXT.index(FACTS["stomata"])
    quote = Source(FACTS["stomata"], start, start + len(FACTS["stomata"]))
    card = make_card(front="Through what do plants breathe?", back="Stomata", source=quote)

    assert FACTS["stomata"] not in choose(TEXT, "Through what do plants breathe?", limit=1)[0].of(TEXT)
    chosen = choose(TEXT, "Through what do plants breathe?", limit=1, flashcards=[card])
    assert FACTS["stomata"] in chosen[0].of(TEXT)


def test_the_coverage_of_a_question_is_high_only_where_a_passage_has_its_words():
    index = PassageIndex(make_collection(text=TEXT, flashcards=[], quiz=[]))

    def coverage(question: str) -> float:
        return index.coverage(dict.fromkeys(content_words(question), 1.0))

    assert coverage("Which light does chlorophyll absorb?") > 0.9
    assert coverage("Who wrote the national anthem of Portugal?") < 0.2
    assert coverage("?") == 0.0


def test_an_empty_text_has_no_passages():
    assert choose("", "Why?") == []
