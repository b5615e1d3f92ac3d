import pytest

from shared.domain.study.material import Choice, Flashcard, QuizQuestion, Source
from shared.domain.study.selection import choose_balanced, coverage, dedupe
from shared.domain.text.span import Span

SECTIONS = [Span(0, 100), Span(100, 200), Span(200, 300), Span(300, 400)]


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


def at(*starts: int) -> list[Flashcard]:
    return [card(f"Question number {start}?", start=start) for start in starts]


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


def test_every_section_gives_one_item_before_any_gives_two():
    items = at(0, 10, 20, 30, 110, 210, 310)

    assert [item.source.start for item in choose_balanced(items, 5, SECTIONS)] == [0, 10, 110, 210, 310]


def test_within_a_section_the_first_item_is_chosen_first():
    items = [*at(30), *at(0, 10)]

    assert [item.source.start for item in choose_balanced(items, 2, SECTIONS)] == [0, 30]


def test_with_more_sections_than_items_the_chosen_ones_are_spread():
    sections = [Span(start, start + 10) for start in range(0, 100, 10)]

    chosen = choose_balanced(at(*range(0, 100, 10)), 2, sections)

    assert [item.source.start for item in chosen] == [20, 70]


@pytest.mark.parametrize(("count", "chosen"), [(0, 0), (3, 3), (99, 7)])
def test_no_more_items_are_chosen_than_requested_or_available(count: int, chosen: int):
    assert len(choose_balanced(at(0, 10, 20, 30, 110, 210, 310), count, SECTIONS)) == chosen


def test_without_sections_the_first_ones_are_taken():
    assert [item.source.start for item in choose_balanced(at(0, 10, 20), 2, [])] == [0, 10]


def test_coverage_is_the_share_of_sections_that_teach_and_are_quoted():
    long = "word " * 50
    text = long + "tiny. " + long + long
    parts = [Span(0, 250), Span(250, 256), Span(256, 506), Span(506, 756)]

    assert coverage(at(0, 300), text, parts) == 0.667
    assert coverage(at(250), text, parts) == 0.0
    assert coverage([], text, parts) == 0.0
    assert coverage([], "", []) == 0.0


def test_every_section_of_a_short_text_counts():
    assert coverage(at(0), "tiny text", [Span(0, 4), Span(5, 9)]) == 0.5
