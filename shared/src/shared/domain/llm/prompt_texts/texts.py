"""The texts of which our prompts are made, in one language. Other languages are asked for in English."""

from collections.abc import Mapping

from msgspec import Struct

from shared.domain.llm.provider import Task
from shared.domain.study.material import Difficulty, Level


class PromptTexts(Struct, frozen=True, kw_only=True):
    data: str
    """Says that the source is data, and names the `{language}` of the completion."""
    items: str
    """The rules that cards and questions share."""
    tasks: Mapping[Task, str]
    """The rules of each task."""
    difficulties: Mapping[Difficulty, str]
    levels: Mapping[Level, str]
    merge: str
    """Says that the source is our own notes on the parts of a long text."""
    begin: str
    """Asks for a task that has no count."""
    count: str
    """Asks for `{items}`."""
    cards: str
    questions: str
    both: str
    """Joins `{cards}` and `{questions}`."""
    leave_empty: str
    """Says that the list `{field}` stays empty."""
    known: str
    """Says that a second source lists the questions that other parts have already."""
