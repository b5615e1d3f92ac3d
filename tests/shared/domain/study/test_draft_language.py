"""When a draft is in another language as a whole, and when most of its items are."""

import pytest

from shared.domain.study.draft_language import count_in_language, is_in_other_language
from shared.domain.study.material import (
    CardDraft,
    CardDrafts,
    ItemDrafts,
    QuestionDraft,
    QuestionDrafts,
    SummaryDraft,
)

FRENCH = [
    CardDraft("Qui a écrit le premier programme ?", "Ada Lovelace l’a écrit en 1843.", "q"),
    CardDraft("Où vit le castor ?", "Il vit au bord des rivières.", "q"),
    CardDraft("Que mange le castor pendant l’hiver ?", "Il mange l’écorce des arbres.", "q"),
    CardDraft("Quelle est la fonction de la chlorophylle ?", "Elle capte la lumière du soleil.", "q"),
]
ENGLISH = [
    CardDraft("Who wrote the first program?", "Ada Lovelace wrote it in 1843.", "q"),
    CardDraft("Where does the beaver live?", "It lives on the banks of rivers.", "q"),
    CardDraft("What does the beaver eat during winter?", "It eats the bark of trees.", "q"),
    CardDraft("What is the function of chlorophyll?", "It captures the light of the sun.", "q"),
    CardDraft("When was the machine built?", "It was never built at all.", "q"),
]
QUESTION = QuestionDraft(
    "What does the beaver eat?", ["Bark", "Fish", "Grass", "Meat"], 0, "It eats the bark.", "q"
)


@pytest.mark.parametrize(("french", "english"), [(4, 5), (3, 4), (2, 3), (0, 1), (1, 5)])
def test_cards_that_are_mostly_in_another_language_are_to_be_asked_for_again(french: int, english: int):
    drafts = CardDrafts([*FRENCH[:french], *ENGLISH[:english]])
    assert is_in_other_language(drafts, "fr")
    assert count_in_language(drafts, "fr") == french


@pytest.mark.parametrize(("french", "english"), [(4, 4), (4, 1), (1, 0), (0, 0)])
def test_a_minority_in_another_language_is_left_to_the_checks(french: int, english: int):
    drafts = CardDrafts([*FRENCH[:french], *ENGLISH[:english]])
    assert not is_in_other_language(drafts, "fr")


def test_cards_and_questions_are_counted_together():
    drafts = ItemDrafts([FRENCH[0]], [QUESTION, QUESTION])
    assert is_in_other_language(drafts, "fr")
    assert not is_in_other_language(ItemDrafts(FRENCH[:2], [QUESTION]), "fr")
    assert count_in_language(QuestionDrafts([QUESTION]), "fr") == 0


def test_a_note_counts_as_one_item():
    note = SummaryDraft("The beaver lives on the banks of rivers and eats bark.", ["It is a rodent."])
    assert is_in_other_language(note, "fr")
    assert count_in_language(note, "fr") == 0
    assert count_in_language(note, "en") == 1
