"""The client's types, which know nothing of the services, read what the services write."""

import msgspec
import pytest
from msgspec import Struct

from etude import study_material
from etude.api_models import ExportFormat, JobKind, Options
from gateway.exports.formats import EXPORTS
from shared.domain.jobs.job import AI_KINDS
from shared.domain.study import material
from shared.domain.study.places import Place, PlaceKind
from shared.domain.text.language import Language

SOURCE = material.Source("Water boils.", 0, 12, Place(PlaceKind.CHAPTER, 3, "Water"))
CARD = material.Flashcard(id="c1", front="Q", back="A", source=SOURCE)
QUESTION = material.QuizQuestion(
    id="q1",
    question="Q",
    options=[material.Choice(id="a", text="A", correct=True)],
    explanation="E",
    source=SOURCE,
    seed=1,
)
QUALITY = material.Quality(
    requested={"flashcards": 2},
    delivered={"flashcards": 1},
    coverage=0.5,
    checks_off=["leaks_answer"],
    unread_pages=[4],
    map=[
        material.MapEntry(
            kind="page",
            start=7,
            end=90,
            number=2,
            count=3,
            asked=4,
            items=1,
            dropped={"duplicate": 1},
            left_out=2,
            failed=True,
        )
    ],
)
NOTE = material.NoteQuality(language_differs=True)
RESULTS = [
    material.Flashcards(language="en", flashcards=[CARD], quality=QUALITY),
    material.Quiz(language="en", quiz=[QUESTION], quality=QUALITY),
    material.Summary(language="en", summary="S", key_points=["P"], quality=NOTE),
    material.Explanation(language="en", explanation="E", terms=[material.Term("T", "M")], quality=NOTE),
    material.Outline(language="en", title="T", sections=[material.OutlineSection("H", ["P"])], quality=NOTE),
    material.Text(language="en", text="T", quality=NOTE),
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_every_result_is_read_whole(result: Struct):
    read = msgspec.json.decode(msgspec.json.encode(result), type=study_material.Result)

    assert type(read).__name__ == type(result).__name__
    assert without_seed(msgspec.to_builtins(read)) == without_seed(msgspec.to_builtins(result))


def test_the_options_are_those_of_the_api():
    options = Options(language=study_material.Language.FR, flashcards=3, questions=0)

    read = msgspec.json.decode(msgspec.json.encode(options), type=material.Options)

    assert read == material.Options(language=Language.FR, flashcards=3, questions=0)
    assert set(Options.__struct_fields__) == set(material.Options.__struct_fields__)


def test_the_words_are_those_of_the_api():
    assert {str(kind) for kind in JobKind} == {str(kind) for kind in AI_KINDS}
    assert set(map(str, study_material.Language)) == set(map(str, Language))
    assert set(map(str, study_material.Difficulty)) == set(map(str, material.Difficulty))
    assert set(map(str, study_material.Level)) == set(map(str, material.Level))
    assert set(map(str, study_material.PlaceKind)) == set(map(str, PlaceKind))


def test_the_formats_are_those_of_the_api():
    assert {str(one): one.suffix for one in ExportFormat} == {
        name: export.suffix for name, export in EXPORTS.items()
    }


def without_seed(value: object) -> object:
    """The seed of a question is of no use to a client, and the only field it leaves out."""
    text = msgspec.json.encode(value).decode()
    return msgspec.json.decode(text.replace(',"seed":1', ""))
