"""One table a rule: what it drops, and what it lets pass, in both languages."""

import pytest

from shared.domain.study import answer_rules
from shared.domain.study import wording_rules as rules
from shared.domain.study.candidate import Candidate
from shared.domain.text.language import Language


def candidate(
    stem: str = "What does chlorophyll absorb?",
    answer: str = "Red and blue light",
    quote: str = "Chlorophyll absorbs red and blue light.",
    *,
    language: Language = Language.EN,
    is_translated: bool = False,
    distractors: tuple[str, ...] = (),
    explanation: str = "",
) -> Candidate:
    return Candidate(stem, answer, quote, language, is_translated, distractors, explanation)


@pytest.mark.parametrize(
    "item",
    [
        candidate(),
        candidate(
            "Qu’absorbe la chlorophylle ?",
            "Les rayonnements rouges et bleus",
            "La chlorophylle absorbe les rayonnements rouges et bleus.",
            language=Language.FR,
        ),
    ],
    ids=["en", "fr"],
)
def test_a_good_card_breaks_no_rule(item: Candidate):
    assert [reason for reason, is_at_fault in rules.WORDING_RULES if is_at_fault(item)] == []


@pytest.mark.parametrize(
    ("stem", "answer"), [("", "a"), ("a", ""), ("…", "light"), ("What?", "—"), (" ", " ")]
)
def test_an_item_without_words_is_empty(stem: str, answer: str):
    assert answer_rules.is_empty(candidate(stem, answer))


@pytest.mark.parametrize(
    ("stem", "answer"), [("word " * 80, "a"), ("What?", "word " * 41), ("What?", "a" * 301), ("x" * 301, "a")]
)
def test_a_long_answer_is_too_long(stem: str, answer: str):
    assert rules.is_too_long(candidate(stem, answer))


@pytest.mark.parametrize(
    ("stem", "answer", "language"),
    [
        ("Quel est le rôle de la chlorophylle dans la feuille ?", "Elle capte la lumière", Language.EN),
        ("Pourquoi les feuilles sont-elles vertes ?", "Parce que la lumière verte est renvoyée", Language.EN),
        ("En quelle année est-ce que la Bastille est prise ?", "1789", Language.EN),
        ("What is the role of the leaf in the tree?", "It is a store of energy", Language.FR),
        ("Why are the leaves of this tree green?", "Because they reflect green light", Language.FR),
    ],
)
def test_an_item_in_the_wrong_language_is_found(stem: str, answer: str, language: Language):
    assert rules.is_in_wrong_language(candidate(stem, answer, language=language))


@pytest.mark.parametrize(
    ("stem", "answer", "language"),
    [
        ("Quel est le rôle de la chlorophylle ?", "Elle capte la lumière", Language.FR),
        ("What is the role of chlorophyll?", "It captures the light", Language.EN),
        ("What does DNA stand for?", "Deoxyribonucleic acid", Language.EN),
        ("What is a coup d’État?", "A sudden seizure of power", Language.EN),
        ("Que signifie le sigle NASA ?", "National Aeronautics and Space Administration", Language.FR),
        ("H2O ?", "Eau", Language.EN),
    ],
)
def test_the_right_language_and_no_language_pass(stem: str, answer: str, language: Language):
    assert not rules.is_in_wrong_language(candidate(stem, answer, language=language))


@pytest.mark.parametrize(
    "stem",
    [
        "What does this text say about leaves?",
        "According to the text, what is DNA?",
        "According to the author, why did Rome fall?",
        "What does the passage describe?",
        "What is mentioned in the text about Rome?",
        "Which process is described above?",
        "What does the author explain?",
        "In this passage, who is the king?",
        "From the given text, name the planet.",
        "Que dit ce texte sur les feuilles ?",
        "Dans le texte, qui est le roi ?",
        "Selon le texte, qu’est-ce que l’ADN ?",
        "Selon l’auteur, pourquoi Rome tombe-t-elle ?",
        "D’après le passage, que libère la plante ?",
        "De quoi l’auteur parle-t-il dans cet extrait ?",
        "Quel phénomène est cité ci-dessus ?",
        "Que décrit ce passage ?",
        "Comment l’auteur décrit-il la mer dans ce chapitre ?",
    ],
)
def test_a_card_that_refers_to_its_text_is_found(stem: str):
    assert rules.refers_to_text(candidate(stem))


@pytest.mark.parametrize(
    "stem",
    [
        "Who is the author of Les Misérables?",
        "What does Article 1 of the constitution guarantee?",
        "What is a source of energy for plants?",
        "Which documents did the Assembly adopt?",
        "Who wrote the text of the Marseillaise?",
        "What is the passage of light through glass called?",
        "Qui est l’auteur des Misérables ?",
        "Que garantit l’article premier de la Constitution ?",
        "Quelle est la source d’énergie des plantes ?",
        "Qu’est-ce qu’un texte argumentatif ?",
        "Quel document est adopté le 26 août 1789 ?",
        "Par quel passage le bateau rejoint-il la mer ?",
    ],
)
def test_texts_and_authors_may_be_the_subject(stem: str):
    assert not rules.refers_to_text(candidate(stem))


@pytest.mark.parametrize(
    "answer", ["Yes", "no.", "True", "False", "Oui", "Non !", "Vrai", "faux", "Yes indeed", "Non, jamais"]
)
def test_a_yes_or_no_answer_is_true_or_false(answer: str):
    assert rules.is_true_or_false(candidate(answer=answer))


@pytest.mark.parametrize(
    "answer", ["No oxygen at all", "True north is geographic", "Le oui l’emporte en 1958", "Notes", "Norway"]
)
def test_an_answer_may_begin_with_no(answer: str):
    assert not rules.is_true_or_false(candidate(answer=answer))


@pytest.mark.parametrize(
    ("stem", "answer"),
    [
        ("What is it?", "It is green. It grows fast."),
        ("Qu’est-ce ?", "Elle est verte. Elle pousse vite."),
        ("What is it? When was it found?", "A planet"),
        ("Qui est-ce ? Quand naît-il ?", "Un roi"),
        ("What is it?", "A planet; it has rings"),
        ("Name the planets.", "Mercury, Venus, Earth and Mars"),
        ("Citez les planètes.", "Mercure, Vénus, la Terre et Mars"),
        ("Quels facteurs ?", "La lumière, la température, l’eau et le dioxyde de carbone"),
        ("Which are the states?", "Solid / liquid / gas / plasma"),
        ("What?", "Red, green, blue, yellow or black"),
    ],
)
def test_a_card_about_several_facts_is_found(stem: str, answer: str):
    assert rules.asks_several_facts(candidate(stem, answer))


@pytest.mark.parametrize(
    ("stem", "answer"),
    [
        ("What is it?", "A planet."),
        ("Quelle est la devise ?", "Liberté, Égalité, Fraternité"),
        (
            "What is photosynthesis?",
            "The process by which plants, algae and some bacteria make sugar from light",
        ),
        ("Qui ?", "M. Dupont"),
        ("Who?", "J. R. R. Tolkien"),
        ("When?", "June 28, 1919"),
        ("Combien ?", "3,5 kg"),
        ("How far?", "1,496 million kilometers, i.e. one astronomical unit"),
        ("What are they?", "Solid, liquid and gas"),
        ("De quoi se compose-t-elle ?", "De la lumière du Soleil et d’un peu d’eau"),
    ],
)
def test_one_fact_may_have_a_comma_and_a_full_stop(stem: str, answer: str):
    assert not rules.asks_several_facts(candidate(stem, answer))


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("Ultraviolet rays", "Chlorophyll absorbs red and blue light."),
        ("In 1790", "The Bastille fell in 1789."),
        ("21 percent of 300", "Air holds 21 percent of oxygen."),
        ("Napoléon Bonaparte", "Le roi Louis XVI est guillotiné."),
        ("La respiration cellulaire", "La photosynthèse libère du dioxygène."),
        ("En 1793", "Louis XVI est guillotiné en janvier 1792."),
        ("The mitochondrion makes energy from sugar", "The nucleus holds the DNA."),
        ("It", "The nucleus holds the DNA."),
        ("3,5 kg", "Le colis pèse 35 g."),
        ("Marie Curie", "Pierre et Irène travaillent au laboratoire."),
    ],
)
def test_an_answer_that_the_quote_does_not_contain_is_found(answer: str, quote: str):
    assert answer_rules.answer_not_in_quote(candidate(answer=answer, quote=quote))


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("Red and blue light", "Chlorophyll absorbs red and blue light."),
        ("It absorbs blue and red light", "Chlorophyll absorbs red and blue light."),
        ("1789", "The Bastille fell in 1789."),
        ("30 000", "Le corps compte 30\u00a0000 sortes de cellules."),
        ("1,300 meters", "The lake is 1300 meters deep."),
        ("Louis XVI", "Le roi Louis XVI est guillotiné."),
        ("Les rayonnements rouges", "Elle absorbe surtout les rayonnements rouges."),
        ("Le cœur", "Le coeur pompe le sang."),
        ("Two", "Mars has two moons."),
        ("Deux", "Mars possède deux lunes."),
    ],
)
def test_an_answer_may_be_reworded(answer: str, quote: str):
    assert not answer_rules.answer_not_in_quote(candidate(answer=answer, quote=quote))


def test_only_the_numbers_of_a_translation_are_compared():
    quote = "The Bastille fell in 1789."

    assert not answer_rules.answer_not_in_quote(
        candidate(answer="La prison royale", quote=quote, is_translated=True)
    )
    assert answer_rules.answer_not_in_quote(candidate(answer="En 1790", quote=quote, is_translated=True))


@pytest.mark.parametrize(
    ("stem", "answer"),
    [
        ("What is photosynthesis?", "Photosynthesis"),
        ("Who was King Louis XVI of France?", "Louis XVI"),
        ("Which light does it absorb, red and blue?", "Red and blue light"),
        ("What do the absorbed red and blue lights do?", "Absorb red and blue light"),
        ("In 1789, when did the Bastille fall?", "In 1789"),
        ("Qu’est-ce que la photosynthèse ?", "La photosynthèse"),
        ("Qui est le roi Louis XVI ?", "Le roi Louis XVI"),
        ("Complétez : « La ____ produit la photosynthèse. »", "photosynthèse"),
        ("Que fait le cœur qui pompe le sang ?", "Il pompe le sang"),
        ("Combien de lunes, deux ou trois ?", "Deux"),
    ],
)
def test_a_front_that_contains_its_answer_is_found(stem: str, answer: str):
    assert answer_rules.stem_leaks_answer(candidate(stem, answer))


@pytest.mark.parametrize(
    ("stem", "answer"),
    [
        ("What energy do plants store?", "Chemical energy"),
        ("What does chlorophyll absorb?", "Chlorophyll absorbs red and blue light"),
        ("When did the Bastille fall?", "1789"),
        ("Complete: “The ____ fell in 1789.”", "Bastille"),
        ("What is a monarchy?", "A state that a king rules"),
        ("Quelle énergie la plante stocke-t-elle ?", "L’énergie chimique"),
        ("Quand la Bastille est-elle prise ?", "Le 14 juillet 1789"),
        ("Complétez : « Le ____ pompe le sang. »", "cœur"),
        ("Qui dirige le Comité de salut public ?", "Maximilien Robespierre"),
        ("Combien de lunes Mars possède-t-elle ?", "Deux"),
    ],
)
def test_a_shared_word_is_not_a_leak(stem: str, answer: str):
    assert not answer_rules.stem_leaks_answer(candidate(stem, answer))


@pytest.mark.parametrize(
    ("stem", "is_negative"),
    [
        ("Which is not a planet?", True),
        ("All are planets except which?", True),
        ("Laquelle n’est pas une planète ?", True),
        ("Toutes sont des planètes, sauf laquelle ?", True),
        ("Which is a planet?", False),
        ("Laquelle est une planète ?", False),
        ("What do we call a knot at sea?", False),
    ],
)
def test_a_negative_question_is_flagged(stem: str, is_negative: bool):
    assert rules.is_negative_question(candidate(stem, distractors=("a", "b"))) is is_negative
    assert not rules.is_negative_question(candidate(stem))


def test_an_explanation_that_refers_to_the_text_is_flagged():
    assert rules.explanation_refers_to_text(candidate(explanation="According to the text, it is green."))
    assert not rules.explanation_refers_to_text(candidate(explanation="Green light is reflected."))


@pytest.mark.parametrize(
    "stem",
    [
        "Which of these coins was worth twelve pence?",
        "Which one of those planets has rings?",
        "Laquelle de ces planètes a des anneaux ?",
        "Parmi ces pièces, laquelle valait douze pence ?",
    ],
)
def test_a_question_may_point_at_its_options_and_a_card_may_not(stem: str):
    asked = candidate(stem, "Saturn", distractors=("Mars", "Venus"))
    assert not rules.has_unclear_subject(asked)
    assert rules.has_unclear_subject(asked._replace(distractors=()))
