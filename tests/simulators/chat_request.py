"""A request to Chat Completions: what may be sent. Another field is refused, as it is there."""

from typing import Any

from msgspec import Struct


class Turn(Struct, forbid_unknown_fields=True):
    role: str
    content: str


class _JsonSchema(Struct, forbid_unknown_fields=True):
    name: str
    strict: bool
    schema: dict[str, Any]


class _ResponseFormat(Struct, forbid_unknown_fields=True):
    type: str
    json_schema: _JsonSchema


class _StreamOptions(Struct, forbid_unknown_fields=True):
    include_usage: bool = False


class ChatRequest(Struct, forbid_unknown_fields=True):
    model: str
    messages: list[Turn]
    max_completion_tokens: int = 4_096
    response_format: _ResponseFormat | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    store: bool | None = None
    reasoning_effort: str = ""
    prompt_cache_key: str = ""
    safety_identifier: str = ""

    @property
    def schema(self) -> dict[str, Any] | None:
        return self.response_format.json_schema.schema if self.response_format else None

    @property
    def says_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage
