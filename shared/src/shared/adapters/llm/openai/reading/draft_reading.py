"""Decides whether a response can be used, and if not, what to tell the model."""

from typing import Generic, TypeVar, cast

from msgspec import Struct

from shared.adapters.llm.openai.reading.response import ModelResponse
from shared.adapters.llm.openai.reading.structured_text import UnreadableText, read_value
from shared.domain.study.material import is_empty_draft

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


def read_draft(response: ModelResponse, schema: type[T]) -> Reading[T]:
    if response.was_cut and not response.text.strip():
        return Reading(reason=TOO_LONG, needs_room=True)
    try:
        value = read_value(response.text, schema)
    except UnreadableText as error:
        return Reading(reason=TOO_LONG if response.was_cut else str(error))
    return Reading(reason=NOTHING) if is_empty_draft(cast(object, value)) else Reading(value=value)


def read_partial_draft(response: ModelResponse, schema: type[T]) -> T | None:
    """What can be used of a response although some of it cannot: the complete items of a list."""
    try:
        value = read_value(response.text, schema, keep_partial=True)
    except UnreadableText:
        return None
    return None if is_empty_draft(cast(object, value)) else value


def first_mark(response: ModelResponse) -> str:
    """What a log may say of a response that cannot be used: the bracket it begins with, and none of its words."""
    text = response.text.lstrip("\ufeff \n\t")
    return text[0] if text[:1] in ("{", "[", "`", "<") else "text" if text else "nothing"
