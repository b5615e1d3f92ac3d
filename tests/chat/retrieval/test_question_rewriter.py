"""Which questions a model is asked to put into other words."""

import pytest
from tests.chat.retrieval.course_text import FACTS, TEXT
from tests.factories import make_collection

from chat.retrieval.collection_cache import IndexedCollection
from chat.retrieval.passage_index import PassageIndex
from chat.retrieval.question_rewriter import needs_rewriting
from shared.domain.chat import ChatRole, ChatTurn


def index(text: str) -> IndexedCollection:
    collection = make_collection(text=text, language="en", flashcards=[], quiz=[])
    return IndexedCollection(collection=collection, index=PassageIndex(collection))


def conversation(*turns: str) -> list[ChatTurn]:
    roles = (ChatRole.USER, ChatRole.ASSISTANT)
    return [ChatTurn(roles[i % 2], turn) for i, turn in enumerate(turns)]


@pytest.mark.parametrize(
    "turns",
    [
        ("Which organs do plants breathe through?",),
        ("Quelle lumière est-ce que la chlorophylle absorbe le mieux ?",),
        ("What do stomata do?", "They let carbon dioxide into the leaf.", "And how small are they?"),
        ("What do stomata do?", "They let carbon dioxide into the leaf.", "Why?"),
    ],
)
def test_a_weak_or_foreign_or_leaning_question_needs_other_words(turns: tuple[str, ...]):
    assert needs_rewriting(conversation(*turns), index(TEXT))


@pytest.mark.parametrize(
    "turns",
    [
        ("Which light does chlorophyll absorb?",),
        ("What do stomata do?", "They let carbon dioxide in.", "Which light does chlorophyll absorb?"),
        ("What is this about?",),
        ("?",),
    ],
)
def test_a_question_with_words_of_the_text_or_with_none_needs_no_others(turns: tuple[str, ...]):
    assert not needs_rewriting(conversation(*turns), index(TEXT))


def test_a_text_that_is_shown_whole_needs_no_other_words():
    assert not needs_rewriting(conversation("Who won?"), index(FACTS["stomata"]))
