import re
from pathlib import Path

import msgspec
import pytest
from tests.paths import TEXTS

from shared.domain.text.language import Language
from shared.domain.text.language_detection import detect_language, is_surely_other, sure_language
from shared.domain.text.language_tag import TAG_PATTERN


@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.txt")), ids=lambda path: path.name)
def test_each_of_our_texts_is_recognised(path: Path):
    assert detect_language(path.read_text(encoding="utf-8")) == path.name.split(".")[-2]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Le chat dort sur la table.", Language.FR),
        ("L’énergie se conserve.", Language.FR),
        ("Qu'est-ce que la mitose ?", Language.FR),
        ("Les Etats generaux se reunissent dans la salle.", Language.FR),
        ("The cat sleeps on the table.", Language.EN),
        ("What is mitosis?", Language.EN),
        ("Energy is conserved.", Language.EN),
        ("A café in Besançon is where they met.", Language.EN),
        ("", Language.EN),
        ("12345 ++ ~~", Language.EN),
    ],
)
def test_one_sentence_is_enough_to_detect_the_language(text: str, language: Language):
    assert detect_language(text) == language


@pytest.mark.parametrize(
    "text", ["", "1789", "Robespierre", "H2O", "photosynthèse", "on", "Louis XVI", "radius"]
)
def test_a_name_or_a_number_has_no_sure_language(text: str):
    assert sure_language(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Quel est le rôle de la chlorophylle dans les feuilles ?", Language.FR),
        ("What is the role of chlorophyll in the leaves?", Language.EN),
    ],
)
def test_a_whole_question_has_a_sure_language(text: str, language: Language):
    assert sure_language(text) == language


def test_the_middle_and_the_end_of_a_long_text_count():
    english_notice = "This page was intentionally left blank by the printer. " * 90
    french_book = "La Révolution commence à Paris et dans les campagnes du royaume. " * 20_000

    assert detect_language(english_notice + french_book) == Language.FR


@pytest.mark.parametrize("text", ["a" * 2_000_000, "\0" * 500_000, "\u202e" * 500_000, "é" * 500_000])
def test_hostile_text_is_given_a_language(text: str):
    assert re.search(TAG_PATTERN, detect_language(text))


SENTENCES: dict[str, list[str]] = msgspec.json.decode((TEXTS / "sentences.json").read_bytes())
"""For each of 40 languages a tiny, a short, a medium and a long sentence."""


@pytest.mark.parametrize(("language", "sentences"), SENTENCES.items(), ids=list(SENTENCES))
def test_a_sentence_of_a_hundred_characters_is_recognised(language: str, sentences: list[str]):
    assert [detect_language(sentence) for sentence in sentences[2:]] == [language, language]


@pytest.mark.parametrize(("language", "sentences"), SENTENCES.items(), ids=list(SENTENCES))
def test_a_sure_language_is_right(language: str, sentences: list[str]):
    assert {sure_language(sentence) for sentence in sentences} <= {None, language}
    assert sure_language(" ".join(sentences)) == language


def test_short_sentences_are_mostly_recognised():
    right = sum(detect_language(sentences[1]) == language for language, sentences in SENTENCES.items())
    assert right >= 39


@pytest.mark.parametrize(
    "text", ["Johann Wolfgang von Goethe", "Робеспьер", "نابليون بونابرت", "Giuseppe Garibaldi", "ナポレオン"]
)
def test_a_foreign_name_is_not_surely_in_another_language(text: str):
    assert not is_surely_other(text, "en")


@pytest.mark.parametrize(
    ("wanted", "is_other"), [("gsw", False), ("tlh", False), ("de-AT", False), ("nl", True), ("fr-CA", True)]
)
def test_nothing_is_said_of_a_language_that_the_model_does_not_know(wanted: str, is_other: bool):
    assert is_surely_other(SENTENCES["de"][3], wanted) is is_other
