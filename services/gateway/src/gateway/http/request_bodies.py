"""The bodies of the two routes that make jobs."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from shared.domain.errors import EmptyText, FieldProblem, InvalidFields
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import AiInput, CollectionInput
from shared.domain.study.material import MAX_ITEMS, Options
from shared.domain.text.titles import clean_title

MAX_TITLE = 200
"""Longest title, in characters."""

Title = Annotated[str, Meta(max_length=MAX_TITLE)]
NewTitle = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]


class AiKind(StrEnum):
    """What `POST /api/ai` makes: every kind but the collection, which has a call of its own."""

    FLASHCARDS = Kind.FLASHCARDS
    QUIZ = Kind.QUIZ
    SUMMARY = Kind.SUMMARY
    EXPLANATION = Kind.EXPLANATION
    OUTLINE = Kind.OUTLINE
    TEXT = Kind.TEXT


class TextInput(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    """What to study: at least a few sentences."""


class AiRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /api/ai`."""

    kind: AiKind
    input: TextInput
    options: Options = Options()


class CollectionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /api/collections`."""

    text: str
    title: Title = ""
    options: Options = Options()


class CollectionPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PATCH /api/collections/{id}`."""

    title: NewTitle


def to_title(patch: CollectionPatch) -> str:
    """Raises `InvalidFields` for a title without a visible character."""
    if title := clean_title(patch.title):
        return title
    raise InvalidFields(FieldProblem("/title", "out_of_range", {"expected": f"1–{MAX_TITLE}"}))


def to_ai_input(request: AiRequest) -> tuple[Kind, AiInput]:
    """Raises `InvalidFields` and `EmptyText` for what no single field shows."""
    options = request.options
    if request.kind is AiKind.FLASHCARDS and options.flashcards == 0:
        raise InvalidFields(_too_few("/options/flashcards"))
    if request.kind is AiKind.QUIZ and options.questions == 0:
        raise InvalidFields(_too_few("/options/questions"))
    require_text(request.input.text)
    return Kind(request.kind), AiInput(text=request.input.text, options=options)


def to_collection_input(request: CollectionRequest) -> CollectionInput:
    """As `to_ai_input`."""
    if request.options.flashcards == 0 and request.options.questions == 0:
        raise InvalidFields(_too_few("/options/flashcards"), _too_few("/options/questions"))
    require_text(request.text)
    return CollectionInput(text=request.text, title=clean_title(request.title), options=request.options)


def require_text(text: str) -> None:
    if not text or text.isspace():
        raise EmptyText


def _too_few(pointer: str) -> FieldProblem:
    return FieldProblem(pointer, "out_of_range", {"expected": f"1–{MAX_ITEMS}"})
