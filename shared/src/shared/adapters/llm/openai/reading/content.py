"""Reads the parts of a Chat Completions response that servers write differently, from JSON of any shape."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import cast

import msgspec

Fields = Mapping[str, object]

NO_FIELDS: Fields = MappingProxyType({})

THINKING_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""Where servers put a model's thinking beside its reply."""
TEXT_PARTS = frozenset({"text", "output_text"})
PART_FIELDS = frozenset({"type", "text", "thinking"})
"""Fields that tell a part of a reply from an item of the reply itself."""


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
    """The choice of index 0, which is all that is asked for. Its index may be missing."""
    choices = response.get("choices")
    found = map(fields_of, cast(list[object], choices) if isinstance(choices, list) else ())
    return next((choice for choice in found if not choice.get("index")), NO_FIELDS)


def reply_of(message: Fields) -> str:
    """The text of a whole message. Where it has none, the arguments of the functions that it calls."""
    return join_content(message.get("content"), keep_values=True) or "\n".join(_arguments_of(message))


def join_content(content: object, *, keep_values: bool = False) -> str:
    """The text of `content`, which is text, null, or a list of parts of which some may be thinking. With `keep_values` an object
    or a list that is no part is the reply itself, and is returned as JSON."""
    if isinstance(content, str):
        return content
    if keep_values and _is_value(content):
        return _to_json(content)
    parts = cast(list[object], content) if isinstance(content, list) else [content]
    return "".join(part if isinstance(part, str) else _part_text(fields_of(part)) for part in parts)


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


def _arguments_of(message: Fields) -> Iterator[str]:
    """The arguments of `tool_calls` and of the older `function_call`, which servers send as text or as an object."""
    calls = message.get("tool_calls")
    found = [fields_of(call) for call in cast(list[object], calls)] if isinstance(calls, list) else []
    functions = [
        *(fields_of(call.get("function")) for call in found),
        fields_of(message.get("function_call")),
    ]
    for function in functions:
        if arguments := function.get("arguments"):
            yield arguments if isinstance(arguments, str) else _to_json(arguments)


def _is_value(content: object) -> bool:
    """Whether the content is an object without a type, or a list of objects none of which is a part."""
    if isinstance(content, list):
        parts = [fields_of(part) for part in cast(list[object], content)]
        return bool(parts) and not any(PART_FIELDS & part.keys() for part in parts) and all(parts)
    return isinstance(content, dict) and "type" not in content


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _part_text(part: Fields) -> str:
    kind = part.get("type", "text")
    if kind == "tool_use":  # Anthropic
        return _to_json(part.get("input"))
    return text_of(part, "text") if kind in TEXT_PARTS else ""
