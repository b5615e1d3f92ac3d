"""A long text is cut where a reader would cut it, and nothing of it is lost."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.text.chunking import LONGEST_PART, MAX_REACH, split_text

SENTENCE = "Le glucose nourrit la plante entière. "
texts = st.text(st.sampled_from("ab é.\n#-!« »0\t\x00\u200f"), max_size=400)


@pytest.mark.parametrize("size", [1_900, 1_300, 540])
def test_a_sentence_is_not_cut(size: int):
    text = SENTENCE * 100

    for span in split_text(text, size):
        assert span.of(text).startswith("Le glucose")
        assert span.of(text).endswith("entière.")


def test_an_abbreviation_or_a_decimal_ends_no_sentence():
    text = "Le chimiste M. Lavoisier mesure environ 3.5 litres d’air chez M. Dupont à Paris. " * 20

    for span in split_text(text, len(text) / 4):
        assert span.of(text).startswith("Le chimiste")


def test_a_cut_prefers_a_heading_which_stays_with_its_text():
    text = SENTENCE * 44 + "\n\n## La nuit\n\n" + SENTENCE * 6 + "\n\nUn paragraphe. " + SENTENCE * 50

    _, second = split_text(text, len(text) / 2)

    assert second.of(text).startswith("## La nuit")


def test_a_cut_prefers_a_paragraph_to_a_sentence():
    text = SENTENCE * 48 + "\n\nVoici un autre paragraphe. " + SENTENCE * 52

    _, second = split_text(text, len(text) / 2)

    assert second.of(text).startswith("Voici")


def test_a_text_without_boundaries_is_cut_into_equal_parts():
    assert [span.end - span.start for span in split_text("x" * 8_000, 2_000)] == [2_000] * 4


def test_a_cut_moves_no_further_than_its_reach():
    text = "word " * 100_000 + "\n\n# Heading\n\n" + "word " * 500_000

    parts = split_text(text, len(text) / 2)

    assert abs(parts[1].start - len(text) // 2) <= MAX_REACH


def test_an_empty_text_has_no_parts():
    assert split_text("", 3) == split_text(" \n\t ", 3) == []


@settings(deadline=None)
@given(text=texts, size=st.integers(1, 400))
def test_the_parts_are_in_order_cover_everything_but_white_space_and_are_not_too_long(text: str, size: int):
    position = 0
    for span in split_text(text, size):
        assert span.start >= position
        assert text[position : span.start].strip() == ""
        assert span.of(text) == span.of(text).strip() != ""
        assert span.end - span.start <= max(1, size * LONGEST_PART)
        position = span.end
    assert text[position:].strip() == ""


def test_parts_begin_at_headings():
    chapters = [f"## Chapitre {number}\n\n" + f"{SENTENCE}Voici le {number}. " * 40 for number in range(8)]
    text = "\n\n".join(chapters)

    parts = split_text(text, 3_000)

    assert len(parts) > 3
    assert all(part.of(text).startswith("## Chapitre") for part in parts)


def test_a_text_of_equal_sentences_is_halved():
    sizes = [span.end - span.start for span in split_text(SENTENCE * 800, 10_000)]

    assert max(sizes) - min(sizes) <= 2 * len(SENTENCE)


@pytest.mark.parametrize("change", ["replaced", "inserted", "deleted"])
def test_a_changed_paragraph_of_thirty_pages_changes_one_part(change: str):
    """Seldom two, where a cut stands in the way, and in one case of a hundred more."""
    changed = Counter[int]()
    for seed in range(3):
        chance = random.Random(seed)
        paragraphs = [_paragraph(chance) for _ in range(170)]
        before = _parts(paragraphs)
        for place in range(0, len(paragraphs), 4):
            new = [_paragraph(chance)] if change != "deleted" else []
            after = paragraphs[:place] + new + paragraphs[place + (change != "inserted") :]
            changed[len(_parts(after) - before)] += 1

    assert changed[1] >= 0.85 * changed.total()
    assert sum(count for parts, count in changed.items() if parts > 2) <= 0.03 * changed.total()


def _parts(paragraphs: Sequence[str]) -> set[str]:
    text = "\n\n".join(paragraphs)
    return {span.of(text) for span in split_text(text, 10_000)}


def _paragraph(chance: random.Random) -> str:
    words = ["glucose", "plante", "la", "de", "feuille", "nourrit", "une", "eau", "chlorophylle", "soleil"]
    sentences = (
        " ".join(chance.choices(words, k=chance.randint(6, 20))) for _ in range(chance.randint(2, 7))
    )
    return " ".join(f"{sentence.capitalize()}." for sentence in sentences)
