"""Markdown, to read or to paste into notes. Text of the material is escaped, so that it looks as it was written."""

import re

from gateway.exports.exported_collection import FLAGGED, ExportedCollection, Item, place_of, right_option
from shared.domain.study.material import Flashcard, QuizQuestion

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_LIST_START = re.compile(r"^(\s*)([-+]|\d+[.)])(\s)", re.MULTILINE)


def to_markdown(collection: ExportedCollection) -> bytes:
    material = collection.material
    blocks = [f"# {_escape(material.title)}", f"*{_escape(collection.made_by)}*"]
    blocks += (_card(card) + _marks(collection, card) for card in material.flashcards)
    blocks += (
        _question(question, number) + _marks(collection, question)
        for number, question in enumerate(material.quiz, start=1)
    )
    return ("\n\n".join(blocks) + "\n").encode()


def _card(card: Flashcard) -> str:
    return f"**{_escape(card.front)}**\n\n{_escape(card.back)}{_quote(card)}"


def _question(question: QuizQuestion, number: int) -> str:
    options = "\n".join(f"- {option.id.upper()}. {_escape(option.text)}" for option in question.options)
    answer = f"{right_option(question).id.upper()}. {_escape(question.explanation)}".strip()
    return f"## {number}. {_escape(question.question)}\n\n{options}\n\n{answer}{_quote(question)}"


def _quote(item: Item) -> str:
    place = f" ({_escape(place_of(item))})" if item.source.place else ""
    return f"\n\n> {_escape(item.source.quote)}{place}" if item.source.quote else ""


def _marks(collection: ExportedCollection, item: Item) -> str:
    """What a person did to the item, and its flag as a tag."""
    marks = [collection.by_hand(item), f"\\#{FLAGGED}" if item.flagged else ""]
    said = " ".join(filter(None, marks))
    return f"\n\n*{said}*" if said else ""


def _escape(text: str) -> str:
    """On one line: a line break would end a heading or a quote."""
    escaped = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _LIST_START.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}{found[3]}", escaped)
