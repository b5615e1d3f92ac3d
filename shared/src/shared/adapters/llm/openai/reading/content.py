"""Reads the parts of a Chat Completions response that servers write differently, from JSON of any shape."""

import json
from collections.abc import Iterator
from typing import cast

from shared.adapters.llm.openai.reading.json_body import (
    NO_FIELDS,
    Fields,
    MalformedBody,
    decode_body,
    fields_of,
    objects_in,
)
from shared.adapters.llm.openai.reading.reported_usage import to_count

THINKING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks")
"""Where servers put a model's thinking beside its reply: as text, or as a list of parts."""
THINKING_TEXTS = ("thinking", "text", "summary")
"""Where a part of a model's thinking has its text."""
TEXT_PARTS = frozenset({"text", "output_text"})
PART_FIELDS = frozenset({"type", "text", "thinking"})
"""Fields that tell a part of a reply from an item of the reply itself."""


def unwrapped(response: Fields) -> Fields:
    """The response that a gateway has wrapped into an object of its own, as an object or as text: `{"data": {…}}`."""
    if "choices" in response or response.get("error"):
        return response
    for inner in response.values():
        if isinstance(inner, str) and inner.startswith("{") and '"choices"' in inner:
            inner = _decoded(inner)
        if isinstance(inner, dict) and "choices" in inner:
            return fields_of(cast(object, inner))
    return response


def first_choice(response: Fields) -> Fields:
    """The choice of index 0, which is all that is asked for. Its index may be missing, and so may the list around it; a whole one
    may have another index. A response without choices may be the choice itself, as Ollama's own are."""
    choices = response.get("choices")
    if choices is None and isinstance(response.get("message"), dict):
        return response
    found = objects_in(choices)
    wholes = (choice for choice in found if "message" in choice)
    return next((choice for choice in found if not to_count(choice.get("index"))), next(wholes, NO_FIELDS))


def message_of(choice: Fields) -> Fields:
    """The message of a choice, or its piece of one in a stream; a server may send the text alone in the place of either."""
    for name in ("delta", "message"):
        if given := choice.get(name):
            return {"content": given} if isinstance(given, str) else fields_of(given)
    return NO_FIELDS


def finish_reason(choice: Fields) -> str:
    """Why the reply ended, in small letters; empty while it has not. SGLang may send an object, and Ollama `done_reason`."""
    reason = choice.get("finish_reason") or choice.get("done_reason")
    return (reason if isinstance(reason, str) else text_of(fields_of(reason), "type")).lower()


def reply_of(message: Fields) -> str:
    """The text of a whole message. Where it has none, the value that the server parsed, or the arguments of the functions
    that the message calls."""
    return next(replies_of(message), "")


def replies_of(message: Fields) -> Iterator[str]:
    """The texts of a whole message in which its reply may stand, the likeliest first. The thinking is the last: some servers
    take all that a model wrote for it."""
    readings = (
        join_content(message.get("content"), keep_values=True),
        _parsed_of(message),
        "\n".join(arguments_of(message)),
    )
    yield from (reading for reading in readings if reading.strip())


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
    """The thinking that stands beside the reply, or in parts of it. It is counted and dropped."""
    beside = next((text for name in THINKING_FIELDS if (text := _thinking_text(message.get(name)))), "")
    return beside or "".join(
        _thinking_text(part.get("thinking")) for part in objects_in(message.get("content"))
    )


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


def arguments_of(message: Fields) -> Iterator[str]:
    """The arguments of `tool_calls` and of the older `function_call`, which servers send as text or as an object."""
    functions = [
        *(fields_of(call.get("function")) for call in objects_in(message.get("tool_calls"))),
        fields_of(message.get("function_call")),
    ]
    for function in functions:
        if arguments := function.get("arguments"):
            yield arguments if isinstance(arguments, str) else _to_json(arguments)


def _parsed_of(message: Fields) -> str:
    """The reply that the server itself has parsed out of what the model wrote."""
    parsed = message.get("parsed")
    return parsed if isinstance(parsed, str) else _to_json(parsed) if parsed else ""


def _decoded(text: str) -> object:
    try:
        return decode_body(text)
    except MalformedBody:
        return None


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


def _thinking_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "".join(
        next((text for name in THINKING_TEXTS if (text := text_of(part, name))), "")
        for part in objects_in(value)
    )
