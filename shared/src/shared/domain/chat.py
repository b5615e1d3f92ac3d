"""The bodies of `POST /api/chat`: the gateway documents them, and the chat service reads and writes them."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr

from shared.domain.errors import FieldProblem, InvalidFields
from shared.domain.llm.model_choice import ModelName
from shared.domain.study.material import Source
from shared.domain.text.language_tag import LanguageTag, canonical_tag

MAX_TURNS = 50
MAX_CHARACTERS = 32_000
"""Limit for all turns of a conversation together, in characters: about 8,000 tokens."""


class ChatRole(StrEnum):
    """Who wrote a turn. Only the service gives instructions, so `system` is not allowed."""

    USER = "user"
    ASSISTANT = "assistant"


class Retrieval(StrEnum):
    """How the passages were found that an answer may quote."""

    LEXICAL = "lexical"
    """By the words of the question, their translations and spellings."""
    REWRITTEN = "rewritten"
    """By these, and by words that a model expected in the passage."""


class ChatTurn(Struct, frozen=True, forbid_unknown_fields=True):
    role: ChatRole
    content: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]


class ChatQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    messages: Annotated[list[ChatTurn], Meta(min_length=1, max_length=MAX_TURNS)]
    """The conversation so far; the last turn is the learner's."""
    collection_id: UUID | None = None
    """Answer from this collection's text, with quotes."""
    stream: bool = False
    language: LanguageTag | None = None
    """The language of the answer. Without it the answer is in the language of the question."""
    model: ModelName | None = None
    """Name of a model that the user's plan allows; the plan's own choice if it is not given."""

    def __post_init__(self) -> None:
        if self.language is not None:
            force_setattr(self, "language", canonical_tag(self.language))

    @property
    def user_turns(self) -> list[str]:
        """The texts of the learner's turns, oldest first."""
        return [turn.content for turn in self.messages if turn.role is ChatRole.USER]


class ChatMessage(Struct, frozen=True):
    content: str
    role: ChatRole


class ChatUsage(Struct, frozen=True, omit_defaults=True):
    """Tokens of the question with its sources, and of the answer."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """How many of the prompt tokens the server read from its prompt cache; absent if none."""
    reasoning_tokens: int = 0
    """How many of the completion tokens the model spent on thinking; absent if none."""


class ChatAnswer(Struct, frozen=True, kw_only=True):
    """The response without `stream`."""

    id: str
    object: str
    message: ChatMessage
    quotes: list[Source]
    """What the answer took from the collection: `text[start:end] == quote`."""
    model: str
    generated_by: str
    usage: ChatUsage
    truncated: bool = False
    """Whether the answer stopped at the length limit."""
    retrieval: Retrieval | UnsetType = UNSET
    """How the passages of the collection were found; absent without a collection."""


def check_conversation(question: ChatQuestion) -> None:
    """Raises `InvalidFields` with every error that only the whole conversation shows."""
    if errors := list(_field_errors(question)):
        raise InvalidFields(*errors)


def _field_errors(question: ChatQuestion) -> Iterator[FieldProblem]:
    turns = question.messages
    if turns[-1].role is not ChatRole.USER:
        yield FieldProblem(f"/messages/{len(turns) - 1}/role", "wrong_value", {"expected": ChatRole.USER})
    for index, turn in enumerate(turns):
        if not turn.content.strip():
            yield FieldProblem(
                f"/messages/{index}/content", "out_of_range", {"expected": f"1–{MAX_CHARACTERS}"}
            )
    if sum(len(turn.content) for turn in turns) > MAX_CHARACTERS:
        yield FieldProblem("/messages", "out_of_range", {"expected": f"1–{MAX_CHARACTERS}"})
