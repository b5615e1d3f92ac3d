"""The request and response bodies of `POST /api/chat`."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shared.domain.errors import FieldProblem, InvalidFields
from shared.domain.study.material import Source
from shared.domain.text.language import Language
from shared.domain.usage import Usage

MAX_TURNS = 50
MAX_CHARACTERS = 32_000
"""Limit for all turns of a conversation together, in characters: about 8,000 tokens."""


class Role(StrEnum):
    """Who wrote a turn. Only the service gives instructions, so `system` is not allowed."""

    USER = "user"
    ASSISTANT = "assistant"


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    role: Role
    content: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]


class ChatQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    messages: Annotated[list[Turn], Meta(min_length=1, max_length=MAX_TURNS)]
    """The conversation so far; the last turn is the learner's."""
    collection_id: UUID | None = None
    """Answer from this collection's text."""
    stream: bool = False
    language: Language | None = None
    """The language of the answer. Without it the answer is in the language of the question."""

    @property
    def user_turns(self) -> list[str]:
        """The texts of the learner's turns, oldest first."""
        return [turn.content for turn in self.messages if turn.role is Role.USER]


class AnswerMessage(Struct, frozen=True):
    content: str
    role: str = "assistant"


class ChatAnswer(Struct, frozen=True, kw_only=True):
    """The response without `stream`."""

    id: str
    object: str = "chat.answer"
    message: AnswerMessage
    quotes: list[Source]
    """What the answer took from the collection: `text[start:end] == quote`."""
    model: str
    generated_by: str
    usage: Usage


def check_conversation(question: ChatQuestion) -> None:
    """Raises `InvalidFields` with every error that only the whole conversation shows."""
    if errors := list(_field_errors(question)):
        raise InvalidFields(*errors)


def _field_errors(question: ChatQuestion) -> Iterator[FieldProblem]:
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
