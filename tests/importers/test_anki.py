"""Exports for Anki, imported by Anki's own engine."""

from html import escape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.importers.conftest import MadeExport
from tests.importers.programs import run_anki

from gateway.exports.exported_collection import ExportedCollection


def import_files(folder: Path, *files: Path, language: str = "en_US") -> Any:
    return run_anki("anki_import.py", language, str(folder), *map(str, files))


def with_front(collection: ExportedCollection, front: str, *, seconds_later: float) -> ExportedCollection:
    """The same collection after its first card was edited."""
    card, *others = collection.material.flashcards
    edited = msgspec.structs.replace(card, front=front)
    material = msgspec.structs.replace(collection.material, flashcards=[edited, *others])
    return msgspec.structs.replace(collection, material=material, made_at=collection.made_at + seconds_later)


@pytest.mark.parametrize("name", ["apkg", "tsv"])
@pytest.mark.parametrize("language", ["en_US", "fr_FR", "ja_JP"])
def test_anki_imports_every_item_without_a_question(
    made_collection: ExportedCollection, export: MadeExport, tmp_path: Path, name: str, language: str
):
    """A note type and its fields are called otherwise in every language."""
    items = made_collection.items
    found = import_files(tmp_path, export(made_collection, name), language=language)

    assert found["imports"] == [
        {"new": len(items), "updated": 0, "duplicate": 0, "conflicting": 0, "empty_first_field": 0}
    ]
    notes = {note["guid"]: note for note in found["notes"]}
    assert notes.keys() == {made_collection.stable_id(item) for item in items}
    for card in made_collection.material.flashcards:
        note = notes[made_collection.stable_id(card)]
        front, back = (
            escape(text.replace("\x07", ""), quote=False)
            .replace("\n", "<br>")
            .replace("[sound:", "[sound&#58;")
            for text in (card.front, card.back)
        )
        assert note["fields"][0] == front
        assert note["fields"][1].partition("<br><small>")[0] == back
        assert back in note["back"]
        assert {"etude", "made-by-ai", "model::gpt-5.4-mini"} <= set(note["tags"])
    question = notes[made_collection.stable_id(made_collection.material.quiz[0])]
    assert all(option in question["front"] for option in ("Lyon", "Paris", "Lille"))
    assert "B. Paris" in question["back"]
    assert not any("x.mp3" in note["back"] and "[anki:play" in note["back"] for note in found["notes"])
    assert "La Seine traverse Paris." in question["back"]


@pytest.mark.parametrize("name", ["apkg", "tsv"])
def test_a_second_import_makes_no_second_note(
    made_collection: ExportedCollection, export: MadeExport, tmp_path: Path, name: str
):
    path = export(made_collection, name)
    edited = export(with_front(made_collection, "edited front", seconds_later=60), name, "edited")

    found = import_files(tmp_path, path, path, path, edited)

    assert [done["new"] for done in found["imports"]] == [len(made_collection.items), 0, 0, 0]
    assert found["imports"][3]["updated"] >= 1
    assert len(found["notes"]) == len(made_collection.items)
    assert [note["fields"][0] for note in found["notes"]].count("edited front") == 1


def test_a_package_brings_its_deck_and_its_origin(
    made_collection: ExportedCollection, export: MadeExport, tmp_path: Path
):
    found = import_files(tmp_path, export(made_collection, "apkg"))

    assert "L’été / 2026 A" in found["decks"]
    card = next(note for note in found["notes"] if note["guid"].endswith(":c0"))
    source = made_collection.material.flashcards[0].source
    assert card["fields"][2:] == [source.quote, f"{source.start}-{source.end}", made_collection.made_by]
