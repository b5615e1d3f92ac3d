"""What a learner asks: the body of `POST /api/chat`, and its bounds."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shared.domain.errors import FieldProblem, InvalidFields
from shared.domain.text.language import Language

MAX_TURNS = 50
MAX_CHARACTERS = 32_000
"""Of all turns together: about 8,000 tokens, a long afternoon's conversation."""


class Role(StrEnum):
    """Who may speak. Instructions are ours, so `system` is not among them."""

    USER = "user"
    ASSISTANT = "assistant"


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    role: Role
    content: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    messages: Annotated[list[Turn], Meta(min_length=1, max_length=MAX_TURNS)]
    """The conversation so far; the last turn is the learner's."""
    collection_id: UUID | None = None
    """Answer from this collection's text."""
    stream: bool = False
    language: Language | None = None
    """Of the answer; the question's own when not given."""

    @property
    def asked(self) -> list[str]:
        """What the learner said, oldest first."""
        return [turn.content for turn in self.messages if turn.role is Role.USER]


def check_conversation(question: Question) -> None:
    """Raises `InvalidFields` with every fault that no single field shows."""
    if faults := list(_faults(question)):
        raise InvalidFields(*faults)


def _faults(question: Question) -> Iterator[FieldProblem]:
    turns = question.messages
    if turns[-1].role is not Role.USER:
        yield FieldProblem(f"/messages/{len(turns) - 1}/role", "wrong_value", {"expected": Role.USER})
    for index, turn in enumerate(turns):
        if not turn.content.strip():
            yield FieldProblem(
                f"/messages/{index}/content", "out_of_range", {"expected": f"1–{MAX_CHARACTERS}"}
            )
    if sum(len(turn.content) for turn in turns) > MAX_CHARACTERS:
        yield FieldProblem("/messages", "out_of_range", {"expected": f"1–{MAX_CHARACTERS}"})
