"""Builds the bodies of Chat Completions requests, with what the server accepts and without the rest."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from shared.adapters.llm.openai.json_schema import strict_schema
from shared.adapters.llm.openai.ladder.abilities import Abilities, StructuredOutput
from shared.adapters.llm.openai.prompt_rendering import Turn, count_turns
from shared.domain.llm.provider import Prompt
from shared.domain.provider_errors import ContextTooLong

MARGIN_TOKENS = 64
"""Room in a window for what the chat format adds, and for tokenizers that count more than ours."""
MIN_OUTPUT_SHARE = 0.5
"""Share of the wanted completion for which a window must have room. The limit is generous, so half of it usually suffices; a
shorter completion would be cut."""

Request = dict[str, Any]


class RequestBuilder:
    """Builds the requests to one model. Raises `ContextTooLong` where the model's window is known to be too small."""

    def __init__(self, model: str, *, reasoning_effort: str = "") -> None:
        """An empty `reasoning_effort` leaves the effort to the model."""
        self._fixed: Request = {"model": model, "store": False}
        if reasoning_effort:
            self._fixed["reasoning_effort"] = reasoning_effort

    def completion(
        self,
        turns: Sequence[Turn],
        prompt: Prompt,
        schema: type[Any],
        abilities: Abilities,
        *,
        max_output_tokens: int,
    ) -> Request:
        output = abilities.structured_output
        if output in (StructuredOutput.OBJECT, StructuredOutput.PROMPT):
            turns = _with_shape(turns, schema)
        request = self._request(turns, abilities, max_output_tokens)
        if output is not StructuredOutput.PROMPT:
            request["response_format"] = _response_format(schema, output)
        request |= {
            name: value
            for name, value in (
                ("prompt_cache_key", prompt.cache_key),
                ("safety_identifier", prompt.safety_id),
            )
            if value
        }
        if prompt.call_id:
            request["extra_headers"] = {"X-Client-Request-Id": prompt.call_id}
        return _without(request, abilities)

    def chat(
        self, turns: Sequence[Turn], abilities: Abilities, *, max_output_tokens: int, safety_id: str
    ) -> Request:
        request = self._request(turns, abilities, max_output_tokens)
        request |= {"stream": True, "stream_options": {"include_usage": True}}
        if safety_id:
            request["safety_identifier"] = safety_id
        return _without(request, abilities)

    def _request(self, turns: Sequence[Turn], abilities: Abilities, max_output_tokens: int) -> Request:
        limit = _output_limit(turns, abilities, max_output_tokens)
        return {**self._fixed, "messages": turns, abilities.limit_field.value: limit}


def _output_limit(turns: Sequence[Turn], abilities: Abilities, wanted: int) -> int:
    limit = min(wanted, abilities.max_output or wanted)
    if not abilities.window:
        return limit
    room = abilities.window - count_turns(turns) - MARGIN_TOKENS
    if room < limit * MIN_OUTPUT_SHARE:
        raise ContextTooLong
    return min(limit, room)


def _without(request: Request, abilities: Abilities) -> Request:
    return {name: value for name, value in request.items() if name not in abilities.without}


def _with_shape(turns: Sequence[Turn], schema: type[Any]) -> list[Turn]:
    """The turns with the shape of the completion at the end of the system message, which is the same for all parts."""
    system, *others = turns
    content = f"{system['content']}\n\nAnswer with one JSON value of this JSON Schema and nothing else:\n{_shape(schema)}"
    return [Turn(role=system["role"], content=content), *others]


@lru_cache(maxsize=64)
def _shape(schema: type[Any]) -> str:
    return json.dumps(strict_schema(schema), separators=(",", ":"))


@lru_cache(maxsize=64)
def _response_format(schema: type[Any], output: StructuredOutput) -> dict[str, Any]:
    if output is StructuredOutput.OBJECT:
        return {"type": "json_object"}
    shape: dict[str, Any] = {"name": schema.__name__, "schema": strict_schema(schema)}
    if output is StructuredOutput.STRICT:
        shape["strict"] = True
    return {"type": "json_schema", "json_schema": shape}
