"""A fact: one thing a sentence says, with a front that asks for it."""

from enum import StrEnum
from typing import NamedTuple

from shared.adapters.offline.document_view import Line


class Sort(StrEnum):
    """What kind of thing answers: options of a question are of one sort."""

    YEAR = "year"
    DATE = "date"
    NUMBER = "number"
    NAME = "name"
    TERM = "term"
    CLAUSE = "clause"
    """Longer than a term: fit for a card, and for options among its like."""


class Fact(NamedTuple):
    line: Line
    front: str
    back: str
    sort: Sort
    worth: float
    """How much it teaches, 0 to 1; what comes first when there are more than wanted."""
    topic: str = ""
    """Of a definition: what is defined."""


MAX_BACK_WORDS = 30
"""A longer answer is no longer one fact."""


def capitalise(said: str) -> str:
    return said[:1].upper() + said[1:]
