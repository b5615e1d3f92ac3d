from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.study.material import CardDraft, Difficulty, QuestionDraft
from shared.domain.study.validation import (
    CHECKS_OFF,
    FLAWS,
    LANGUAGE_BOUND,
    REASONS,
    RULES,
    check_cards,
    check_questions,
)
from shared.domain.text.language import Language
from shared.domain.text.span import Span

TEXT = (
    "La **photosynthèse** est le processus par lequel les plantes produisent du sucre grâce à la lumière.\n"
    "Elle libère du dioxygène. En 1771, Joseph Priestley observe ce phénomène dans son laboratoire."
)
QUOTE = "La photosynthèse est le processus par lequel les plantes produisent du sucre grâce à la lumière."
CARD = CardDraft(
    "Qu’est-ce que la photosynthèse ?", "Le processus par lequel les plantes produisent du sucre", QUOTE
)
QUESTION = QuestionDraft(
    "Qui observe la libération d’un gaz par les plantes ?",
    ["Joseph Priestley", "Antoine Lavoisier", "Isaac Newton", "Galilée"],
    0,
    "Priestley l’observe en 1771.",
    "En 1771, Joseph Priestley observe ce phénomène",
)


def check_card(card: CardDraft, text: str = TEXT, language: Language = Language.FR):
    return check_cards([card], text=text, language=language)


def check_question(question: QuestionDraft, text: str = TEXT):
    return check_questions([question], text=text, language=Language.FR)


def test_a_good_card_quotes_its_source_verbatim():
    checked = check_cards([CARD], text=TEXT, language=Language.FR, difficulty=Difficulty.HARD)

    (card,) = checked.items
    assert card.source.quote == TEXT[card.source.start : card.source.end]
    assert card.source.quote.startswith("La **photosynthèse** est")
    assert (card.front, card.back) == (CARD.front, CARD.back)
    assert (card.difficulty, card.language) == (Difficulty.HARD, "fr")
    assert checked.dropped == {}


def test_a_number_is_a_quote_as_exact_as_a_typed_one():
    numbered = CardDraft(CARD.front, CARD.back, numbers=[1])

    assert check_card(numbered) == check_card(CARD)


def test_a_number_counts_from_the_beginning_of_the_part():
    part = Span(TEXT.index("Elle libère"), len(TEXT))
    draft = CardDraft("Que libère la photosynthèse ?", "du dioxygène", numbers=[1])
    (card,) = check_cards([draft], text=TEXT, language=Language.FR, within=part).items

    assert card.source.quote == "Elle libère du dioxygène."


@pytest.mark.parametrize("numbers", [[], [0], [99]])
def test_a_number_that_is_none_of_the_part_is_no_quote(numbers: list[int]):
    assert check_card(CardDraft(CARD.front, CARD.back, numbers=numbers)).dropped == {"quote_not_found": 1}
    assert check_card(CardDraft(CARD.front, CARD.back, QUOTE, numbers)).items


def test_a_typed_quote_is_found_without_its_number():
    assert check_card(CardDraft(CARD.front, CARD.back, f"§1 {QUOTE}")) == check_card(CARD)


def test_the_right_option_survives_the_shuffle():
    (question,) = check_question(QUESTION).items

    assert [option.id for option in question.options] == ["a", "b", "c", "d"]
    assert [option.text for option in question.options if option.correct] == ["Joseph Priestley"]
    assert {option.text for option in question.options} == set(QUESTION.options)
    assert question.source.quote == TEXT[question.source.start : question.source.end]


def test_the_same_drafts_give_the_same_ids_seeds_and_order():
    assert check_card(CARD) == check_card(CARD)
    assert check_question(QUESTION) == check_question(QUESTION)


def test_another_question_about_the_same_quote_has_another_id_and_order():
    others = [
        QuestionDraft(f"Qui mène l’expérience numéro {number} ?", *_rest(QUESTION)) for number in range(40)
    ]
    made = [check_question(other).items[0] for other in others]

    assert len({question.id for question in made}) == len(made)
    keys = Counter(option.id for question in made for option in question.options if option.correct)
    assert set(keys) == {"a", "b", "c", "d"}


def _rest(question: QuestionDraft) -> tuple[list[str], int, str, str | None]:
    return question.options, question.answer, question.explanation, question.quote


def test_a_dropped_draft_is_counted_under_its_reason():
    drafts = [
        CARD,
        CARD,
        CardDraft(CARD.front, CARD.back, "Les plantes mangent du sucre toute la nuit."),
        CardDraft(CARD.front, CARD.back, "La"),
        CardDraft(CARD.front, CARD.back, "x" * 701),
        CardDraft(CARD.front, "", QUOTE),
        CardDraft("Que dit ce texte sur la plante ?", CARD.back, QUOTE),
        CardDraft("What is the role of light for the plants?", CARD.back, QUOTE),
        CardDraft("Que produisent les plantes ?", "Du fer et du cuivre", QUOTE),
        CardDraft("Que produisent du sucre les plantes ?", "Du sucre", QUOTE),
    ]

    checked = check_cards(drafts, text=TEXT, language=Language.FR)

    assert len(checked.items) == 1
    assert checked.dropped == {
        "duplicate": 1,
        "quote_not_found": 1,
        "quote_too_short": 1,
        "quote_too_long": 1,
        "empty": 1,
        "refers_to_text": 1,
        "wrong_language": 1,
        "answer_not_in_quote": 1,
        "leaks_answer": 1,
    }
    assert len(checked.items) + sum(checked.dropped.values()) == len(drafts)


def test_malformed_options_drop_the_draft():
    for options, answer in (
        ([], 0),
        (["Joseph Priestley"], 0),
        (QUESTION.options, 9),
        (QUESTION.options, -1),
    ):
        broken = QuestionDraft(QUESTION.question, options, answer, "", QUESTION.quote)

        assert check_question(broken).dropped == {"malformed_options": 1}


def test_one_flaw_is_flagged_and_two_drop_the_draft():
    negative = QuestionDraft("Qui n’est pas né au pays ?", *_rest(QUESTION))
    options = ["Joseph Priestley", "Antoine Lavoisier", "Isaac Newton, jamais"]
    both = QuestionDraft("Qui n’est pas né au pays ?", options, 0, QUESTION.explanation, QUESTION.quote)

    assert check_question(negative).flagged == {"negative_question": 1}
    assert check_question(both).dropped == {"several_flaws": 1}


def test_material_in_another_language_keeps_the_quote_of_the_source():
    card = CardDraft(
        "What is photosynthesis?", "The process that lets the plants make their sugar from the light", QUOTE
    )

    (kept,) = check_card(card, language=Language.EN).items

    assert kept.language == "en"
    assert kept.source.quote in TEXT
    assert check_card(card, language=Language.FR).dropped == {"wrong_language": 1}
    assert check_card(CARD, language=Language.EN).dropped == {"wrong_language": 1}


def test_quotes_are_found_in_the_part_with_offsets_of_the_whole_text():
    doubled = TEXT + "\n\n" + TEXT
    chunk = Span(len(TEXT) + 2, len(doubled))

    (card,) = check_cards([CARD], text=doubled, language=Language.FR, within=chunk).items

    assert card.source.start == chunk.start
    assert check_cards([CARD], text=doubled, language=Language.FR, within=Span(0, 20)).dropped == {
        "quote_not_found": 1
    }


def test_control_and_invisible_characters_do_not_reach_a_learner():
    draft = CardDraft("Qu’est-ce que\0 la\n\u202e photosynthèse\u00a0?", CARD.back + "\u200b", QUOTE)

    (card,) = check_card(draft).items

    assert card.front == "Qu’est-ce que la photosynthèse\u00a0?"
    assert card.back == CARD.back


def test_reason_codes_are_unique_words():
    codes = [code for code, _ in (*RULES, *FLAWS)]

    assert len(set(codes)) == len(codes)
    assert all(code.isidentifier() and code == code.lower() for code in codes)


TEXTS = st.text(max_size=300) | st.lists(
    st.sampled_from([*"aé’'«».,-\n \0", "mot ", "the ", "est ", "\u202e", "\u0301", "12 "]), max_size=80
).map("".join)


@given(TEXTS, st.data())
def test_items_of_any_draft_and_any_text_quote_the_text_exactly(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    quote = data.draw(st.just(text[start : start + 60]) | TEXTS)
    back = data.draw(st.just(quote[:30]) | TEXTS)
    cards = check_cards([CardDraft(data.draw(TEXTS), back, quote)], text=text, language=Language.FR)
    options = [back, *data.draw(st.lists(TEXTS, max_size=5))]
    drafts = [QuestionDraft(data.draw(TEXTS), options, data.draw(st.integers(-1, 6)), "", quote)]
    questions = check_questions(drafts, text=text, language=Language.EN)

    for item in (*cards.items, *questions.items):
        assert text[item.source.start : item.source.end] == item.source.quote
    assert len(cards.items) + sum(cards.dropped.values()) == 1
    assert len(questions.items) + sum(questions.dropped.values()) == 1


CHINESE = "心脏把血液泵送到全身。光合作用把光转化为化学能，植物以糖的形式把它储存在叶子里。"


@pytest.mark.parametrize(
    ("card", "dropped"),
    [
        (CardDraft("心脏把什么泵送到全身？", "血液", "心脏把血液泵送到全身。"), {}),
        (CardDraft("心脏把血液泵送到哪里？", "血液", "心脏把血液泵送到全身。"), {"leaks_answer": 1}),
        (CardDraft("心脏做什么？", "每分钟泵血70次", "心脏把血液泵送到全身。"), {"answer_not_in_quote": 1}),
        (CardDraft("心脏做什么？", "泵送血液", "心脏把氧气泵送到全身。"), {"quote_not_found": 1}),
        (CardDraft("心脏做什么？血液去哪里？", "全身", "心脏把血液泵送到全身。"), {"several_facts": 1}),
        (
            CardDraft("What does the heart pump through the whole body?", "血液", "心脏把血液泵送到全身。"),
            {"wrong_language": 1},
        ),
    ],
)
def test_what_needs_no_words_is_checked_in_every_language(card: CardDraft, dropped: dict[str, int]):
    assert check_cards([card], text=CHINESE, language="zh").dropped == dropped


def test_every_check_that_is_off_is_a_reason():
    assert set(CHECKS_OFF) <= set(REASONS)
    assert set(CHECKS_OFF) >= LANGUAGE_BOUND & set(REASONS)
    assert sorted(CHECKS_OFF) == list(CHECKS_OFF)


def test_french_words_mean_nothing_in_another_language():
    text = "Der Autor nennt viele Orte. Non ist ein Ort in der Provinz, den er kennt."
    card = CardDraft(
        "Wie heißt der Ort in der Provinz?", "Non", "Non ist ein Ort in der Provinz, den er kennt."
    )

    assert check_cards([card], text=text, language="de").dropped == {}


@pytest.mark.parametrize("quote", ["| Mars | 2 |", "Mars | 2"])
def test_a_row_is_a_quote_however_short(quote: str):
    text = "| Planet | Moons |\n|---|---|\n| Mars | 2 |\n| Jupiter | 95 |"
    draft = CardDraft("How many moons does the planet Mars have?", "2", quote)

    for within in (None, Span(text.index("| Mars"), text.index("| Jupiter"))):
        (card,) = check_cards([draft], text=text, language=Language.EN, within=within).items
        assert card.source.quote in quote
