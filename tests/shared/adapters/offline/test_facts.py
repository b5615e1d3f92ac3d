"""What the rules of the offline generator find in short texts, and what they leave alone."""

import pytest

from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.item_generation import make_questions, read_all_facts
from shared.adapters.offline.terms import common_stems, rare_nouns
from shared.domain.study.material import Difficulty
from shared.domain.text.language import Language
from shared.domain.text.words import fold, stem


def facts(text: str) -> list[tuple[str, str]]:
    return [(fact.front, fact.back) for fact in read_all_facts(SourceView(text))]


@pytest.mark.parametrize(
    ("text", "front", "back"),
    [
        ("In chemistry, an acid is a substance that gives a proton away.", "In chemistry, what is an acid?", "A substance that gives a proton away"),
        ("Enzymes are proteins that speed up reactions in the cell.", "What are enzymes?", "Proteins that speed up reactions in the cell"),
        ("Spontaneous abortion, also known as miscarriage, is the loss of an embryo before birth.", "What is another name for spontaneous abortion?", "Miscarriage"),
        ("A series of linked carbon atoms is known as the molecular skeleton.", "What is a series of linked carbon atoms known as?", "The molecular skeleton"),
        ("The simplest possible alkane is methane.", "What is the simplest possible alkane?", "Methane"),
        ("Most earthquakes happen often. An earthquake is caused by the movement of plates.", "What causes an earthquake?", "The movement of plates"),
        ("The ampere is named after André-Marie Ampère.", "What is the ampere named after?", "André-Marie Ampère"),
        ("The function of the heart is to pump blood through the body.", "What is the function of the heart?", "To pump blood through the body"),
        ("The tail always points away from the Sun because the solar wind pushes it.", "Why is it that the tail always points away from the Sun?", "Because the solar wind pushes it"),
        ("In the late 19th century, Afghanistan became a buffer state between two empires.", "What did Afghanistan become in the late 19th century?", "A buffer state between two empires"),
        ("In 1919, King Amanullah tried to modernize Afghanistan after a war.", "Complete with the year: “In ____, King Amanullah tried to modernize Afghanistan after a war.”", "1919"),
        ("The Ghaznavid dynasty was overthrown by the Ghurids in Central Asia.", "Complete with the name: “The Ghaznavid dynasty was overthrown by the ____ in Central Asia.”", "Ghurids"),
        ("The heart of an adult human has four chambers with walls of muscle.", "Complete with the number: “The heart of an adult human has ____ chambers with walls of muscle.”", "four"),
        ("Water crosses the membrane of the cell by a process called **osmosis**.", "Complete with the term: “Water crosses the membrane of the cell by a process called ____.”", "osmosis"),
        ("Les tremblements de terre sont causés par le mouvement des plaques tectoniques.", "Qu'est-ce qui cause les tremblements de terre ?", "Le mouvement des plaques tectoniques"),
        ("Le point de rupture en profondeur s’appelle le foyer.", "Comment appelle-t-on le point de rupture en profondeur ?", "Le foyer"),
        ("Le noyau contient l’information héréditaire de la cellule.", "Que contient le noyau ?", "L'information héréditaire de la cellule"),
        ("En 1681, le médecin français Denis Papin invente une machine à vapeur.", "En quelle année le médecin français Denis Papin invente-t-il une machine à vapeur ?", "1681"),
        ("La glycémie est régulée par les hormones du pancréas.", "Par quoi est régulée la glycémie ?", "Les hormones du pancréas"),
        ("L’être humain possède 46 chromosomes dans chaque cellule.", "Complétez par le nombre : « L'être humain possède ____ chromosomes dans chaque cellule. »", "46"),
    ],
)  # fmt: skip
def test_what_is_found(text: str, front: str, back: str):
    assert (front, back) in facts(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is a substance that gives a proton away.",
        "The Internet is an essential tool of amateur astronomers.",
        "If the target is a canvas, the operation uses the image.",
        "Every channel is a grayscale image of the same size.",
        "Table 4 shows that 25 people live in the house.",
        "RAID is safe only up to one failed disk of the N+1.",
        "The manner selected often depends upon the age of the embryo.",
        "Le premier champ est le propriétaire de la question.",
        "La seconde est l’unité de masse atomique, qui vaut peu.",
        "Le cahier de l’administrateur Debian",
        "Voir le tableau 3 : la cellule contient 46 chromosomes.",
    ],
)
def test_what_is_left_alone(text: str):
    assert facts(text) == []


GLOSSARY = """# La mitose

- Prophase : condensation des chromosomes
- Métaphase : alignement des chromosomes sur le plan équatorial
- Anaphase : séparation des chromatides et migration vers les pôles
- Télophase : division du cytoplasme
- Remarque : la mitose dure deux heures environ
"""


def test_the_entries_of_a_glossary_are_cards_and_options_of_each_other():
    view = SourceView(GLOSSARY)
    found = read_all_facts(view)
    questions = make_questions(found, view, 10, Difficulty.MEDIUM)

    assert [fact.topic for fact in found] == ["Prophase", "Métaphase", "Anaphase", "Télophase"]
    assert found[0].front == "Que désigne « Prophase » ?"
    assert {option for question in questions for option in question.options} <= {fact.topic for fact in found}
    assert len(questions) >= 3


def test_a_chronology_asks_for_dates():
    text = "Mars 1916 : Bataille de Verdun\nJuin 1919 : Traité de Versailles\nMai 1945 : Fin de la guerre\n"

    assert ("Quelle est la date de l'événement : « Traité de Versailles » ?", "Juin 1919") in facts(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Gross domestic product (GDP) measures the value of all goods.", "Gross domestic product"),
        ("La molécule d’acide désoxyribonucléique (ADN) est longue.", "Acide désoxyribonucléique"),
        ("The daemon affects a daemon without any classification (DNS) at all.", None),
        ("The relations of Angola (Angola) are good in all respects.", None),
    ],
)
def test_acronyms(text: str, found: str | None):
    assert [back for front, back in facts(text) if "GDP" in front or "ADN" in front or "DNS" in front] == (
        [found] if found else []
    )


def test_a_question_needs_three_other_answers_of_its_kind():
    view = SourceView("Photosynthesis is the process by which plants make sugar from light.")

    assert make_questions(read_all_facts(view), view, 5, Difficulty.MEDIUM) == []


def test_the_years_of_a_question_stand_in_the_source():
    text = (
        "In 1919, King Amanullah began to modernize Afghanistan. In 1933, Zahir Shah became King of Afghanistan. "
        "In 1964, the Parliament of Kabul adopted a Constitution. In 1973, Daoud Khan proclaimed the Republic of Kabul."
    )
    view = SourceView(text)
    questions = make_questions(read_all_facts(view), view, 5, Difficulty.MEDIUM)
    years = [question for question in questions if question.options[0].isdigit()]

    assert years
    assert all(option in text for question in years for option in question.options)


def test_rare_nouns_are_no_common_words():
    texts = [
        "The embryo grows in the uterus.",
        "The house of the people is old.",
        "A way to the uterus is open.",
    ]

    assert rare_nouns(texts, Language.EN) == ["uterus"]


@pytest.mark.parametrize(("language", "word"), [("en", "people"), ("fr", "personne")])
def test_the_common_words_are_stems(language: str, word: str):
    assert stem(fold(word)) in common_stems(Language(language))
    assert 2_000 < len(common_stems(Language(language))) < 4_000
