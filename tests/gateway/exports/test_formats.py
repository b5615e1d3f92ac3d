"""The formats of exports, by their bytes. `tests/importers` gives them to the programs that they are for."""

import csv
import io
import zipfile

import msgspec
import pytest
from lxml import etree
from tests.factories import make_card, make_collection, make_final_job, make_question, make_source

from gateway.documents.formats.detection import reader_of
from gateway.exports.anki_package import deck_id_of
from gateway.exports.exported_collection import ExportedCollection, to_exported
from gateway.exports.formats import EXPORTS
from shared.domain.jobs.job import Kind
from shared.domain.study.places import Place, PlaceKind

LONG = "a back that nobody can be asked to type, because it is a sentence of more than sixty characters"


def exported(**overrides: str) -> ExportedCollection:
    cards = [
        make_card(front='"What" boils?', back="*water* at 5 < 6"),
        make_card(id="c2", front="=cmd()", back=LONG),
    ]
    material = make_collection(title="L’été / 2026", flashcards=cards)
    made = {"model": "gpt-5.4-mini", "generated_by": "openai"} | overrides
    job = make_final_job(kind=Kind.COLLECTION, result=msgspec.json.encode(material), **made)
    assert job.result is not None
    return to_exported(job, job.result)


def written(name: str, collection: ExportedCollection | None = None) -> str:
    return EXPORTS[name].write(collection or exported()).decode("utf-8-sig")


@pytest.mark.parametrize("name", [name for name in EXPORTS if name not in {"apkg", "qti"}])
def test_an_export_is_the_same_every_time(name: str):
    """The archives hold the time at which they were made."""
    collection = exported()
    assert EXPORTS[name].write(collection) == EXPORTS[name].write(collection)


@pytest.mark.parametrize("name", ["tsv", "gift", "moodle", "csv"])
def test_every_format_says_what_made_it(name: str):
    text = written(name)
    assert "gpt-5.4-mini" in text
    assert (
        "made-by-rules" in written(name, exported(generated_by="offline", model="offline")) or name == "csv"
    )


@pytest.mark.parametrize(
    ("language", "generated_by", "sentence"),
    [
        ("en", "openai", "Made by AI (gpt-5.4-mini) on 2026-11-18. Check it against the source."),
        ("en", "offline", "Made from the text by rules, without a model, on 2026-11-18."),
        ("fr", "openai", "Créé par une IA (gpt-5.4-mini) le 2026-11-18. À vérifier dans la source."),
        ("fr", "offline", "Créé à partir du texte par des règles, sans modèle, le 2026-11-18."),
        ("de", "openai", "Made by AI (gpt-5.4-mini) on 2026-11-18. Check it against the source."),
    ],
)
def test_who_made_it_is_said_in_the_language_of_the_material(language: str, generated_by: str, sentence: str):
    collection = exported(generated_by=generated_by)
    material = msgspec.structs.replace(collection.material, language=language)
    assert msgspec.structs.replace(collection, material=material).made_by == sentence


def test_csv_carries_the_origin_of_every_item():
    collection = exported()
    head, *rows = csv.reader(io.StringIO(written("csv", collection)))
    first = dict(zip(head, rows[0], strict=True))
    source = collection.material.flashcards[0].source
    assert (first["start"], first["end"]) == (str(source.start), str(source.end))
    assert first["id"] == collection.stable_id(collection.material.flashcards[0])
    assert (first["made_by"], first["made_on"]) == ("gpt-5.4-mini", collection.day)


def test_quizlet_gets_a_term_and_a_definition_on_each_line():
    rows = [line.split("\t") for line in written("quizlet").splitlines()]
    assert rows[0] == ['"What" boils?', "*water* at 5 < 6"]
    assert rows[2] == [
        "Quelle ville la Seine traverse-t-elle ? A) Lyon B) Paris C) Lille",
        "B) Paris. La Seine traverse Paris.",
    ]


def test_markdown_shows_the_text_as_it_was_written():
    text = written("markdown")
    assert "# L’été / 2026\n" in text
    assert "\\*water\\* at 5 \\< 6" in text
    assert "- B. Paris" in text


def test_moodle_xml_asks_for_a_choice_a_short_answer_or_a_free_one():
    quiz = etree.fromstring(EXPORTS["moodle"].write(exported()))
    questions = quiz.findall("question")

    assert [question.get("type") for question in questions] == [
        "category",
        "shortanswer",
        "essay",
        "multichoice",
    ]
    assert questions[1].findtext("answer/text") == "*water* at 5 < 6"
    assert questions[2].findtext("graderinfo/text") == LONG
    points = {answer.findtext("text"): answer.get("fraction") for answer in questions[3].findall("answer")}
    assert points == {"Lyon": "0", "Paris": "100", "Lille": "0"}
    assert all(question.findtext("idnumber") for question in questions[1:])


def test_a_qti_package_lists_all_of_its_files():
    with zipfile.ZipFile(io.BytesIO(EXPORTS["qti"].write(exported()))) as package:
        manifest = etree.fromstring(package.read("imsmanifest.xml"))
        files = {element.get("href") for element in manifest.iter("{*}file")}
        assert files | {"imsmanifest.xml"} == set(package.namelist())
        for name in package.namelist():
            etree.fromstring(package.read(name))


def test_no_text_of_the_material_is_read_as_markup_of_the_page():
    """The typesetter reads a markup of its own, with functions that read files."""
    card = make_card(
        front='#read("/etc/passwd") $x^2$ *bold* = Title', back="// comment @ref <label> [block]"
    )
    material = make_collection(flashcards=[card], quiz=[make_question(explanation="中")])
    collection = msgspec.structs.replace(exported(), material=material)

    pdf = EXPORTS["pdf"].write(collection)

    text = reader_of("cards.pdf", pdf, max_pages=9)(pdf).text
    assert '#read("/etc/passwd") $x^2$ *bold* = Title' in " ".join(text.split())
    assert "// comment @ref <label> [block]" in " ".join(text.split())


def test_a_collection_made_within_a_second_is_printed():
    collection = msgspec.structs.replace(exported(), made_at=1_700_000_000.25)
    assert EXPORTS["pdf"].write(collection).startswith(b"%PDF-")


def test_a_deck_keeps_its_id():
    assert deck_id_of("one") == deck_id_of("one")
    assert deck_id_of("one") != deck_id_of("two")
    assert 1 << 30 <= deck_id_of("one") < 1 << 31


@pytest.mark.parametrize("name", ["csv", "tsv", "markdown"])
def test_an_item_of_a_document_tells_its_page(name: str):
    source = msgspec.structs.replace(make_source(), place=Place(PlaceKind.PAGE, 12))
    material = make_collection(flashcards=[make_card(source=source)])
    assert "page 12" in written(name, msgspec.structs.replace(exported(), material=material))
    assert "page" not in written(name)
