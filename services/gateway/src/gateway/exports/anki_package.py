"""A deck for Anki (`.apkg`). Imported again, it updates its own notes and makes no second ones: the note types and the ids of
notes never change.
"""

import io
from functools import cache
from hashlib import blake2b
from typing import Any

import genanki  # pyright: ignore[reportMissingTypeStubs] - the library has no types

from gateway.exports.exported_collection import ExportedCollection, Item, right_option
from gateway.exports.html_faces import text_html
from shared.domain.study.material import Flashcard

CARD_TYPE_ID, QUESTION_TYPE_ID = 1_731_204_517, 1_731_204_518
"""Ids of our note types in everybody's Anki. A change of their fields needs a new id."""
ORIGIN = ("Quote", "Position", "Made by")
"""The last fields of every note: the words of the source, where they begin and end in it, who made the note."""
STYLE = """
.card { font-family: sans-serif; font-size: 20px; text-align: center; }
.origin { font-size: 14px; opacity: 0.7; margin-top: 1.5em; }
ol { display: inline-block; text-align: left; list-style: upper-alpha; }
"""
ORIGIN_HTML = '<div class="origin">« {{Quote}} »<br>{{Made by}}</div>'


def to_anki_package(collection: ExportedCollection) -> bytes:
    deck: Any = genanki.Deck(deck_id_of(collection.id), " ".join(collection.material.title.split("::")))
    for item in collection.items:
        deck.add_note(_to_note(collection, item))  # pyright: ignore[reportUnknownMemberType] - as above
    out = io.BytesIO()
    genanki.Package(deck).write_to_file(out, timestamp=collection.made_at)  # pyright: ignore[reportUnknownMemberType] - as above
    return out.getvalue()


class _Note(genanki.Note):
    """A note that carries a time of its own, in Unix seconds."""

    def __init__(self, *, changed_at: float, **fields: Any) -> None:
        super().__init__(**fields)  # pyright: ignore[reportUnknownMemberType] - as above
        self._changed_at = changed_at

    def write_to_db(self, cursor: Any, timestamp: float, deck_id: int, id_gen: Any) -> None:
        super().write_to_db(cursor, self._changed_at, deck_id, id_gen)  # pyright: ignore[reportUnknownMemberType] - as above


def deck_id_of(collection_id: str) -> int:
    """The same for every export of a collection. Anki takes a number of 31 bits."""
    digest = blake2b(collection_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1 | 1 << 30


def _to_note(collection: ExportedCollection, item: Item) -> Any:
    source = item.source
    origin = [text_html(source.quote), f"{source.start}-{source.end}", text_html(collection.made_by_of(item))]
    is_card = isinstance(item, Flashcard)
    return _Note(
        changed_at=collection.changed_at(item),
        model=_card_type() if is_card else _question_type(),
        fields=[*_fields(item), *origin],
        tags=[*collection.tags_of(item), item.difficulty],
        guid=collection.stable_id(item),
    )


def _fields(item: Item) -> list[str]:
    if isinstance(item, Flashcard):
        return [text_html(item.front), text_html(item.back)]
    options = "".join(f"<li>{text_html(option.text)}</li>" for option in item.options)
    return [
        text_html(item.question),
        f"<ol>{options}</ol>",
        f"{right_option(item).id.upper()}. {text_html(right_option(item).text)}",
        text_html(item.explanation),
    ]


@cache
def _card_type() -> Any:
    return _note_type(CARD_TYPE_ID, "Etude card", ("Front", "Back"), "{{Front}}", "{{Back}}")


@cache
def _question_type() -> Any:
    fields = ("Question", "Options", "Answer", "Explanation")
    back = "<b>{{Answer}}</b><br>{{Explanation}}"
    return _note_type(QUESTION_TYPE_ID, "Etude question", fields, "{{Question}}<br>{{Options}}", back)


def _note_type(type_id: int, name: str, fields: tuple[str, ...], front: str, back: str) -> Any:
    template = {
        "name": "Card 1",
        "qfmt": front,
        "afmt": f'{{{{FrontSide}}}}<hr id="answer">{back}{ORIGIN_HTML}',
    }
    names = [{"name": field} for field in (*fields, *ORIGIN)]
    return genanki.Model(type_id, name, fields=names, templates=[template], css=STYLE)
