"""The client's types, which know nothing of the services, read what the services write."""

from typing import Any

import msgspec
import pytest
from msgspec import Struct

from etude import study_material
from etude.api_models import (
    CollectionItem,
    CollectionStatus,
    ExportFormat,
    ItemChanges,
    ItemKind,
    JobKind,
    Option,
    Options,
    OwnCard,
    OwnQuestion,
)
from gateway.exports.formats import EXPORTS
from gateway.http import item_bodies
from gateway.http.item_bodies import ItemPatch, NewItem
from gateway.http.schemas import COLLECTION_STATUS, ItemView
from gateway.routes.collections import ITEM_KINDS
from shared.domain.jobs.job import AI_KINDS
from shared.domain.study import material
from shared.domain.study.places import Place, PlaceKind
from shared.domain.text.language import Language

SOURCE = material.Source("Water boils.", 0, 12, Place(PlaceKind.CHAPTER, 3, "Water"))
CHANGED: dict[str, Any] = {
    "origin": material.Origin.EDITED,
    "hidden": True,
    "flagged": True,
    "edited_at": "2026-11-18T10:00:00Z",
}
CARD = material.Flashcard(id="c1", front="Q", back="A", source=SOURCE, **CHANGED)
QUESTION = material.QuizQuestion(
    id="q1",
    question="Q",
    options=[material.Choice(id="a", text="A", correct=True)],
    explanation="E",
    source=SOURCE,
    seed=1,
    **CHANGED,
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
    material.AddedItems(collection_id="k1", language="en", item_ids=["c1"], quality=QUALITY),
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


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (ItemChanges(front="F", hidden=False), ItemPatch(front="F", hidden=False)),
        (ItemChanges(options=[Option("A", correct=True)]), None),
        (OwnCard(front="F", back="B", quote="Q"), item_bodies.OwnCard(front="F", back="B", quote="Q")),
        (
            OwnQuestion(question="Q", options=[Option("A", correct=True), Option("B")]),
            item_bodies.OwnQuestion(
                question="Q",
                options=[
                    item_bodies.OptionBody(text="A", correct=True),
                    item_bodies.OptionBody(text="B", correct=False),
                ],
            ),
        ),
    ],
)
def test_a_change_is_read_as_it_was_meant(sent: Struct, taken: Struct | None):
    """Nothing is left out, and no field is unknown. A change that the API refuses is sent as it is."""
    body = msgspec.json.encode(msgspec.to_builtins(sent))
    kind = NewItem if isinstance(sent, OwnCard | OwnQuestion) else ItemPatch
    if taken is None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(body, type=kind)
    else:
        assert msgspec.json.decode(body, type=kind) == taken
        assert set(ItemChanges.__struct_fields__) == set(ItemPatch.__struct_fields__)


def test_an_item_of_a_response_is_read():
    view = ItemView(collection_id="c", etag='"1"', question=QUESTION)

    read = msgspec.json.decode(msgspec.json.encode(view), type=CollectionItem)

    assert (read.etag, read.flashcard) == ('"1"', None)
    assert read.question is not None
    assert read.question.origin is study_material.Origin.EDITED


def test_the_words_are_those_of_the_api():
    assert {str(kind) for kind in JobKind} == {str(kind) for kind in AI_KINDS}
    assert set(map(str, CollectionStatus)) == set(COLLECTION_STATUS.values())
    assert set(map(str, ItemKind)) == set(ITEM_KINDS)
    assert set(map(str, study_material.Origin)) == set(map(str, material.Origin))
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
