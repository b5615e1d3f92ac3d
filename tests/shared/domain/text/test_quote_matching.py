import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.text.quote_matching import QuoteFinder
from shared.domain.text.span import Span

FRENCH = "Avant tout, l’eau « pure » bout à 100 °C – au niveau de la mer… Elle gèle à 0 °C.\nLe cœur bat."


def found(text: str, quote: str, within: Span | None = None) -> str | None:
    span = QuoteFinder(text, within).find(quote)
    return None if span is None else span.of(text)


@pytest.mark.parametrize(
    ("quote", "verbatim"),
    [
        ("l’eau « pure » bout", "l’eau « pure » bout"),
        ("l'eau « pure » bout", "l’eau « pure » bout"),
        ('l\'eau "pure" bout', "l’eau « pure » bout"),
        ("L'EAU « pure »", "l’eau « pure »"),
        ("bout a 100 °C - au niveau", "bout à 100 °C – au niveau"),
        ("niveau de la mer...", "niveau de la mer…"),
        ("Avant tout, l'eau...", "Avant tout, l’eau"),
        ("gèle  à\n0 °C. Le coeur bat.", "gèle à 0 °C.\nLe cœur bat."),
        ("  Elle gèle à 0 °C.  ", "Elle gèle à 0 °C."),
        ("“Elle gèle à 0 °C.”", "Elle gèle à 0 °C"),
        ("elle gele a 0 °c", "Elle gèle à 0 °C"),
    ],
)
def test_a_retyped_quote_is_found_with_the_characters_of_the_source(quote: str, verbatim: str):
    assert found(FRENCH, quote) == verbatim


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "   ",
        "...!",
        "l’eau impure",
        "au pure",
        "gèl",
        "Elle gèle à 0 °F",
        "Elle bout à 0 °C",
        "mer Elle",
        "\0",
        "“”",
    ],
)
def test_a_quote_that_the_text_does_not_contain_is_not_found(quote: str):
    assert found(FRENCH, quote) is None


def test_markup_that_the_quote_left_out_stays_in_the_slice():
    assert (
        found("The **water cycle** is _endless_.", "The water cycle is endless")
        == "The **water cycle** is _endless"
    )


def test_decomposed_accents_are_kept_whole():
    text = "Le mot e\u0301te\u0301 est court."

    assert found(text, "Le mot été") == "Le mot e\u0301te\u0301"


def test_invisible_characters_in_the_source_do_not_hide_a_quote():
    assert (
        found("photo\u00adsyn\u200bthesis is vital", "photosynthesis is vital")
        == "photo\u00adsyn\u200bthesis is vital"
    )


def test_a_quote_begins_and_ends_at_word_boundaries():
    assert found("The party is an art form.", "art form") == "art form"
    assert found("A smart form.", "art form") is None


def test_quotes_are_found_in_the_window_only_with_offsets_of_the_whole_text():
    text = "Same words here. Other. Same words here."
    window = Span(17, len(text))

    assert QuoteFinder(text, window).find("Same words here") == Span(24, 39)
    assert QuoteFinder(text, Span(0, 12)).find("Same words here") is None


@pytest.mark.slow
@given(st.text(max_size=80), st.data())
def test_a_slice_of_any_text_is_found_inside_it_or_not_at_all(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))

    span = QuoteFinder(text).find(text[start:end])

    assert span is None or 0 <= span.start < span.end <= len(text)


@given(st.text(alphabet="abé '’\"«»-–\n\t\u00a0.…", min_size=1, max_size=60), st.text(max_size=30))
def test_any_quote_of_any_text_gives_a_span_inside_it(text: str, quote: str):
    span = QuoteFinder(text).find(quote)

    assert span is None or 0 <= span.start < span.end <= len(text)


@pytest.mark.slow
@pytest.mark.parametrize("quote", ["aaaa aaaa", "a" * 500, "aab", "a a a a a b"])
def test_a_text_of_one_letter_is_searched_quickly(quote: str):
    for text in ("a" * 1_000_000, "a " * 500_000):
        QuoteFinder(text).find(quote)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        *[("水沸腾了。心脏把血液泵送到全身。", "心脏把血液"), ("หัวใจสูบฉีดเลือดไปทั่วร่างกาย", "สูบฉีดเลือด")],
        *[("हृदय शरीर में रक्त पंप करता है।", "शरीर में रक्त"), ("قلب خون را پمپ می‌کند.", "پمپ می‌کند")],
        ("心臓は血液を全身に送り出す。", "血液を全身に"),
    ],
)
def test_a_quote_is_found_in_any_script(text: str, quote: str):
    assert found(text, quote) == quote
    assert found(text, f"“{quote}”") == quote


@pytest.mark.parametrize(("text", "quote"), [("हृदय में रक्त", "हृदय में रक"), ("Сердцевина дерева", "Сердце")])
def test_a_quote_cuts_no_word_in_any_script_with_spaces(text: str, quote: str):
    assert found(text, quote) is None
