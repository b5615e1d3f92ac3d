from itertools import pairwise

import pytest
from hypothesis import given
from tests.structured_texts import STRUCTURED_TEXT

from shared.domain.text.structure.html import without_tags
from shared.domain.text.structure.rows import is_usable_row, rows
from shared.domain.text.structure.turns import turns


def cells_of(text: str) -> list[list[str]]:
    return [[cell.of(text) for cell in row.cells] for row in rows(text)]


def heads_of(text: str) -> list[str]:
    return [head.of(text) for row in rows(text)[:1] for head in row.heads]


@pytest.mark.parametrize(
    ("text", "heads", "cells"),
    [
        (
            "| Planet | Moons |\n|---|---|\n| Mars | 2 |\n| Jupiter | 95 |",
            ["Planet", "Moons"],
            [["Mars", "2"], ["Jupiter", "95"]],
        ),
        ("Planet | Moons\n---|---\nMars | 2", ["Planet", "Moons"], [["Mars", "2"]]),
        ("| a \\| b | c |\n|:--|--:|\n| d | |", ["a \\| b", "c"], [["d", ""]]),
        (
            "Planet,Moons\nMars,2\nJupiter,95",
            ["Planet", "Moons"],
            [["Mars", "2"], ["Jupiter", "95"]],
        ),
        ('Name;Note\n"Marie; Curie";x\nBohr;y', ["Name", "Note"], [["Marie; Curie", "x"], ["Bohr", "y"]]),
        ("France\tParis\nItalie\tRome", [], [["France", "Paris"], ["Italie", "Rome"]]),
        (
            "<table>\n<tr>\n<th>Planet</th>\n<th>Moons</th>\n</tr><tr><td>Mars</td>\n<td>2</td></tr></table>",
            ["Planet", "Moons"],
            [["Mars", "2"]],
        ),
    ],
    ids=["bars", "no outer bars", "escaped bar", "commas", "quoted", "tabs", "html"],
)
def test_tables(text: str, heads: list[str], cells: list[list[str]]):
    assert (heads_of(text), cells_of(text)) == (heads, cells)
    assert not any(row.is_pair for row in rows(text))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("heart – coeur\nliver – foie", [["heart", "coeur"], ["liver", "foie"]]),
        ("le chat : the cat\nle chien : the dog", [["le chat", "the cat"], ["le chien", "the dog"]]),
        ("to be = être\n\nto have = avoir", [["to be", "être"], ["to have", "avoir"]]),
        (
            "- **Cell**: the unit\n  of all life\n- **Organ**: several tissues",
            [["Cell", "the unit\n  of all life"], ["Organ", "several tissues"]],
        ),
        (
            "<dl><dt>Cell</dt>\n<dd>unit of life</dd><dt>Organ</dt><dd>tissues</dd></dl>",
            [["Cell", "unit of life"], ["Organ", "tissues"]],
        ),
    ],
    ids=["dashes", "spaced colons", "blank lines", "emphasis", "html"],
)
def test_pairs(text: str, cells: list[list[str]]):
    assert cells_of(text) == cells
    assert all(row.is_pair for row in rows(text))


@pytest.mark.parametrize(
    "text",
    [
        "Mignonne, allons voir si la rose,\nQui ce matin, avait desclose,\nSa robe, de pourpre au soleil,",
        "Note: this is one remark about the text that is not short.\nThe next line has no term.",
        "Anna: Hello to you.\nBob: Hello.\nAnna: How are you today?",
        "```\na: b\nc: d\n```",
        "See https://example.org\nor http://example.com",
        "The lesson begins at 12:30 and ends at 14:00.\nIt is long.",
    ],
    ids=["verse", "remark", "dialogue", "code", "links", "times"],
)
def test_prose_has_no_rows(text: str):
    assert rows(text) == []


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("a | b\n---|---\nMars | 2", True),
        ("a | b\n---|---\n1.5 | 2", False),
        ("a | b\n---|---\nMars | ", False),
        ("a | b\n---|---\nMars | https://example.org", False),
    ],
)
def test_a_row_is_usable_that_says_something_about_something(text: str, usable: bool):
    assert [is_usable_row(text, row) for row in rows(text)] == [usable]


def test_turns_of_a_transcript():
    text = "[00:01] Dr. Smith: The heart beats.\n00:15 Anna: Why?\nBen (0:20): It must.\n\nAnna: I see."

    assert [(turn.time.of(text), turn.speaker.of(text), turn.said.of(text)) for turn in turns(text)] == [
        ("00:01", "Dr. Smith", "The heart beats."),
        ("00:15", "Anna", "Why?"),
        ("0:20", "Ben", "It must."),
        ("", "Anna", "I see."),
    ]


@pytest.mark.parametrize(
    "text", ["Cell: a unit.\nOrgan: tissues.\nBody: organs.", "At 12:30 we eat.", "Note: a.\nNote: b."]
)
def test_other_texts_have_no_turns(text: str):
    assert turns(text) == []


def test_tags_are_blanked_at_the_same_length():
    text = "<h2 class='a'>Title</h2><script>x < 1</script><p>One <b>bold</b> word.<br/>Next.</p>\n<ul><li>Entry</li></ul>"
    plain = without_tags(text)

    assert len(plain) == len(text)
    assert [" ".join(line.split()) for line in plain.splitlines() if line.strip()] == [
        "# Title",
        "One bold word.",
        "Next.",
        "- Entry",
    ]


@pytest.mark.parametrize(
    "text", ["The <p> tag begins a paragraph, and the <ul> tag a list.", "a < b and c > d", "x <- y"]
)
def test_text_about_tags_stays(text: str):
    assert without_tags(text) == text


@given(STRUCTURED_TEXT)
def test_rows_are_in_order_and_inside_whatever_the_text(text: str):
    found = rows(text)

    assert len(without_tags(text)) == len(text)
    assert all(0 <= row.span.start < row.span.end <= len(text) for row in found)
    assert all(one.span.end <= other.span.start for one, other in pairwise(found))
    for row in found:
        assert all(
            row.span.start <= cell.start <= cell.end <= row.span.end
            for cell in row.cells
            if cell.end > cell.start
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "a;b\n" * 200_000,
        "a: b\n" * 200_000,
        "00:01 a\n" * 100_000,
        "<p>" * 300_000,
        "<p\n" * 300_000,
        "<p>\n<script>" * 90_000,
        "| a |\n" * 150_000,
        "|" * 1_000_000,
        "a" + " " * 1_000_000 + ":",
        "00:01" + " " * 1_000_000 + "\n00:02",
        "<p>" + " " * 1_000_000,
        ('a"' * 10 + ";\n") * 40_000,
    ],
    ids=[
        *(
            "semicolons",
            "pairs",
            "times",
            "tags",
            "open tags",
            "scripts",
            "rows",
            "bars",
            "blanks",
            "time and blanks",
        ),
        *("tag and blanks", "open quotes"),
    ],
)
def test_a_megabyte_is_read_within_a_second(text: str):
    """Each takes about a second at most; a quadratic step would take an hour."""
    rows(text)
    turns(text)
