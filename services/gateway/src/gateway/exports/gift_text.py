"""Moodle's GIFT text. The comment before a question carries its id and tags, by which Moodle knows it again."""

import re

from gateway.exports.exported_collection import ExportedCollection, Item, quote_of
from shared.domain.study.material import Flashcard, QuizQuestion

SHORT_ANSWER = 60
"""Characters that a learner can be asked to type exactly. The back of a longer card is shown after an answer in free words."""
PLAIN = "[plain]"
"""Before every text: without it, a text that begins with `[html]` would be taken for HTML."""
_SPECIAL = re.compile(r"([~=#{}:\\])")


def to_gift(collection: ExportedCollection) -> bytes:
    title = " ".join(collection.material.title.split()).replace("/", "//")
    head = f"// {_comment(collection.made_by)}\n$CATEGORY: $course$/{title}\n"
    return "\n".join([head, *(_question(collection, item) for item in collection.items)]).encode()


def _question(collection: ExportedCollection, item: Item) -> str:
    marks = "".join(f" [tag:{tag}]" for tag in collection.tags_of(item))
    quote = _escape(quote_of(item))
    if isinstance(item, Flashcard):
        text, answers = item.front, _answer(item.back, is_right=True) if is_short(item) else ""
        feedback = quote if is_short(item) else f"{_escape(item.back)} {quote}".strip()
    else:
        text, answers = item.question, _choices(item)
        feedback = f"{_escape(item.explanation)} {quote}".strip()
    name = f"{item.id} {' '.join(text.split())[:80]}"
    comment = f"// [id:{_comment(collection.stable_id(item))}]{_comment(marks)}"
    return f"{comment}\n::{_escape(name)}::{PLAIN}{_escape(text)} {{{answers}####{PLAIN}{feedback}}}\n"


def is_short(card: Flashcard) -> bool:
    return len(card.back) <= SHORT_ANSWER


def _choices(question: QuizQuestion) -> str:
    return "".join("\n" + _answer(option.text, is_right=option.correct) for option in question.options)


def _answer(text: str, *, is_right: bool) -> str:
    """A text that begins with a percent sign would be taken for one with a share of the points, so it gets one."""
    share = f"%{100 if is_right else 0}%" if text.lstrip().startswith("%") else ""
    return f"{'=' if is_right else '~'}{share}{PLAIN}{_escape(text)}"


def _escape(text: str) -> str:
    """Blank lines separate questions, so line breaks are written as `\\n`, which the format knows. It has no way to write an arrow
    that pairs nothing."""
    return _SPECIAL.sub(r"\\\1", "\n".join(text.strip().splitlines()).replace("->", "→")).replace("\n", "\\n")


def _comment(text: str) -> str:
    return " ".join(text.split())
