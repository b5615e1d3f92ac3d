"""Turns a request for Chat Completions into one for a background response of the Responses API, which is about the same call."""

from typing import Any

from shared.adapters.llm.openai.ladder.abilities import Feature, LimitField
from shared.adapters.llm.openai.request import Request

KEPT_FIELDS = ("model", "prompt_cache_key", "safety_identifier")
"""Fields that both APIs have."""

BACKGROUND_FEATURES = frozenset(
    {Feature.STRICT_SCHEMA, Feature.JSON_SCHEMA, Feature.RESPONSE_FORMAT, "reasoning_effort", *KEPT_FIELDS}
)
"""What a background response can do without. A refusal of anything else leads to Chat Completions."""


def to_background(request: Request) -> Request:
    """`stream` lets the server tell when the response is ready, and `store` lets another process fetch it."""
    system, *turns = request["messages"]
    background: Request = {
        "background": True,
        "store": True,
        "stream": True,
        "instructions": system["content"],
        "input": turns,
        "max_output_tokens": output_limit(request),
        **{name: request[name] for name in KEPT_FIELDS if name in request},
    }
    if "response_format" in request:
        background["text"] = {"format": _text_format(request["response_format"])}
    if "reasoning_effort" in request:
        background["reasoning"] = {"effort": request["reasoning_effort"]}
    if "extra_headers" in request:
        background["extra_headers"] = request["extra_headers"]
    return background


def is_background(request: Request) -> bool:
    return "background" in request


def output_limit(request: Request) -> int:
    """The limit of the completion, whatever its field is called."""
    fields = (*LimitField, "max_output_tokens")
    return next(request[field] for field in fields if field in request)


def _text_format(response_format: dict[str, Any]) -> dict[str, Any]:
    """What Chat Completions holds in an object of its own, the Responses API has beside the type."""
    return {"type": response_format["type"], **response_format.get("json_schema", {})}
