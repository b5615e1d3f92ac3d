"""Reads the parts of a Chat Completions response that servers write differently, from JSON of any shape."""

import json
from collections.abc import Mapping
from typing import cast

import msgspec

Fields = Mapping[str, object]

THINKING_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""Where servers put a model's thinking beside its reply."""
TEXT_PARTS = frozenset({"text", "output_text"})


class MalformedBody(ValueError):
    """Not JSON, or nested too deeply to be read."""


def decode_body(body: bytes | str) -> Fields:
    """Decode a JSON object. Raises `MalformedBody`."""
    try:
        return fields_of(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return fields_of(
            json.loads(body)
        )  # takes half a character, which some servers send when they split one
    except (ValueError, RecursionError):
        raise MalformedBody from None


def fields_of(value: object) -> Fields:
    """The fields of an object; nothing of anything else."""
    return cast(Fields, value) if isinstance(value, dict) else {}


def first_choice(response: Fields) -> Fields:
    choices = response.get("choices")
    return fields_of(cast(list[object], choices)[0]) if isinstance(choices, list) and choices else {}


def join_content(content: object) -> str:
    """The text of `content`, which is text, null, or a list of parts of which some may be thinking."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [
        part if isinstance(part, str) else _part_text(fields_of(part)) for part in cast(list[object], content)
    ]
    return "".join(parts)


def thinking_of(message: Fields) -> str:
    """The thinking that stands beside the reply. It is counted and dropped."""
    return next((text for name in THINKING_FIELDS if isinstance(text := message.get(name), str)), "")


def text_of(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def usage_of(response: Fields) -> object:
    """The token counts, which some servers put into the choice, or into a field of their own."""
    return (
        response.get("usage")
        or first_choice(response).get("usage")
        or fields_of(response.get("x_groq")).get("usage")
    )


def _part_text(part: Fields) -> str:
    kind = part.get("type", "text")
    return text_of(part, "text") if kind in TEXT_PARTS else ""
