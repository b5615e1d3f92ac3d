"""Finding the words of a text that a word of a question stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.text.matching.follow_up import leans_on_earlier
from shared.domain.text.matching.french_english import translations
from shared.domain.text.matching.word_matching import WordMatcher
from shared.domain.text.words import content_words, fold, stem

TEXT = (
    "Photosynthesis in chloroplasts, the Roman Republic, Malpighi's capillaries, haemoglobin, the earthquake of"
    " 1960, liberty, mitochondria, a quarantine of ships, war and peace"
)
MATCHER = WordMatcher(frozenset(content_words(TEXT)))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("photosynthèse", "photosynthesis"),
        ("république", "republic"),
        ("quarantaine", "quarantine"),
        ("mitochondrie", "mitochondria"),
        ("malpigi", "malpighi"),
        ("haemoglobine", "haemoglobin"),
        ("séisme", "earthquake"),
        ("guerre", "war"),
        ("liberté", "liberty"),
        ("peace", "peace"),
    ],
)
def test_a_word_stands_for_itself_its_translation_or_one_that_is_spelled_like_it(asked: str, found: str):
    matched = MATCHER.match(stem(fold(asked)))

    assert max(matched, key=lambda word: matched[word]) == stem(found)


@pytest.mark.parametrize("asked", ["anthem", "parrot", "war2", "1961", "go", ""])
def test_a_word_that_the_text_has_nothing_like_stands_for_nothing(asked: str):
    assert MATCHER.match(asked) == {}


def test_a_word_itself_counts_more_than_its_translation_and_more_than_its_likeness():
    matcher = WordMatcher({"guerr", "war", "quarantin"})

    assert matcher.match("guerr") == {"guerr": 1.0, "war": 0.8}
    assert 0 < matcher.match("quarantain")["quarantin"] < 0.9


@given(st.text(max_size=30), st.sets(st.text(max_size=10), max_size=10))
def test_weights_are_above_0_and_at_most_1_for_words_of_the_text(word: str, vocabulary: set[str]):
    matched = WordMatcher(vocabulary).match(word)

    assert matched.keys() <= vocabulary
    assert all(0 < weight <= 1 for weight in matched.values())


def test_translations_go_both_ways():
    assert stem("war") in translations(stem("guerre"))
    assert stem("guerre") in translations(stem("war"))
    assert translations("etude") == ()


@pytest.mark.parametrize(
    "question",
    [
        "And where did he die?",
        "Combien de temps y reste-t-il ?",
        "Et en quelle année ?",
        "Why?",
        "What is that?",
    ],
)
def test_a_question_with_a_pronoun_or_without_a_subject_leans_on_what_was_said(question: str):
    assert leans_on_earlier(question)


@pytest.mark.parametrize("question", ["Where did Wegener die?", "Quand fut signé le traité de Versailles ?"])
def test_a_question_with_a_subject_stands_alone(question: str):
    assert not leans_on_earlier(question)
