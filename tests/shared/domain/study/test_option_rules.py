"""One table a rule: options it drops, and options it lets pass, in both languages. The first option is the key."""

import pytest

from shared.domain.study import option_rules as rules
from shared.domain.study.candidate import Candidate
from shared.domain.text.language import Language

GOOD = [
    ("Mercury", "Venus", "Earth", "Mars"),
    ("1789", "1791", "1793", "1799"),
    ("La chlorophylle", "Le glucose", "La cellulose", "L’amidon"),
    ("Photosynthesis", "Respiration", "Digestion", "Fermentation"),
    ("12 km", "15 km", "21 km"),
    ("Un roi", "Un prêtre", "Un paysan", "Un soldat", "Un juge"),
    ("CO2", "O2", "H2O", "N2"),
    ("le 5 mai 1789", "le 14 juillet 1789", "le 26 août 1789"),
    ("It cools and sinks", "It warms and rises", "It stays where it is"),
    ("Napoléon Bonaparte", "Louis XVI", "Maximilien Robespierre"),
]


def candidate(
    *options: str, stem: str = "Which one?", quote: str = "Nothing of the sort stands here."
) -> Candidate:
    return Candidate(stem, options[0], quote, Language.EN, False, tuple(options[1:]))


@pytest.mark.parametrize("options", GOOD, ids=" · ".join)
def test_good_options_break_no_rule(options: tuple[str, ...]):
    item = candidate(*options)

    assert [reason for reason, is_at_fault in rules.OPTION_RULES if is_at_fault(item)] == []


@pytest.mark.parametrize("options", GOOD, ids=" · ".join)
def test_a_card_breaks_no_option_rule(options: tuple[str, ...]):
    item = candidate(options[0])

    assert not any(is_at_fault(item) for _, is_at_fault in (*rules.OPTION_RULES, *rules.OPTION_FLAWS))


@pytest.mark.parametrize(
    ("options", "answer", "is_fine"),
    [
        (["a1", "b1", "c1"], 0, True),
        (["a1", "b1", "c1", "d1", "e1"], 4, True),
        (["a1", "b1"], 0, False),
        (["a1", "b1", "c1", "d1", "e1", "f1"], 0, False),
        (["a1", "b1", "c1"], 3, False),
        (["a1", "b1", "c1"], -1, False),
        (["a1", "", "c1"], 0, False),
        (["a1", "…", "c1"], 0, False),
        ([], 0, False),
    ],
)
def test_a_question_needs_three_to_five_options_and_a_valid_index(
    options: list[str], answer: int, is_fine: bool
):
    assert rules.is_well_formed(options, answer) is is_fine


@pytest.mark.parametrize(
    "options",
    [
        ("Mars", "mars", "Venus"),
        ("Égalité", "egalite", "Fraternité"),
        ("The Sun", "the sun.", "The Moon"),
        ("le Soleil", "Un soleil", "la Lune"),
        ("L’État", "l'etat", "Le roi"),
        ("red light", "light, red", "blue light"),
        ("cœur", "coeur", "foie"),
        ("a planet", "planets", "a star"),
    ],
    ids=" · ".join,
)
def test_options_with_the_same_meaning_are_not_distinct(options: tuple[str, ...]):
    assert rules.options_not_distinct(candidate(*options))


@pytest.mark.parametrize(
    "options",
    [
        ("carbon", "carbon dioxide", "oxygen"),
        ("Louis XVI", "Louis", "Robespierre"),
        ("la Terre", "la Terre et la Lune", "Mars"),
        ("in 1789", "1789", "in 1793"),
        ("le roi", "le roi de France", "le pape"),
    ],
    ids=" · ".join,
)
def test_options_overlap_if_one_contains_another(options: tuple[str, ...]):
    assert rules.options_overlap(candidate(*options))


@pytest.mark.parametrize(
    "last",
    [
        "All of the above",
        "None of the above",
        "all of these",
        "Both A and B",
        "None of the options",
        "It depends",
        "Any of the above",
        "Toutes ces réponses",
        "Aucune de ces réponses",
        "Aucune des propositions",
        "Les deux",
        "Toutes les réponses ci-dessus",
        "Ça dépend",
        "Aucune réponse",
    ],
)
def test_a_catch_all_option_is_found(last: str):
    assert rules.has_catch_all_option(candidate("Mars", "Venus", last))


@pytest.mark.parametrize(
    "last",
    [
        "All the planets",
        "None",
        "Both hemispheres",
        "The above-ground part",
        "Tous les rois",
        "Les deux pôles",
        "Aucun roi",
        "Anybody",
    ],
)
def test_words_like_all_and_both_may_be_part_of_an_option(last: str):
    assert not rules.has_catch_all_option(candidate("Mars", "Venus", last))


@pytest.mark.parametrize(
    "options",
    [("1789", "Robespierre", "Danton"), ("Mars", "Venus", "3 moons"), ("le 5 mai", "jamais", "hier")],
    ids=" · ".join,
)
def test_a_number_among_names_is_not_alike(options: tuple[str, ...]):
    assert rules.options_not_alike(candidate(*options))


@pytest.mark.parametrize(
    "options",
    [
        ("The process by which plants turn light into sugar", "A leaf", "A root"),
        ("Un régime où le roi partage le pouvoir avec une assemblée", "Un roi", "Un pape"),
        ("Mars", "The fourth planet of the whole Solar System", "Venus"),
        (
            "A long and rather careful description of it",
            "A shorter description",
            "A short one here",
            "A brief one here",
        ),
    ],
    ids=" · ".join,
)
def test_an_option_of_unusual_length_is_found(options: tuple[str, ...]):
    assert rules.option_lengths_differ(candidate(*options))


@pytest.mark.parametrize(
    ("distractor", "stands"),
    [
        ("blue", True),
        ("the BLUE", True),
        ("red and blue light", True),
        ("green", False),
        ("bluebell", False),
        ("lights", False),
    ],
)
def test_a_distractor_in_the_quote_is_found(distractor: str, stands: bool):
    item = candidate("Red", distractor, "Violet", quote="The leaf absorbs the red and blue light.")

    assert rules.distractor_in_quote(item) is stands


@pytest.mark.parametrize(
    ("options", "is_flagged"),
    [
        (("It rises", "It never rises", "It sinks"), True),
        (("Il monte", "Il monte toujours", "Il descend"), True),
        (("Only plants", "Some animals", "Most fungi"), True),
        (("It rises", "It stays", "It sinks"), False),
        (("Il monte", "Il reste", "Il descend"), False),
    ],
)
def test_absolute_options_are_flagged(options: tuple[str, ...], is_flagged: bool):
    assert rules.has_absolute_option(candidate(*options)) is is_flagged


@pytest.mark.parametrize(
    ("stem", "is_flagged"),
    [
        ("A whale is an ____", True),
        ("La baleine est une ____.", True),
        ("Complétez : « C’est la ____ qui capte la lumière. »", True),
        ("Complétez : « Elle capte la ____ »", True),
        ("The whale is ____", False),
        ("La baleine appartient aux ____", False),
    ],
)
def test_an_article_before_the_gap_is_flagged(stem: str, is_flagged: bool):
    assert rules.has_grammar_cue(candidate("mammal", "fish", "bird", stem=stem)) is is_flagged


@pytest.mark.parametrize(
    ("stem", "options", "is_flagged"),
    [
        ("What energy does it store?", ("chemical energy", "electric current", "magnetic field"), True),
        ("What energy does it store?", ("chemical energy", "thermal energy", "solar energy"), False),
        ("Quel régime suit la République ?", ("Le régime impérial", "La royauté", "La dictature"), True),
        ("Qui règne alors ?", ("Le roi", "Le pape", "Le duc"), False),
    ],
)
def test_a_word_that_only_the_answer_repeats_is_flagged(
    stem: str, options: tuple[str, ...], is_flagged: bool
):
    assert rules.answer_echoes_stem(candidate(*options, stem=stem)) is is_flagged
