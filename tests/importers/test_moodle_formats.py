"""GIFT and QTI, read by programs of others. Nothing outside Moodle reads its XML, so that is checked by its structure."""

import zipfile
from pathlib import Path
from typing import Any

from lxml import etree
from tests.importers.conftest import MadeExport
from tests.importers.programs import convert_qti, run_node

from gateway.exports.exported_collection import ExportedCollection
from gateway.exports.gift_text import is_short

QTI_3 = "{http://www.imsglobal.org/xsd/imsqtiasi_v3p0}"


def written(text: str) -> str:
    """What GIFT can carry of a text."""
    return text.strip().replace("->", "→")


def test_a_reader_of_gift_finds_every_item(made_collection: ExportedCollection, export: MadeExport):
    category, *found = run_node("gift_import.cjs", str(export(made_collection, "gift")))

    assert category["type"] == "Category"
    questions: dict[str, Any] = {question["id"]: question for question in found}
    assert questions.keys() == {made_collection.stable_id(item) for item in made_collection.items}
    for card in made_collection.material.flashcards:
        question = questions[made_collection.stable_id(card)]
        assert question["stem"]["text"] == written(card.front)
        assert question["tags"] == made_collection.tags
        if is_short(card):
            assert [choice["text"]["text"] for choice in question["choices"]] == [written(card.back)]
    for item in made_collection.material.quiz:
        choices = questions[made_collection.stable_id(item)]["choices"]
        assert [(choice["text"]["text"], choice["isCorrect"]) for choice in choices] == [
            (written(option.text), option.correct) for option in item.options
        ]


def test_a_reader_of_qti_converts_the_package(
    made_collection: ExportedCollection, export: MadeExport, tmp_path: Path
):
    with zipfile.ZipFile(convert_qti(export(made_collection, "qti"))) as package:
        items = {
            name.removeprefix("items/").removesuffix(".xml"): etree.fromstring(package.read(name))
            for name in package.namelist()
            if name.startswith("items/")
        }
    assert items.keys() == {item.id for item in made_collection.items}
    for question in made_collection.material.quiz:
        choices = list(items[question.id].iter(f"{QTI_3}qti-simple-choice"))
        assert [choice.text for choice in choices] == [option.text for option in question.options]
        right = next(items[question.id].iter(f"{QTI_3}qti-value"))
        assert right.text == next(option.id for option in question.options if option.correct)
