"""Translates a server's errors into ours: by code, by status, and last by patterns over the messages of known servers.

Every error says whose fault it is (`ProviderError.blames`): this request's, the server's or the account's. Only the last two
concern other learners.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from msgspec import Struct
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

from shared.adapters.llm.openai.reported_usage import to_count
from shared.adapters.llm.openai.server_messages import (
    MAX_CHARACTERS,
    find_feature,
    is_refusal,
    is_too_long,
    read_output_limit,
    read_wait,
    read_window,
)
from shared.domain.errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderRejected,
    ProviderTimedOut,
    ProviderUnavailable,
)

BY_CODE: Mapping[str, type[ProviderError]] = {
    # A 429 about the account's credit, which no waiting mends. Its `type` may be that of a 429 about the pace.
    "insufficient_quota": ProviderOutOfCredit,
    "credit_balance_exhausted": ProviderOutOfCredit,
    "organization_spend_limit_exceeded": ProviderOutOfCredit,
    "project_spend_limit_exceeded": ProviderOutOfCredit,
    "organization_usage_limit_exceeded": ProviderOutOfCredit,
    "billing_hard_limit_reached": ProviderOutOfCredit,
    "billing_not_active": ProviderOutOfCredit,
    "exceeded_current_quota_error": ProviderOutOfCredit,  # Moonshot
    "budget_exceeded": ProviderOutOfCredit,  # LiteLLM
    "rate_limit_exceeded": ProviderBusy,
    "slow_down": ProviderBusy,
    "server_is_overloaded": ProviderBusy,
    "overloaded_error": ProviderBusy,
    "RESOURCE_EXHAUSTED": ProviderBusy,  # Gemini, like the other names in capitals
    "UNAVAILABLE": ProviderBusy,
    "context_length_exceeded": ContextTooLong,
    "exceed_context_size_error": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "content_filter": ProviderRefused,
    "content_policy_violation": ProviderRefused,
    "invalid_prompt": ProviderRefused,
    "json_validate_failed": ProviderGarbled,  # Groq checks what the model wrote, and answers 400
    "invalid_api_key": ProviderMisconfigured,
    "model_not_found": ProviderMisconfigured,
    "API_KEY_INVALID": ProviderMisconfigured,  # with status 400
    "UNAUTHENTICATED": ProviderMisconfigured,
    "NotFoundError": ProviderMisconfigured,  # vLLM: no such model
}
BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: ProviderMisconfigured,
    402: ProviderOutOfCredit,
    408: ProviderTimedOut,
    409: ProviderUnavailable,
    413: ContextTooLong,
    425: ProviderUnavailable,
    429: ProviderBusy,
    503: ProviderBusy,
    504: ProviderTimedOut,
    529: ProviderBusy,
}
SPEND_LIMIT = "_spend_limit_exceeded"
MAX_RETRY_AFTER_SECONDS = 900.0
"""The longest wait that a server can impose on a job: 15 minutes. A server once asked for ten years."""
FEATURE_STATUSES = frozenset({400, 404, 415, 422, 500, 501})
"""Statuses with which servers refuse a field they do not know."""
CODE_FIELDS = ("code", "type", "status")
"""Fields with an error's name; Gemini's is its `status`."""
WINDOW_FIELDS = ("n_ctx", "max_context_length", "context_length", "max_model_len")
"""Fields in which servers tell the window beside the message; llama.cpp sends the first."""

Headers = Mapping[str, str]


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
    retry_after: float | None = None

    @property
    def refused_feature(self) -> str:
        """The field or feature of the request that the server does not know; empty when it is about something else."""
        if self.status not in FEATURE_STATUSES or any(code in BY_CODE for code in self.codes):
            return ""
        if "invalid_json_schema" in self.codes:
            return "json_schema"
        return find_feature(self.message, self.parameter)

    @property
    def is_too_long(self) -> bool:
        is_known = any(BY_CODE.get(code) is ContextTooLong for code in self.codes)
        may_be = self.status == 0 or 400 <= self.status <= 500
        return is_known or self.status == 413 or (may_be and is_too_long(self.message))

    @property
    def is_unknown(self) -> bool:
        """Whether it is a refusal of this request that nothing explains."""
        return type(to_provider_error(self)) is ProviderRejected

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
        retry_after=retry_after(
            headers, said=read_wait(message, [detail.get("retryDelay") for detail in details])
        ),
    )


def _error_fields(body: object) -> dict[str, object]:
    """The object that describes the error, out of its frames."""
    if isinstance(body, list):  # Gemini
        body = next(iter(cast(list[object], body)), None)
    if not isinstance(body, dict):
        return {"message": body}
    fields = cast(dict[str, object], body)
    while isinstance(inner := fields.get("error"), dict):
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


def translate(error: Exception) -> ProviderError:
    """Turn an error of the OpenAI client into ours."""
    match error:
        case APITimeoutError() | TimeoutError():
            return ProviderTimedOut()
        case APIStatusError() | APIError() if not isinstance(error, APIConnectionError):
            return to_provider_error(server_error_of(error))
        case _:
            return ProviderUnavailable(is_connected=False)


def server_error_of(error: APIError) -> ServerError:
    if isinstance(error, APIStatusError):
        return read_server_error(error.body, error.status_code, error.response.headers)
    return read_server_error(error.body, 0, {})


def to_provider_error(said: ServerError) -> ProviderError:
    """Choose our error, with the wait that the server asks for."""
    return _kind(said)(retry_after=said.retry_after, status=said.status)


def retry_after(headers: Headers, *, said: float | None = None) -> float | None:
    """Seconds that the server asks to wait, at most `MAX_RETRY_AFTER_SECONDS`. It may say milliseconds, seconds or a date,
    which is compared with the server's own clock. `said` is what its message asks for, where no header does."""
    wait = _asked_wait(headers)
    wait = said if wait is None else wait
    return None if wait is None else min(wait, MAX_RETRY_AFTER_SECONDS)


def _asked_wait(headers: Headers) -> float | None:
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1_000
    said = headers.get("retry-after")
    if (seconds := _number(said)) is not None:
        return seconds
    until, now = _date(said), _date(headers.get("date"))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _kind(said: ServerError) -> type[ProviderError]:
    if said.is_too_long:
        return ContextTooLong
    for code in said.codes:
        if code in BY_CODE:
            return BY_CODE[code]
        if code.endswith(SPEND_LIMIT):
            return ProviderOutOfCredit
    if said.status in BY_STATUS:
        return BY_STATUS[said.status]
    if 400 <= said.status < 500:
        return ProviderRefused if is_refusal(said.message) else ProviderRejected
    return ProviderUnavailable


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC) if date else None
