from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.paths import TEXTS

from shared.domain.text.segmentation import BlockKind, blocks, is_usable, sections, sentences
from shared.domain.text.segments import has_usable_segment
from shared.domain.text.span import Span

SENTENCES: dict[str, list[str]] = msgspec.json.decode((TEXTS / "sentences.json").read_bytes())
PIECES = st.sampled_from(
    [
        *"abcÉ.!?…:;,'\"«»“”()[]*_#-–•>|`~=\n\r\t \u00a0\u202f\0\u202e\u0301",
        "\n\n",
        "```",
        "## ",
        "1. ",
        "M. ",
        "etc. ",
        "3,14",
        "J.-C.",
    ]
)
HOSTILE_TEXT = st.lists(PIECES, max_size=120).map("".join) | st.text(max_size=200)


def sentence_texts(text: str) -> list[str]:
    return [span.of(text) for span in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("Vraiment ? Oui ! Bien…", ["Vraiment ?", "Oui !", "Bien…"]),
        ("M. Dupont arrive. Mme Durand part.", ["M. Dupont arrive.", "Mme Durand part."]),
        ("Dr. Smith met Mrs. Jones. They left.", ["Dr. Smith met Mrs. Jones.", "They left."]),
        ("Voir p. 12 et fig. 3. Puis sortir.", ["Voir p. 12 et fig. 3.", "Puis sortir."]),
        ("Pi vaut 3.14 ou 3,14. Oui.", ["Pi vaut 3.14 ou 3,14.", "Oui."]),
        ("Use a tool, e.g. Python. It works.", ["Use a tool, e.g. Python.", "It works."]),
        ("César meurt en 44 av. J.-C. Rome change.", ["César meurt en 44 av. J.-C.", "Rome change."]),
        ("J. K. Rowling wrote it. Fans cheered.", ["J. K. Rowling wrote it.", "Fans cheered."]),
        ("We eat vitamin C. The body needs it.", ["We eat vitamin C.", "The body needs it."]),
        ("Il dit : « Je pars. » Elle reste.", ["Il dit : « Je pars. »", "Elle reste."]),
        ('He said "Stop." She did.', ['He said "Stop."', "She did."]),
        ("Des fruits, etc. Puis des noix.", ["Des fruits, etc.", "Puis des noix."]),
        ("Des pommes, poires, etc. sont là.", ["Des pommes, poires, etc. sont là."]),
        ("A line that is\nwrapped here. Next one.", ["A line that is\nwrapped here.", "Next one."]),
        ("no stop at the end", ["no stop at the end"]),
        ("", []),
        (" \n\t\n ", []),
    ],
)
def test_sentence_ends(text: str, expected: list[str]):
    assert sentence_texts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("水沸腾了。心脏跳动！为什么？", ["水沸腾了。", "心脏跳动！", "为什么？"]),
        ("彼は「水が沸く。」と言った。次へ。", ["彼は「水が沸く。」", "と言った。", "次へ。"]),
        ("पानी उबलता है। हृदय रक्त पंप करता है॥", ["पानी उबलता है।", "हृदय रक्त पंप करता है॥"]),
        ("الماء يغلي. لماذا يغلي؟ هكذا.", ["الماء يغلي.", "لماذا يغلي؟", "هكذا."]),
        ("یہ پانی ہے۔ وہ آگ ہے۔", ["یہ پانی ہے۔", "وہ آگ ہے۔"]),
        ("Ջուրը եռում է։ Սիրտը բաբախում է։", ["Ջուրը եռում է։", "Սիրտը բաբախում է։"]),
        ("ውሃ ይፈላል። ልብ ይመታል።", ["ውሃ ይፈላል።", "ልብ ይመታል።"]),
        ("წყალი დუღს. გული ცემს.", ["წყალი დუღს.", "გული ცემს."]),
        ("¿Qué es? ¡Es agua! Bien.", ["¿Qué es?", "¡Es agua!", "Bien."]),
        (
            "Am 3. Oktober 1990 war es so. Am 5. Tag auch.",
            ["Am 3. Oktober 1990 war es so.", "Am 5.", "Tag auch."],
        ),
        ("Tiere, z. B. Hunde, bellen. Das ist bekannt.", ["Tiere, z. B. Hunde, bellen.", "Das ist bekannt."]),
    ],
)
def test_sentence_ends_in_other_scripts(text: str, expected: list[str]):
    assert sentence_texts(text) == expected


def test_thai_is_divided_at_spaces_into_parts_of_a_sentence_s_length():
    clause = "การสังเคราะห์ด้วยแสงเปลี่ยนแสงเป็นพลังงานเคมีซึ่งพืชเก็บไว้ในใบในรูปของน้ำตาล"

    assert sentence_texts(f"{clause} {clause} น้ำเดือด") == [clause, f"{clause} น้ำเดือด"]


@pytest.mark.parametrize("language", SENTENCES)
def test_every_language_has_usable_segments(language: str):
    assert all(has_usable_segment(sentence) for sentence in SENTENCES[language][1:])


@pytest.mark.parametrize(
    "text",
    [
        "水。",
        "为什么水会沸腾而心脏会跳动？",
        "一二三一二三一二三一二三一二三一二三。",
        "https://例え.jp/ページ",
        "是是是是是是是是是是是是。",
    ],
)
def test_what_is_no_statement_is_unusable_in_any_script(text: str):
    assert not has_usable_segment(text)


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("光合作用\n\n植物把光转化为化学能，并以糖的形式储存在叶子里。", "光合作用"),
        ("प्रकाश संश्लेषण\n\nपौधे प्रकाश को ऊर्जा में बदलते हैं।", "प्रकाश संश्लेषण"),
    ],
)
def test_a_short_line_without_capitals_is_a_heading(text: str, heading: str):
    first, second = blocks(text)
    assert (first.kind, first.span.of(text), second.kind) == (BlockKind.HEADING, heading, BlockKind.PARAGRAPH)


def test_wrapped_lines_without_capitals_are_one_paragraph():
    lines = "法国大革命始于1789年，当时国家已经没有钱了，国王召开了\n三级会议，这场革命在几年之内改变了这个国家的法律、教会"

    assert [block.kind for block in blocks(lines)] == [BlockKind.PARAGRAPH]


def test_sentences_exclude_headings_and_bullets():
    text = "# Title here\n\nA paragraph is here.\n\n- First point is made.\n- Second point too.\n\nTitle again\n===\nLast words."

    assert sentence_texts(text) == [
        "A paragraph is here.",
        "First point is made.",
        "Second point too.",
        "Last words.",
    ]


def test_sentences_exclude_code_tables_and_rules():
    text = "Before it all.\n\n```\ncode. Here.\n```\n\n| a | b |\n|---|---|\n\n* * *\n\nAfter it all."

    assert sentence_texts(text) == ["Before it all.", "After it all."]


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("## Le cycle de l'eau\nL'eau circule.", "Le cycle de l'eau"),
        ("La Révolution\n\nElle commence en 1789.", "La Révolution"),
        ("La Révolution\nElle commence en 1789 et elle finit en 1799.", "La Révolution"),
        ("II. Les causes\n\nLes causes sont connues.", "II. Les causes"),
        ("The causes\n-----\nMany are known.", "The causes"),
    ],
)
def test_headings_are_found_with_and_without_markup(text: str, heading: str):
    first = blocks(text)[0]

    assert (first.kind, first.span.of(text)) == (BlockKind.HEADING, heading)


@pytest.mark.parametrize(
    "text",
    ["It ends here.\n\nNext.", "a small line\n\nNext.", "Is it one?\n\nNext.", "x" * 200 + "\n\nNext."],
)
def test_a_sentence_is_not_a_heading(text: str):
    assert blocks(text)[0].kind is BlockKind.PARAGRAPH


LONG = "This paragraph has some ordinary words in it, so that it is long enough to count as a section. " * 3


def test_sections_start_at_headings():
    text = f"# One\n\n{LONG}\n\n{LONG}\n\n# Two\n\n{LONG}"

    assert [span.of(text)[:5] for span in sections(text)] == ["# One", "# Two"]


def test_without_headings_sections_are_paragraphs_and_short_ones_join_the_next():
    text = f"Short start.\n\n{LONG}\n\n{LONG}"

    assert [span.of(text)[:5] for span in sections(text)] == ["Short", "This "]


def test_a_single_title_does_not_make_one_section_of_everything():
    assert len(sections(f"Title\n\n{LONG}\n\n{LONG}")) == 2


@pytest.mark.parametrize(
    "sentence",
    [
        "La photosynthèse est le processus par lequel les plantes se nourrissent.",
        "Water boils at 100 degrees Celsius.",
        "**Gravity** is the force that attracts bodies.",
        "En 1789, le roi convoque les états généraux.",
        "Le 14 juillet 1789, les Parisiens prennent la Bastille, une prison royale.",
        "« Rien ne se perd », écrit le chimiste dans son traité.",
        "The ribosome (a tiny machine) makes all the proteins.",
        "Les plantes ont besoin d'eau et de lumière",
        "It is 3,476 km across, or a quarter of the Earth.",
        "DNA carries the instructions that cells follow.",
    ],
)
def test_a_statement_is_usable(sentence: str):
    assert is_usable(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Yes.",
        "Quel est le rôle de la chlorophylle dans la feuille ?",
        "Les trois étapes sont les suivantes :",
        "See https://example.org/page for the whole list of them.",
        "Write to the author at someone@example.org for a copy.",
        "mot mot mot mot mot mot mot mot",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "a" * 300,
        "The value " + "x" * 60 + " is far too long for a word.",
        "The word and the rest " * 40,
        "Text with a NUL \0 in the middle of it.",
        "The sign \u202e turns the text of the line around.",
        "mitochondrie ribosome noyau membrane cytoplasme vacuole",
    ],
)
def test_text_without_a_statement_is_not_usable(sentence: str):
    assert not is_usable(sentence)


def check_spans(text: str, spans: list[Span]) -> None:
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


@given(HOSTILE_TEXT)
def test_whatever_the_text_the_spans_are_in_order_and_inside(text: str):
    check_spans(text, sentences(text))
    check_spans(text, sections(text))
    for span in sentences(text):
        assert span.of(text) == span.of(text).strip()


@given(HOSTILE_TEXT)
def test_sections_hold_everything_that_is_a_block(text: str):
    spans = sections(text)

    for block in blocks(text):
        assert any(span.start <= block.span.start < span.end for span in spans)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000_000,
        "mot " * 250_000,
        "a. " * 300_000,
        "A. B. " * 150_000,
        "# a\n" * 200_000,
        "((((" * 200_000,
        "?!" * 400_000,
        "« " * 400_000,
        "\n" * 1_000_000,
    ],
    ids=["one word", "no stop", "lower case", "initials", "headings", "brackets", "marks", "quotes", "lines"],
)
def test_a_megabyte_is_split_within_a_second(text: str):
    """Each takes a second at most; a quadratic step would take an hour."""
    check_spans(text, sentences(text))
    check_spans(text, sections(text))


def test_the_marks_of_notes_end_a_sentence_and_belong_to_none():
    text = "Plants need light.[1] It drives growth.[2][note 3] Water is used too.¹ Cells store sugar.[a]"
    assert [span.of(text) for span in sentences(text)] == [
        "Plants need light.",
        "It drives growth.",
        "Water is used too.",
        "Cells store sugar.",
    ]
