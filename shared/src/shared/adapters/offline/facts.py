"""A fact: one statement of a sentence, with a question that asks for it."""

from enum import StrEnum
from typing import NamedTuple

from shared.adapters.offline.document_view import Line


class AnswerType(StrEnum):
    """The type of an answer. All options of a question have the same one."""

    YEAR = "year"
    DATE = "date"
    NUMBER = "number"
    NAME = "name"
    TERM = "term"
    LONG_FORM = "long_form"
    """What an acronym stands for."""
    CELL = "cell"
    """A cell of a table or a list. The other cells of its column are the options."""
    CLAUSE = "clause"
    """A phrase longer than a term, which is the answer of a card only."""


class Fact(NamedTuple):
    line: Line
    front: str
    back: str
    answer_type: AnswerType
    worth: float
    """How much the fact teaches, from 0 to 1. The facts worth most are used first."""
    topic: str = ""
    """The term that a definition defines; empty for other facts."""
    options: tuple[str, ...] = ()
    """Other answers of the same list or column, if the fact stands in one."""


MAX_BACK_WORDS = 30
"""Limit of an answer, in words; a longer one is more than one fact."""


def capitalise(text: str) -> str:
    """The text with a capital, unless it is written like `pH`."""
    return text if text[1:2].isupper() else text[:1].upper() + text[1:]


def decapitalise(text: str) -> str:
    return text[:1].lower() + text[1:]
