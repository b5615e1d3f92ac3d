"""The checks read what an item says, not how it is spelled: good drafts that were dropped, and bad ones that passed."""

import pytest

from shared.domain.study.material import CardDraft, QuestionDraft
from shared.domain.study.validation import check_cards, check_questions


def cards(text: str, *drafts: tuple[str, str, str], language: str = "en") -> dict[str, int]:
    """What was dropped."""
    made = [CardDraft(front, back, quote or text) for front, back, quote in drafts]
    return check_cards(made, text=text, language=language).dropped


def question(
    text: str, asked: str, options: list[str], *, language: str = "en", explanation: str = ""
) -> dict[str, int]:
    explained = explanation or text
    return check_questions(
        [QuestionDraft(asked, options, 0, explained, text)], text=text, language=language
    ).dropped


@pytest.mark.parametrize(
    ("language", "text", "front", "back"),
    [
        ("en", "The wall fell on 9 November 1989 in Berlin.", "When did the wall in Berlin fall?", "09/11/1989"),
        ("en", "The satellite orbits at about 7.8 km/s.", "How fast is the satellite?", "7.8 kilometres per second"),
        ("en", "About 2.3 million people live in Paris.", "How many people live in Paris?", "2,300,000"),
        ("fr", "La Suisse compte vingt-six cantons.", "Combien la Suisse compte-t-elle de cantons ?", "26 cantons"),
        ("fr", "Le taux d’alcool est de 12 %.", "Quel est le taux d’alcool ?", "12 pour cent"),
        ("fr", "La loi contient trois articles.", "Combien d’articles la loi contient-elle ?", "trois articles"),
        ("fr", "L’abbaye est fondée au IXe siècle.", "À quel siècle l’abbaye est-elle fondée ?", "au 9e siècle"),
        ("en", "In C the operator && means a logical and.", "Which C operator is a logical and?", "&&"),
        ("en", "The word “no” comes from Old English na.", "Which word comes from Old English na?", "no"),
        ("en", "Sound travels from the source to the ear.", "Where does sound travel from the source?", "to the ear"),
        ("fr", "L’article 2 fixe la durée dans le texte de loi.", "Que fixe l’article 2 dans le texte de loi ?", "la durée"),
        ("en", "It takes eight minutes for light to reach us.", "How long does it take for light to reach us?", "eight minutes"),
        ("fr", "Il faut deux ans pour former un pilote.", "Combien de temps faut-il pour former un pilote ?", "deux ans"),
        ("en", "The Great Depression began in 1929.", "In which decade did the Great Depression begin?", "The 1920s"),
        ("en", "The American colonies declared their independence in 1776.", "In which century did the colonies declare independence?", "The 18th century"),
        ("fr", "La Bastille est prise en 1789.", "À quel siècle la Bastille est-elle prise ?", "Au XVIIIe siècle"),
        ("en", "The skin makes vitamin D in sunlight.", "Which vitamin does the skin make in sunlight?", "Vitamin D"),
        ("en", "Roughly two thirds of the Earth’s surface is covered by water.", "What share of the Earth’s surface is covered by water?", "about 2/3"),
        ("en", "Half of the votes were counted by midnight.", "What share of the votes was counted by midnight?", "50%"),
        ("fr", "Un quart de la population vit en ville.", "Quelle part de la population vit en ville ?", "25 %"),
        ("fr", "La moitié des forêts a disparu.", "Quelle part des forêts a disparu ?", "la moitié"),
        ("fr", "Il y a douze mois dans une année.", "Combien y a-t-il de mois dans une année ?", "douze mois"),
        ("en", "Pluto is not a planet but a dwarf planet.", "What is Pluto?", "a dwarf planet"),
        ("en", "The race is 5 km long in the rules.", "How long is the race?", "5km"),
        ("fr", "Le train de Lyon part à 8 h 15.", "À quelle heure part le train de Lyon ?", "8h15"),
        ("en", "The budget fell by €3bn last year.", "By how much did the budget fall last year?", "3 billion euros"),
        ("en", "In 1969 Armstrong walked on the Moon, and in 1972 Cernan did.", "When did Armstrong walk on the Moon?", "1969"),
    ],
)  # fmt: skip
def test_a_good_card_is_kept(language: str, text: str, front: str, back: str):
    assert cards(text, (front, back, ""), language=language) == {}


@pytest.mark.parametrize(
    ("language", "text", "front", "back", "reason"),
    [
        ("en", "Nitrogen boils at −196 °C at normal pressure.", "When does nitrogen boil?", "196 °C", "answer_not_in_quote"),
        ("en", "The bridge is 2 km long and 25 m wide.", "How wide is the bridge?", "25 km", "answer_not_in_quote"),
        ("fr", "La chauve-souris n’est pas un oiseau.", "Qu’est-ce que la chauve-souris ?", "un oiseau", "contradicts_quote"),
        ("en", "A spider is not an insect.", "What is a spider?", "an insect", "contradicts_quote"),
        ("en", "In 1898 Curie discovered polonium, and in 1902 pure radium.", "When did Curie discover pure radium?", "1898", "other_clause"),
        ("en", "This value is read from a table before the test.", "Where is this value read from?", "a table", "unclear_subject"),
        ("fr", "Le général fut élu président en 1848.", "Quand fut-il élu président ?", "en 1848", "unclear_subject"),
        ("fr", "Le roi Charles Ier est exécuté à Londres en 1649.", "Quel roi est exécuté à Londres en 1649 ?", "Charles II", "answer_not_in_quote"),
        ("en", "King Charles I was executed in London in 1649.", "Which king was executed in London in 1649?", "Charles II", "answer_not_in_quote"),
        ("en", "The Great Depression began in 1929.", "In which decade did the Great Depression begin?", "The 1930s", "answer_not_in_quote"),
        ("en", "The heart has four chambers in a mammal.", "As figure 3 shows, how many chambers has the heart?", "four chambers", "refers_to_text"),
        ("fr", "Le cœur compte quatre cavités.", "Voir le chapitre 2 : combien de cavités compte le cœur ?", "quatre cavités", "refers_to_text"),
        ("en", "Roughly two thirds of the surface is covered by water.", "What share of the surface is covered by water?", "a third", "answer_not_in_quote"),
        ("fr", "Un quart de la population vit en ville.", "Quelle part de la population vit en ville ?", "la moitié", "answer_not_in_quote"),
        ("en", "He was elected president in 1848 by the people.", "When was he elected president?", "1848", "unclear_subject"),
        ("en", "Ribosomes build all proteins that a living cell needs for growth.", "What do ribosomes build?", "Ribosomes build all proteins that a living cell needs for growth.", "repeats_question"),
        ("en", "La tour est bâtie en 1889 par Gustave Eiffel.", "Who built the tower?", "Jules Verne", "answer_not_in_quote"),
    ],
)  # fmt: skip
def test_a_card_that_says_something_else_is_dropped(
    language: str, text: str, front: str, back: str, reason: str
):
    assert cards(text, (front, back, ""), language=language) == {reason: 1}


@pytest.mark.parametrize(
    ("text", "asked", "options"),
    [
        ("Pressure is p = F / A for a force.", "What is the pressure?", ["F / A", "F × A", "F + A", "F − A"]),
        ("The lowest value was −12 °C in May.", "What was the lowest value?", ["−12 °C", "12 °C", "−5 °C", "5 °C"]),
        ("The rest came before the war.", "When did the rest come?", ["Before the war", "After the war", "During the war", "Without the war"]),
        ("Blood flows from the vein to the heart.", "Which way does blood flow?", ["From the vein to the heart", "From the heart to the vein", "From the lung to the vein", "From the vein to the lung"]),
        ("The derivative of the sine is cos x.", "What is the derivative of the sine?", ["cos x", "−cos x", "tan x", "−tan x"]),
        ("In C the operator <= means at most.", "Which C operator means at most?", ["<=", ">=", "==", "<"]),
        ("Salt is NaCl in chemistry.", "What is the formula of salt?", ["NaCl", "H2O", "CO2", "HCl"]),
        ("The form of être with nous is sommes.", "Which form of être goes with nous?", ["sommes", "somme", "sommer", "sommé"]),
        ("In C the operator % gives a rest.", "Which C operator gives a rest?", ["%", "/", "*", "&"]),
        ("The French word il a means he has.", "Which French phrase means 'he has'?", ["il a", "il est", "elle va", "on dit"]),
    ],
)  # fmt: skip
def test_options_that_differ_in_meaning_are_kept(text: str, asked: str, options: list[str]):
    assert question(text, asked, options) == {}


@pytest.mark.parametrize(
    ("explanation", "reason"),
    [
        ("…", "bad_explanation"),
        ("Parce que le cœur pompe le sang dans toutes les artères du corps.", "bad_explanation"),
        ("It is lymph that the organ pumps.", "bad_explanation"),
    ],
)
def test_an_explanation_has_to_explain_the_right_option(explanation: str, reason: str):
    text = "The heart pumps blood through the arteries."
    options = ["Blood", "Lymph", "Air", "Bile"]
    assert question(text, "What does the heart pump?", options, explanation=explanation) == {reason: 1}
    assert question(text, "What does the heart pump?", options, explanation="Blood, not lymph.") == {}


def test_facts_of_one_pattern_are_not_duplicates():
    rows = [("gold", "Au"), ("silver", "Ag"), ("iron", "Fe"), ("lead", "Pb")]
    text = " ".join(f"The chemical symbol of the metal {metal} is {symbol}." for metal, symbol in rows)
    drafts = [
        (
            f"What is the chemical symbol of the metal {metal}?",
            symbol,
            f"The chemical symbol of the metal {metal} is {symbol}.",
        )
        for metal, symbol in rows
    ]
    assert cards(text, *drafts) == {}


def test_two_facts_of_one_sentence_may_have_one_answer():
    text = "Paris is the capital and the largest city of France."
    capital = ("What is the capital of France?", "Paris", text)
    largest = ("What is the largest city of France?", "Paris", text)
    again = ("Which town is the capital of France?", "Paris", text)
    assert cards(text, capital, largest) == {}
    assert cards(text, capital, again) == {"duplicate": 1}


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("Call `len()` to count the items.", "Call len() to count the items.", "Call `len()` to count the items."),
        ("The book was written by Ada[3] and Lee.", "The book was written by Ada and Lee.", "The book was written by Ada[3] and Lee."),
        ("The chlo-\nroplast holds the pigment.", "The chloroplast holds the pigment.", "The chlo-\nroplast holds the pigment."),
        ("See the [layer cache](https://x.y) first.", "See the layer cache first.", "See the [layer cache](https://x.y) first."),
        ("| Port | Use |\n|---|---|\n| 443 | HTTPS |\n", "443 HTTPS", "| 443 | HTTPS |"),
        ("A cell’s plant—the mitochondrion—makes ATP.", "A cell’s plant - the mitochondrion - makes ATP.", "A cell’s plant—the mitochondrion—makes ATP."),
    ],
)  # fmt: skip
def test_a_quote_is_found_without_the_marks_of_its_source(text: str, quote: str, found: str):
    answer = "HTTPS" if "443" in text else quote.split()[-1].strip(".")
    made = check_cards(
        [CardDraft("What does the sentence speak of?", answer, quote)], text=text, language="en"
    )
    assert [item.source.quote.strip(".") for item in made.items] == [found.strip(".")], made.dropped


@pytest.mark.parametrize("option", ["None of the listed layers", "No option is correct"])
def test_an_option_about_the_options_is_dropped(option: str):
    text = "Most ozone is in the stratosphere."
    options = ["Stratosphere", "Mesosphere", "Troposphere", option]
    assert question(text, "Which layer holds most ozone?", options) == {"catch_all_option": 1}
