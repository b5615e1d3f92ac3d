"""No fact is asked twice, however many items there are."""

import pytest

from shared.domain.study import duplicates
from shared.domain.study.duplicates import FactIndex, dedupe
from shared.domain.study.material import Choice, Flashcard, QuizQuestion, Source


def card(front: str = "What is DNA?", back: str = "A molecule", *, start: int = 0, id: str = "") -> Flashcard:
    return Flashcard(id=id or f"c{start}", front=front, back=back, source=Source("q", start, start + 20))


def question(asked: str, key: str, *wrong: str, start: int = 0) -> QuizQuestion:
    options = [
        Choice(id="a", text=key, correct=True),
        *(Choice(id="b", text=text, correct=False) for text in wrong),
    ]
    return QuizQuestion(
        id=f"q{start}",
        question=asked,
        options=options,
        explanation="",
        source=Source("q", start, start + 20),
        seed=1,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("What is DNA?", "A molecule"), ("What is DNA?", "A molecule")),
        (("What is DNA?", "A molecule"), ("what is dna", "a molecule.")),
        (
            ("Qu’est-ce que la photosynthèse ?", "La fabrication de sucre grâce à la lumière"),
            ("Qu'est-ce que la photosynthese ?", "La fabrication de sucres grâce à la lumière"),
        ),
        (
            ("In what year did the people of Paris storm the Bastille?", "1789"),
            ("In which year did the people of Paris storm the Bastille?", "1789"),
        ),
    ],
)
def test_cards_with_nearly_the_same_words_are_duplicates(one: tuple[str, str], other: tuple[str, str]):
    first = card(*one, start=0)

    assert dedupe([first, card(*other, start=50)]) == [first]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("What is DNA?", "A molecule"), ("What is RNA used for?", "Making proteins")),
        (("Quand naît Louis XVI ?", "1754"), ("Quand meurt la reine ?", "1793")),
        (
            ("Who discovered radium?", "Marie Curie"),
            ("What did Marie Curie discover?", "Radium and polonium"),
        ),
    ],
)
def test_cards_about_two_facts_are_kept(one: tuple[str, str], other: tuple[str, str]):
    assert len(dedupe([card(*one, start=0), card(*other, start=50)])) == 2


def test_the_same_answer_about_the_same_quote_is_a_duplicate():
    first = card("When was the prison taken?", "1789")

    assert dedupe([first, card("Complete: “The Bastille fell in ____.”", "1789")]) == [first]


def test_questions_are_compared_by_question_and_answer():
    first = question("Which planet is the largest of them all?", "Jupiter", "Mars", "Venus")
    again = question("Which planet is the largest of all?", "Jupiter", "Mercury", "Earth", start=90)
    other = question("Which moon is the largest of Saturn?", "Titan", "Europa", "Rhea", start=90)

    assert dedupe([first, again, other]) == [first, other]


def test_an_index_remembers_the_items_of_earlier_parts():
    index = FactIndex()
    first, other = card("What is DNA?", "A molecule"), card("Who found radium?", "Marie Curie", start=90)

    assert index.add_new([first]) == [first]
    assert index.add_new([card("what is dna", "a molecule", start=50), other]) == [other]


@pytest.mark.parametrize("answer", ["{n} litres per minute", "the pump of hall {n}", "green water"])
def test_five_hundred_items_are_compared_with_few_others(answer: str, monkeypatch: pytest.MonkeyPatch):
    """The answers differ by a number, are worded alike, or are all the same: then the questions alone tell them apart."""
    items = [
        card(f"What does {n * 7919:x}{n * 104729:x} move?", answer.format(n=n), start=n) for n in range(500)
    ]
    compared: list[int] = []
    are_similar = duplicates.is_similar

    def count(one: frozenset[str], other: frozenset[str]) -> bool:
        compared.append(1)
        return are_similar(one, other)

    monkeypatch.setattr(duplicates, "is_similar", count)

    assert len(dedupe(items)) == 500
    assert len(compared) <= 500
