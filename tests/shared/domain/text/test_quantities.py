"""Quantities by value, sign, scale and unit, in digits and in the words of two languages."""

from decimal import Decimal

import pytest

from shared.domain.text.number_words import roman_value
from shared.domain.text.quantities import are_different, quantities, unsupported


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mille huit cent soixante-dix", 1870),
        ("vingt-sept", 27),
        ("vingt et un", 21),
        ("quatre-vingt-dix-neuf", 99),
        ("quatre-vingts", 80),
        ("soixante et onze", 71),
        ("dix-sept cent quatre-vingt-neuf", 1789),
        ("deux mille vingt-six", 2026),
        ("cent", 100),
        ("mille", 1000),
        ("twenty-five", 25),
        ("two hundred and five", 205),
        ("one hundred thousand", 100_000),
        ("five million two hundred thousand", 5_200_000),
        ("twelfth", 12),
        ("vingtième", 20),
        ("1,500,000", 1_500_000),
        ("8 000 000 000", 8_000_000_000),
        ("8\u202f000", 8_000),
        ("8 milliards", 8_000_000_000),
        ("1.5 million", 1_500_000),
        ("12e", 12),
        ("3rd", 3),
        ("−39 °C", -39),
        ("minus 39 degrees", -39),
        ("moins 5 degrés", -5),
    ],
)
def test_a_number_has_its_value(text: str, value: int):
    (found,) = quantities(text)
    assert found.values == {Decimal(value)}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("300,000 km/s", "km/s"),
        ("300 000 kilomètres par seconde", "km/s"),
        ("12 metres", "m"),
        ("25 %", "%"),
        ("25 percent", "%"),
        ("25 per cent", "%"),
        ("25 pour cent", "%"),
        ("100 °C", "°c"),
        ("100 degrees Celsius", "°c"),
        ("12,50 €", "€"),
        ("$2.5 billion", "$"),
        ("quatre ans", "year"),
        ("four years", "year"),
        ("12 moons", ""),
    ],
)
def test_a_unit_has_one_form_for_all_its_spellings(text: str, unit: str):
    assert quantities(text)[0].unit == unit


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("14/07/1789", "It began on 14 July 1789."),
        ("1789-07-14", "Cela commence le 14 juillet 1789."),
        ("4 ans", "Il dure quatre ans."),
        ("27", "La République compte vingt-sept régions."),
        ("20 pour cent", "Le taux est de 20 %."),
        ("1,500,000", "About 1.5 million species are known."),
        ("le 12e siècle", "Elle est bâtie au XIIe siècle."),
        ("300,000 kilometres per second", "Light travels at 300,000 km/s."),
        ("39 degrees below zero", "Mercury melts at −39 °C."),
        ("one of them", "Some of the moons are large."),
        ("1,300", "The lake is 1300 meters deep."),
        ("1914", "The war of 1914-1918 ended."),
    ],
)
def test_the_same_quantity_in_another_form_is_supported(answer: str, quote: str):
    assert not unsupported(answer, quote)


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("314", "Pi is about 3.14."),
        ("39 °C", "Mercury melts at −39 °C."),
        ("15 million", "About 1.5 million species are known."),
        ("12 m", "The wall is 12 km long and 3 m high."),
        ("8 millions", "La Terre compte 8 milliards d’habitants."),
        ("vingt-huit", "La République compte vingt-sept régions."),
        ("20 km", "Le taux est de 20 %."),
        ("1790", "The Bastille fell in 1789."),
    ],
)
def test_another_value_sign_scale_or_unit_is_not_supported(answer: str, quote: str):
    assert unsupported(answer, quote)


def test_a_question_may_tell_the_scale():
    quote = "Le corps compte 30 000 milliards de cellules."
    assert unsupported("30 000", quote)
    assert not unsupported("30 000", quote, asked="Combien de milliards de cellules ?")


def test_numbers_differ_by_value():
    assert are_different("eighty-six", "six")
    assert not are_different("four", "4")
    assert not are_different("four", "blue")


@pytest.mark.parametrize(("numeral", "value"), [("XIV", 14), ("MCMXC", 1990), ("IIII", None), ("ABC", None)])
def test_roman_numerals(numeral: str, value: int | None):
    assert roman_value(numeral) == value


def test_an_endless_number_is_no_quantity_that_could_agree():
    assert quantities("1" * 10_000)[0].values == frozenset()
