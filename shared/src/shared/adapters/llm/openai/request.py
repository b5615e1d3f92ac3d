"""Builds the bodies of Chat Completions requests. What one server accepts and another refuses is decided here alone."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from shared.adapters.llm.openai.json_schema import strict_schema
from shared.adapters.llm.openai.prompt_rendering import Turn
from shared.domain.llm.provider import Prompt


class RequestBuilder:
    """Builds the requests to one model of one server."""

    def __init__(self, model: str, *, reasoning_effort: str = "", takes_own_fields: bool = True) -> None:
        """An empty `reasoning_effort` leaves the effort to the model. `takes_own_fields` says that the server knows the
        fields that only OpenAI defines; other servers may refuse them."""
        self._takes_own_fields = takes_own_fields
        self._fixed: dict[str, Any] = {"model": model}
        if reasoning_effort:
            self._fixed["reasoning_effort"] = reasoning_effort
        if takes_own_fields:
            self._fixed["store"] = False

    def completion(self, turns: Sequence[Turn], prompt: Prompt, schema: type[Any]) -> dict[str, Any]:
        request = self._request(turns, prompt.max_output_tokens) | {
            "response_format": _response_format(schema)
        }
        if prompt.call_id:
            request["extra_headers"] = {"X-Client-Request-Id": prompt.call_id}
        if self._takes_own_fields:
            request |= _own_fields(prompt)
        return request

    def chat(self, turns: Sequence[Turn], max_output_tokens: int) -> dict[str, Any]:
        return self._request(turns, max_output_tokens) | {"stream_options": {"include_usage": True}}

    def _request(self, turns: Sequence[Turn], max_output_tokens: int) -> dict[str, Any]:
        return {**self._fixed, "messages": turns, "max_completion_tokens": max_output_tokens}


def _own_fields(prompt: Prompt) -> dict[str, str]:
    fields = {"prompt_cache_key": prompt.cache_key, "safety_identifier": prompt.safety_id}
    return {name: value for name, value in fields.items() if value}


@lru_cache(maxsize=64)
def _response_format(schema: type[Any]) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.__name__, "strict": True, "schema": strict_schema(schema)},
    }
