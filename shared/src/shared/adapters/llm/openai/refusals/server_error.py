"""Reads what a server says of a failed call, whatever frame its error has."""

from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import Struct

from shared.adapters.llm.openai.reading.reported_usage import to_count
from shared.adapters.llm.openai.refusals.codes import BY_CODE, FEATURE_STATUSES, UNKNOWN_MODEL_CODES, kind_of
from shared.adapters.llm.openai.refusals.retry_after import Headers, retry_after
from shared.adapters.llm.openai.refusals.server_messages import (
    MAX_CHARACTERS,
    find_feature,
    is_refusal,
    is_too_long,
    read_output_limit,
    read_wait,
    read_window,
)
from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderError,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
)

CODE_FIELDS = ("code", "type", "status")
"""Fields with an error's name; Gemini's is its `status`."""
WINDOW_FIELDS = ("n_ctx", "max_context_length", "context_length", "max_model_len")
"""Fields in which servers tell the window beside the message; llama.cpp sends the first."""

TOO_LONG_STATUSES = frozenset({0, 400, 422, 500})
"""Statuses whose message may tell that a text is too long. A 429 about too many tokens a minute is about the pace."""


class ServerError(Struct, frozen=True, kw_only=True):
    """What a server said of a failed call, as far as we use it."""

    status: int = 0
    """0 in the middle of a stream, and for an error in a response of status 200."""
    codes: Sequence[str] = ()
    """`code`, `type` and the like."""
    parameter: str = ""
    message: str = ""
    """Never shown or logged."""
    window: int = 0
    told_window: int = 0
    """The window as a field of its own tells it, which no learner can write."""
    retry_after: float | None = None

    @property
    def refused_feature(self) -> str:
        """The field or feature of the request that the server does not know; empty when it is about something else."""
        is_something_else = is_refusal(self.message) or any(code in BY_CODE for code in self.codes)
        if is_something_else or self.is_unknown_model or self.status not in FEATURE_STATUSES:
            return ""
        if "invalid_json_schema" in self.codes:
            return "json_schema"
        return find_feature(self.message, self.parameter)

    @property
    def is_unknown_model(self) -> bool:
        return any(code in UNKNOWN_MODEL_CODES for code in self.codes)

    @property
    def is_too_long(self) -> bool:
        is_known = any(BY_CODE.get(code) is ContextTooLong for code in self.codes)
        return (
            is_known or self.status == 413 or (self.status in TOO_LONG_STATUSES and is_too_long(self.message))
        )

    @property
    def kind(self) -> type[ProviderError]:
        """Our error for it. A refusal that nothing explains is `ProviderRejected`."""
        if self.is_too_long:
            return ContextTooLong
        if known := kind_of(self.codes, self.status):
            return known
        if 400 <= self.status < 500:
            return ProviderRefused if is_refusal(self.message) else ProviderRejected
        return ProviderUnavailable

    @property
    def names_what_it_refuses(self) -> bool:
        """Whether it tells what to change, so that other calls need not be refused first."""
        return bool(self.window if self.is_too_long else self.output_limit or self.refused_feature)

    @property
    def output_limit(self) -> int:
        return read_output_limit(self.message) if self.status in FEATURE_STATUSES else 0


def read_server_error(body: object, status: int, headers: Headers) -> ServerError:
    """Read an error body: `{"error": {…}}`, the same in a list or without its frame, `{"detail": …}`, or text. A response of
    status 200 tells the real status as the error's code."""
    fields = _error_fields(body)
    details = [_as_fields(detail) for detail in _as_list(fields.get("details"))]
    message = _message_of(fields)
    named = [*(fields.get(name) for name in CODE_FIELDS), *(detail.get("reason") for detail in details)]
    window = next((count for name in WINDOW_FIELDS if (count := to_count(fields.get(name)))), 0)
    return ServerError(
        status=status or _status_of(fields),
        codes=[str(code) for code in named if isinstance(code, str | int) and code],
        parameter=str(fields.get("param") or ""),
        message=message,
        window=window or read_window(message),
        told_window=window,
        retry_after=retry_after(
            headers,
            # only of a 429: any other message may repeat what a learner wrote
            said=read_wait(message, [detail.get("retryDelay") for detail in details])
            if status == 429
            else None,
        ),
    )


def _error_fields(body: object) -> dict[str, object]:
    """The object that describes the error, out of its frames."""
    if isinstance(body, list):  # Gemini
        body = next(iter(cast(list[object], body)), None)
    if not isinstance(body, dict):
        return {"message": body}
    fields = cast(dict[str, object], body)
    if errors := _as_list(fields.get("errors")):  # watsonx
        fields = {"error": errors[0]}
    while inner := _as_fields(fields.get("error")) or _as_fields(fields.get("detail")):
        fields = cast(dict[str, object], inner)
    return fields


def _message_of(fields: Mapping[str, object]) -> str:
    """All that the error says in words. OpenRouter hands on the words of the server behind it as `metadata.raw`."""
    message = fields.get("message") or fields.get("detail") or fields.get("error") or ""
    raw = _as_fields(fields.get("metadata")).get("raw") or ""
    return f"{message} {raw}".strip()[:MAX_CHARACTERS]


def _status_of(fields: Mapping[str, object]) -> int:
    return next(
        (code for name in ("code", "status") if (code := to_count(fields.get(name))) and 400 <= code < 600), 0
    )


def _as_fields(value: object) -> Mapping[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _as_list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []
