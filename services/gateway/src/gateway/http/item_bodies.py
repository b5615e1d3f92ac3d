"""The bodies that change an item of a collection, or add one that the user wrote.

Words of a person are checked for their form alone: what the checks of drafts think of them does not matter.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.domain.errors import FieldProblem, InvalidFields
from shared.domain.study.edits import ItemEdit, to_choices
from shared.domain.study.material import Choice, Difficulty, Flashcard, Options, Origin, QuizQuestion, Source
from shared.domain.text.quote_matching import MAX_QUOTE_CHARACTERS, QuoteFinder
from shared.domain.text.titles import tidy_line
from shared.domain.timestamps import to_rfc3339

MAX_WORDS, MAX_OPTION = 2_000, 500
"""Longest side, question or explanation, and longest option, in characters."""
MIN_OPTIONS, MAX_OPTIONS = 2, 5

ItemText = Annotated[str, Meta(min_length=1, max_length=MAX_WORDS)]
Explanation = Annotated[str, Meta(max_length=MAX_WORDS)]
Quote = Annotated[str, Meta(max_length=MAX_QUOTE_CHARACTERS)]


class OptionBody(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=MAX_OPTION)]
    correct: bool


OptionBodies = Annotated[list[OptionBody], Meta(min_length=MIN_OPTIONS, max_length=MAX_OPTIONS)]


class ItemPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `PATCH /api/collections/{id}/items/{item}`. A card has `front` and `back`, a question the three after them."""

    front: ItemText | UnsetType = UNSET
    back: ItemText | UnsetType = UNSET
    question: ItemText | UnsetType = UNSET
    options: OptionBodies | UnsetType = UNSET
    """All options, in the order in which they are shown."""
    explanation: Explanation | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    """Exports leave a hidden item out."""
    flagged: bool | UnsetType = UNSET


class OwnCard(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="flashcard"
):
    """A card that its user wrote."""

    front: ItemText
    back: ItemText
    quote: Quote = ""
    """A passage of the collection's text that supports it."""
    difficulty: Difficulty = Difficulty.MEDIUM


class OwnQuestion(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="question"
):
    """A question that its user wrote."""

    question: ItemText
    options: OptionBodies
    explanation: Explanation = ""
    quote: Quote = ""
    """As in a card."""
    difficulty: Difficulty = Difficulty.MEDIUM


class MoreItems(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="more"):
    """More items, made from the collection's text or from a part of it."""

    options: Options = Options()
    """As when a collection is made. Without counts 5 cards and 3 questions; with one count, nothing of the other type. The language is
    the collection's if none is given."""
    start: Annotated[int, Meta(ge=0)] | None = None
    """Where the part begins in the collection's `text`, in code points; its beginning if not given."""
    end: Annotated[int, Meta(ge=1)] | None = None
    """Where the part ends; the end of the text if not given."""
    item: str | None = None
    """Id of an item: one more of its type from the same section. Then there are no counts and no part."""


NewItem = OwnCard | OwnQuestion | MoreItems
OwnItem = OwnCard | OwnQuestion


def to_edit(patch: ItemPatch, item: Flashcard | QuizQuestion, *, at: float) -> ItemEdit:
    """`at` is the time of the edit in Unix seconds. Raises `InvalidFields`, also for fields that an item of this type does not have."""
    given = {
        name: value for name in ItemPatch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET
    }
    if not given:
        raise InvalidFields(FieldProblem("", "missing_field"))
    if unknown := [name for name in given if name not in item.__struct_fields__]:
        raise InvalidFields(*(FieldProblem(f"/{name}", "unknown_field") for name in unknown))
    if patch.options is not UNSET:
        given["options"] = _to_options(patch.options)
    for name in ("front", "back", "question"):
        if name in given:
            given[name] = _tidy(str(given[name]), f"/{name}")
    if patch.explanation is not UNSET:
        given["explanation"] = tidy_line(patch.explanation)
    return ItemEdit(**given, edited_at=to_rfc3339(at))


def to_own_item(
    body: OwnItem, *, item_id: str, text: str, language: str, at: float
) -> Flashcard | QuizQuestion:
    """Raises `InvalidFields`."""
    source = _locate(body.quote, text)
    if isinstance(body, OwnCard):
        return Flashcard(
            id=item_id,
            front=_tidy(body.front, "/front"),
            back=_tidy(body.back, "/back"),
            source=source,
            difficulty=body.difficulty,
            language=language,
            origin=Origin.OWN,
            edited_at=to_rfc3339(at),
        )
    return QuizQuestion(
        id=item_id,
        question=_tidy(body.question, "/question"),
        options=_to_options(body.options),
        explanation=tidy_line(body.explanation),
        source=source,
        seed=0,
        difficulty=body.difficulty,
        language=language,
        origin=Origin.OWN,
        edited_at=to_rfc3339(at),
    )


def _tidy(text: str, pointer: str) -> str:
    """On one line, like the words of every item. Raises `InvalidFields` if nothing is left."""
    if tidy := tidy_line(text):
        return tidy
    raise InvalidFields(FieldProblem(pointer, "out_of_range", {"expected": f"1–{MAX_WORDS}"}))


def _to_options(bodies: Sequence[OptionBody]) -> list[Choice]:
    """Raises `InvalidFields`."""
    texts = [_tidy(body.text, f"/options/{index}/text") for index, body in enumerate(bodies)]
    if len({text.casefold() for text in texts}) < len(texts):
        raise InvalidFields(FieldProblem("/options", "not_distinct"))
    if sum(body.correct for body in bodies) != 1:
        raise InvalidFields(FieldProblem("/options", "not_one_right_option"))
    return to_choices([(text, body.correct) for text, body in zip(texts, bodies, strict=True)])


def _locate(quote: str, text: str) -> Source:
    """The passage of the text; an empty one at its start if there is none. Raises `InvalidFields` for one that the text does not
    have."""
    if not quote.strip():
        return Source("", 0, 0)
    span = QuoteFinder(text).find(quote)
    if span is None:
        raise InvalidFields(FieldProblem("/quote", "quote_not_found"))
    return Source(span.of(text), span.start, span.end)
