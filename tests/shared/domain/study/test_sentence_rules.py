"""The rules for sentences that items are made of, in both languages."""

import pytest

from shared.domain.study.sentence_rules import (
    ends_open,
    is_clean,
    is_whole,
    leans_on_context,
    speaks_of_page_or_reader,
    stands_alone,
)
from shared.domain.text.language import Language


@pytest.mark.parametrize(
    "text",
    [
        "The cell is the smallest unit of life.",
        "« La cellule est la plus petite unité du vivant. »",
        "Water (H2O) boils at 100 °C.",
        'The word "cell" comes from Latin.',
    ],
)
def test_a_sentence_with_its_beginning_and_its_full_stop_is_whole(text: str):
    assert is_whole(text)


@pytest.mark.parametrize(
    "text",
    [
        "the sdb disk, 4 GB, is entirely available;",
        "Configurer le clavier 8.1.3",
        "In general, charge Q is determined by steady current I flowing for a time t as .",
        "Allah (; , ) is the Arabic word for God.",
        "Its territory covers , making it the 41st largest country.",
        "The linear encoding is referred to as gamma=1.0 as well.",
        "The process (which is slow reverses the reaction.",
        "Call list.append() to add an entry.",
    ],
)
def test_fragments_formulas_and_sentences_with_holes_are_not_whole(text: str):
    assert not is_whole(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Figure 3 shows the heart.", "en"),
        ("The heart is shown in the second column of table 2.", "en"),
        ("As we have seen, water boils.", "en"),
        ("This chapter is about the heart.", "en"),
        ("The valve is described above.", "en"),
        ("Le tableau 4 montre le cœur.", "fr"),
        ("Voir le chapitre sur le cœur.", "fr"),
        ("Dans ce cours, le cœur est étudié.", "fr"),
        ("Nous avons vu que l’eau bout.", "fr"),
        ("Le schéma ci-dessus montre le cœur.", "fr"),
    ],
)
def test_talk_of_the_page_and_to_its_reader(text: str, language: str):
    assert speaks_of_page_or_reader(text, Language(language))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It was built in 1936.", "en"),
        ("This reaction releases heat.", "en"),
        ("For a time the latter was king.", "en"),
        ("After the war he moved to Athens.", "en"),
        ("Il est construit en 1936.", "fr"),
        ("Cette réaction libère de la chaleur.", "fr"),
        ("Le lendemain, la Bastille est prise.", "fr"),
        ("Dans ce cas, les prix augmentent.", "fr"),
    ],
)
def test_a_sentence_that_leans_on_the_one_before(text: str, language: str):
    assert leans_on_context(text, Language(language))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("In 1610, Galileo Galilei discovered four moons of Jupiter.", "en"),
        ("The table of elements lists metals and gases.", "en"),
        ("En 1681, le médecin Denis Papin invente une machine à vapeur.", "fr"),
        ("Le chapitre de la cathédrale élit l’évêque.", "fr"),
    ],
)
def test_a_sentence_that_stands_alone(text: str, language: str):
    assert stands_alone(text, Language(language))


@pytest.mark.parametrize(
    "text", ["the number of", "une partie de la", "the atom, the proton and", "l'énergie qu'", "the cell ("]
)
def test_a_phrase_that_is_broken_off_ends_open(text: str):
    assert ends_open(text)
    assert not ends_open(text + " cell")


def test_unbalanced_quotation_marks_are_not_clean():
    assert not is_clean("the so-called “great game")
    assert is_clean("the so-called “great game”")
