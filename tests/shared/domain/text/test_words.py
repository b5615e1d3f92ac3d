import pytest

from shared.domain.text.words import (
    contains_phrase,
    content_words,
    fold,
    inverse_document_frequency,
    numbers,
    stem,
    word_count,
    words,
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Élève", "eleve"),
        ("L’œuf", "l'oeuf"),
        ("ÇA", "ca"),
        ("e\u0301te\u0301", "ete"),
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_case_accents_and_typography_make_no_difference(written: str, folded: str):
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("L’eau, c’est la vie !", ["l", "eau", "c", "est", "la", "vie"]),
        ("1 300 m ou 1,300 m", ["1300", "m", "ou", "1300", "m"]),
        ("3,14 and 2.5", ["314", "and", "25"]),
        ("H2O in the 1980s", ["h2o", "in", "the", "1980s"]),
        ("in 1789 300 men", ["in", "1789", "300", "men"]),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words_and_numbers_come_in_order(text: str, found: list[str]):
    assert words(text) == tuple(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30 000 et 30\u00a0000 et 30\u202f000", {"30000"}),
        ("1,300 or 1300", {"1300"}),
        ("3,5 kg de CO2", {"35", "2"}),
        ("12, 13 and 14", {"12", "13", "14"}),
        ("En 1789 300 hommes", {"1789", "300"}),
        ("nothing", set[str]()),
    ],
)
def test_a_number_is_one_however_it_is_written(text: str, found: set[str]):
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("plants", "plant"),
        ("absorbs", "absorbed"),
        ("transforme", "transforment"),
        ("rayonnements", "rayonnement"),
        ("planetes", "planete"),
        ("chateaux", "chateau"),
        ("oxidation", "oxidations"),
        ("government", "governments"),
    ],
)
def test_inflections_share_a_stem(one: str, other: str):
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other"), [("plant", "planet"), ("mars", "mare"), ("roi", "rois"), ("light", "lithium")]
)
def test_different_words_have_different_stems(one: str, other: str):
    assert stem(one) != stem(other)


def test_a_stem_is_short_however_long_the_word():
    assert len(stem("a" * 1_000_000)) <= 40


def test_content_words_exclude_stop_words():
    assert content_words("The light of the Sun") == [stem("light"), stem("sun")]
    assert content_words("La lumière du Soleil") == [stem("lumiere"), stem("soleil")]
    assert content_words("c’est de la part des uns et of the") == ["part", "uns"]


@pytest.mark.parametrize(
    ("text", "phrase", "holds"),
    [
        ("The Kuiper belt lies far out.", "kuiper BELT", True),
        ("L’Été est là", "l'ete", True),
        ("The party began", "art", False),
        ("30 000 ans", "30000", True),
        ("anything", "", False),
        ("anything", "…", False),
    ],
)
def test_a_phrase_is_contained_only_as_whole_words(text: str, phrase: str, holds: bool):
    assert contains_phrase(text, phrase) is holds


def test_a_rarer_word_weighs_more_and_every_word_weighs_something():
    weights = [inverse_document_frequency(holding, 10) for holding in range(11)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("हृदय में रक्त", ["हृदय", "में", "रक्त"]),
        ("水的沸点", ["水", "的", "沸", "点"]),
        ("น้ำเดือด 100", ["น้ํ", "า", "เ", "ดื", "อ", "ด", "100"]),
        ("ガスとカス", ["ガ", "ス", "と", "カ", "ス"]),
        ("가나 다라", ["가나", "다라"]),
    ],
)
def test_marks_belong_to_words_and_scripts_without_spaces_have_one_word_a_character(
    text: str, found: list[str]
):
    assert words(text) == tuple(map(fold, found))


@pytest.mark.parametrize(
    ("text", "count"), [("Water boils at 100.", 4), ("水在一百度沸腾", 4), ("Wasser 水沸", 2), ("", 0)]
)
def test_two_characters_without_spaces_count_as_a_word(text: str, count: int):
    assert word_count(text) == count


@pytest.mark.parametrize(
    ("text", "phrase", "is_contained"),
    [
        *[("心脏把血液泵送到全身。", "血液", True), ("心脏把血液泵送到全身。", "血水", False)],
        *[("หัวใจสูบฉีดเลือด", "เลือด", True), ("हृदय में रक्त है", "रक्त", True), ("हृदय में रक्त है", "रक", False)],
        ("心脏", "心", False),
    ],
)
def test_phrases_are_found_in_scripts_without_spaces(text: str, phrase: str, is_contained: bool):
    assert contains_phrase(text, phrase) is is_contained


@pytest.mark.parametrize("text", ["सन् १७८९ में", "سال ۱۷۸۹", "في عام ١٧٨٩", "1789年"])
def test_digits_of_any_script_are_one_number(text: str):
    assert numbers(text) == {"1789"}
