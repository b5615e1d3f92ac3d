"""Decides whether a response can be used, and if not, what to tell the model."""

from contextlib import suppress
from typing import Generic, TypeVar, cast

from msgspec import Struct

from shared.adapters.llm.openai.reading.response import ModelResponse
from shared.adapters.llm.openai.reading.structured_text import UnreadableText, read_value
from shared.domain.study.material import NO_ITEMS, ItemCounts, ItemDrafts, is_empty_draft

T = TypeVar("T")

TOO_LONG = "it was cut off at the length limit, so write less"
NOTHING = "it holds nothing, and the source does state facts"


class Reading(Struct, Generic[T], frozen=True, kw_only=True):
    """A response as a value of the schema, or the reason why it is none."""

    value: T | None = None
    reason: str = ""
    """For the model. It names fields, and never repeats the response."""
    needs_room: bool = False
    """Whether the model thought up to the length limit and wrote nothing: less text is no cure, a higher limit is."""


def read_draft(response: ModelResponse, schema: type[T], counts: ItemCounts = NO_ITEMS) -> Reading[T]:
    """`counts` are the items that were asked for: a model that leaves out a whole kind is told so."""
    if response.was_cut and not response.text.strip():
        return Reading(reason=TOO_LONG, needs_room=True)
    try:
        value = _read_first(response, schema)
    except UnreadableText as error:
        return Reading(reason=TOO_LONG if response.was_cut else str(error))
    if is_empty_draft(cast(object, value)):
        return Reading(reason=NOTHING)
    missing = _missing_list(cast(object, value), counts)
    return (
        Reading(reason=f"`{missing}` is empty, and some were asked for") if missing else Reading(value=value)
    )


def read_partial_draft(response: ModelResponse, schema: type[T]) -> T | None:
    """What can be used of a response although some of it cannot: the complete items of a list."""
    try:
        value = _read_first(response, schema, keep_partial=True)
    except UnreadableText:
        return None
    return None if is_empty_draft(cast(object, value)) else value


def _read_first(response: ModelResponse, schema: type[T], *, keep_partial: bool = False) -> T:
    """The value in the text, or in the first of the other texts that holds one. Raises `UnreadableText` as the text does."""
    try:
        return read_value(response.text, schema, keep_partial=keep_partial)
    except UnreadableText:
        for text in response.other_texts:
            with suppress(UnreadableText):
                return read_value(text, schema, keep_partial=keep_partial)
        raise


def _missing_list(draft: object, counts: ItemCounts) -> str:
    match draft:
        case ItemDrafts(cards=[]) if counts.cards:
            return "cards"
        case ItemDrafts(questions=[]) if counts.questions:
            return "questions"
        case _:
            return ""


def first_mark(response: ModelResponse) -> str:
    """What a log may say of a response that cannot be used: the bracket it begins with, and none of its words."""
    text = response.text.lstrip("\ufeff \n\t")
    return text[0] if text[:1] in ("{", "[", "`", "<") else "text" if text else "nothing"
