"""A collection with the texts that broke importers, and a folder with its export."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.factories import make_card, make_collection, make_final_job, make_job_id, make_question

from gateway.exports.exported_collection import ExportedCollection, to_exported
from gateway.exports.formats import EXPORTS
from shared.domain.jobs.job import Kind
from shared.domain.study.material import Choice

HARD_TEXTS = (
    '"Quoted" at the beginning',
    "# begins with a hash",
    "=cmd()",
    "tab\there\nand a second line",
    "<b>bold</b> & 5 < 6",
    "~wrong =right {x} :: \\ back //",
    "%50%half",
    "A -> B",
    "TRUE",
    "[html]<i>x</i>",
    "$x^2$ and {{c1::cloze}}",
    "« L’été » à 5 °C",
    "水在一百度沸腾",
    "الماء يغلي",
    "[sound:x.mp3] is no file",
    "control \x07 character",
)
MadeExport = Callable[..., Path]


@pytest.fixture
def made_collection() -> ExportedCollection:
    cards = [
        make_card(id=f"c{number}", front=f"{text} ?", back=text) for number, text in enumerate(HARD_TEXTS)
    ]
    cards += [make_card(id=f"f{number}", front=text, back="x") for number, text in enumerate(HARD_TEXTS)]
    options = [
        Choice(id=name, text=text, correct=name == "b") for name, text in zip("abc", HARD_TEXTS, strict=False)
    ]
    quiz = [
        make_question(),
        make_question(id="q2", question="# Which {one}?", options=options, explanation=""),
    ]
    material = make_collection(title="L’été / 2026::A", flashcards=cards, quiz=quiz)
    job = make_final_job(
        id=make_job_id(),
        kind=Kind.COLLECTION,
        result=msgspec.json.encode(material),
        model="gpt-5.4-mini",
        generated_by="openai",
    )
    assert job.result is not None
    return to_exported(job, job.result)


@pytest.fixture
def export(tmp_path: Path) -> MadeExport:
    """Write a collection in a format, and return the file."""

    def write(collection: ExportedCollection, name: str, file_name: str = "export") -> Path:
        path = tmp_path / f"{file_name}.{EXPORTS[name].suffix}"
        path.write_bytes(EXPORTS[name].write(collection))
        return path

    return write
