from itertools import pairwise

import pytest
from hypothesis import given
from tests.structured_texts import STRUCTURED_TEXT

from shared.domain.text.segmentation import BlockKind
from shared.domain.text.segments import has_usable_segment, listings, segments, usable_segments

TRANSCRIPT = (
    "[00:01] Teacher: The heart pumps blood through the body. It never rests.\n"
    "[00:15] Anna: Why is that?\n[00:20] Teacher: The cells need oxygen all the time."
)


def usable(text: str) -> list[str]:
    return [segment.span.of(text) for segment in usable_segments(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| Planet | Moons |\n|---|---|\n| Mars | 2 |\n| Jupiter | 95 |", ["Mars | 2", "Jupiter | 95"]),
        ("Animaux\n\ncat – chat\ndog – chien", ["cat – chat", "dog – chien"]),
        (
            "<p>The heart is a muscular organ that pumps blood.</p><p>Veins carry blood back to the heart.</p>",
            ["The heart is a muscular organ that pumps blood.", "Veins carry blood back to the heart."],
        ),
        (TRANSCRIPT, ["The heart pumps blood through the body.", "The cells need oxygen all the time."]),
        (
            "- Cell: the smallest unit of all life.\n- Organ: a group of several tissues.\n- Gene: a part of the DNA.",
            [
                "Cell: the smallest unit of all life.",
                "Organ: a group of several tissues.",
                "Gene: a part of the DNA.",
            ],
        ),
        (
            "| Term | Text |\n|---|---|\n| Heart | It is a muscle that pumps blood. It beats all day in the chest. |",
            ["It is a muscle that pumps blood.", "It beats all day in the chest."],
        ),
    ],
    ids=["table", "vocabulary", "html", "transcript", "definitions", "table of prose"],
)
def test_structure_is_usable(text: str, expected: list[str]):
    assert usable(text) == expected
    assert has_usable_segment(text)


def test_rows_are_told_from_sentences():
    text = "A sentence of prose stands here.\n\n| a | b |\n|---|---|\n| Mars | 2 |"

    assert [segment.kind for segment in segments(text)] == [BlockKind.PARAGRAPH, BlockKind.ROW]


@pytest.mark.parametrize("lead", ["## Causes of the war", "The war had three causes:"])
def test_a_list_of_short_entries_is_usable_with_its_lead(lead: str):
    text = f"{lead}\n\n- militarism\n- alliances\n- rivalry\n\nThe end."
    (listing,) = listings(text)

    assert listing.lead.of(text) == lead.removeprefix("## ")
    assert [entry.of(text) for entry in listing.entries] == ["militarism", "alliances", "rivalry"]
    assert listing.span.of(text).endswith("rivalry")
    assert has_usable_segment(text)


@pytest.mark.parametrize("text", ["- one\n- two", "Heading\n\n- one", f"Heading\n\n- {'long ' * 20}\n- two"])
def test_other_lists_are_none(text: str):
    assert listings(text) == []


@given(STRUCTURED_TEXT)
def test_segments_are_in_order_and_inside_whatever_the_text(text: str):
    spans = [segment.span for segment in segments(text)]

    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    has_usable_segment(text)
