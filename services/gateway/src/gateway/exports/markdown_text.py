"""Markdown, to read or to paste into notes. Text of the material is escaped, so that it looks as it was written."""

import re

from gateway.exports.exported_collection import ExportedCollection, Item, place_of, right_option
from shared.domain.study.material import Flashcard, QuizQuestion

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_LIST_START = re.compile(r"^(\s*)([-+]|\d+[.)])(\s)", re.MULTILINE)


def to_markdown(collection: ExportedCollection) -> bytes:
    material = collection.material
    blocks = [f"# {_escape(material.title)}", f"*{_escape(collection.made_by)}*"]
    blocks += map(_card, material.flashcards)
    blocks += (_question(question, number) for number, question in enumerate(material.quiz, start=1))
    return ("\n\n".join(blocks) + "\n").encode()


def _card(card: Flashcard) -> str:
    return f"**{_escape(card.front)}**\n\n{_escape(card.back)}\n\n{_quote(card)}"


def _question(question: QuizQuestion, number: int) -> str:
    options = "\n".join(f"- {option.id.upper()}. {_escape(option.text)}" for option in question.options)
    answer = f"{right_option(question).id.upper()}. {_escape(question.explanation)}".strip()
    return f"## {number}. {_escape(question.question)}\n\n{options}\n\n{answer}\n\n{_quote(question)}"


def _quote(item: Item) -> str:
    place = f" ({_escape(place_of(item))})" if item.source.place else ""
    return f"> {_escape(item.source.quote)}{place}"


def _escape(text: str) -> str:
    """On one line: a line break would end a heading or a quote."""
    escaped = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _LIST_START.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}{found[3]}", escaped)
