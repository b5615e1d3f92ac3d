"""What users have changed, in the exports of every format."""

import csv
import io
import sqlite3
import zipfile
from pathlib import Path

import msgspec
import pytest
from tests.factories import NOW, make_card, make_collection, make_final_job, make_question

from gateway.documents.formats.detection import reader_of
from gateway.exports.exported_collection import ExportedCollection, to_exported
from gateway.exports.formats import EXPORTS
from shared.domain.jobs.job import Kind
from shared.domain.study.edits import ItemEdit, apply_edit, apply_edits
from shared.domain.study.material import Origin, Source
from shared.domain.timestamps import to_rfc3339

EDITED_AT = NOW + 86_400
OWN = make_card(
    id="c9",
    front="Who wrote this?",
    back="A person",
    source=Source("", 0, 0),
    origin=Origin.OWN,
    edited_at=to_rfc3339(EDITED_AT),
)


def exported() -> ExportedCollection:
    """An edited and flagged card, a hidden one, one that a person wrote, and a question that was edited."""
    edits = {
        "c1": ItemEdit(front="Edited words?", flagged=True, edited_at=to_rfc3339(EDITED_AT)),
        "c2": ItemEdit(hidden=True),
    }
    cards = apply_edits([make_card(), make_card(id="c2", front="Hidden words?")], [OWN], edits)
    quiz = [apply_edit(make_question(), ItemEdit(explanation="Another explanation"))]
    material = make_collection(language="en", flashcards=cards, quiz=quiz)
    job = make_final_job(kind=Kind.COLLECTION, result=msgspec.json.encode(material))
    assert job.result is not None
    return to_exported(job, job.result)


def text_of(name: str) -> str:
    content = EXPORTS[name].write(exported())
    if name == "pdf":
        return reader_of("a.pdf", content, max_pages=9)(content).text
    if name in {"apkg", "qti"}:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            content = b"\n".join(package.read(one) for one in package.namelist())
    return content.decode(errors="replace")


@pytest.mark.parametrize("name", EXPORTS)
def test_edited_words_travel_and_hidden_ones_do_not(name: str):
    text = " ".join(text_of(name).split())

    assert "Edited words?" in text
    assert "Another explanation" in text
    assert "Who wrote this?" in text
    assert "Hidden words?" not in text
    assert "When does water boil?" not in text
    assert "«  »" not in text


@pytest.mark.parametrize("name", [name for name in EXPORTS if name not in {"quizlet", "pdf", "json"}])
def test_a_flag_travels_as_a_tag(name: str):
    assert "flagged" in text_of(name)


@pytest.mark.parametrize("name", [name for name in EXPORTS if name not in {"quizlet", "json"}])
def test_every_format_says_what_a_person_did(name: str):
    text = " ".join(text_of(name).split())

    assert "edited-by-hand" in text or "Edited by hand." in text
    assert "written-by-hand" in text or "Written by hand." in text


def test_an_item_that_a_person_wrote_has_no_mark_of_a_machine():
    collection = exported()
    edited, own = collection.material.flashcards
    assert collection.tags_of(edited) == [
        "etude",
        "made-by-ai",
        "model::model-1",
        "edited-by-hand",
        "flagged",
    ]
    assert collection.tags_of(own) == ["etude", "written-by-hand"]
    assert collection.made_by_of(own) == "Written by hand."
    assert collection.made_by_of(edited).endswith("Check it against the source. Edited by hand.")
    rows = list(csv.DictReader(io.StringIO(EXPORTS["csv"].write(collection).decode("utf-8-sig"))))
    assert [row["made_by"] for row in rows] == ["model-1", "person", "model-1"]


def test_only_an_edited_note_is_newer_than_before(tmp_path: Path):
    """Anki takes a note that it knows again if it is newer, and keeps what its user changed in the others."""
    with zipfile.ZipFile(io.BytesIO(EXPORTS["apkg"].write(exported()))) as package:
        path = package.extract("collection.anki2", tmp_path)
    connection = sqlite3.connect(path)
    times = dict(connection.execute("SELECT guid, mod FROM notes").fetchall())
    connection.close()

    by_item = {guid.rpartition(":")[2]: time for guid, time in times.items()}
    assert by_item == {"c1": int(EDITED_AT), "c9": int(EDITED_AT), "q1": int(NOW + 2)}
