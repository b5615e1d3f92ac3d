"""Translates a server's errors into ours: one table by error code, and one by HTTP status for unknown codes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

from shared.domain.errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
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
    "rate_limit_exceeded": ProviderBusy,
    "slow_down": ProviderBusy,
    "server_is_overloaded": ProviderBusy,
    "context_length_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "content_filter": ProviderRefused,
    "content_policy_violation": ProviderRefused,
    "invalid_prompt": ProviderRefused,
}
BY_STATUS: Mapping[int, type[ProviderError]] = {
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

Headers = Mapping[str, str]


def translate(error: Exception) -> ProviderError:
    """Turn an error of the OpenAI client into ours."""
    match error:
        case APITimeoutError() | TimeoutError():
            return ProviderTimedOut()
        case APIStatusError():
            return provider_error(error.status_code, (error.code, error.type), error.response.headers)
        case APIConnectionError():
            return ProviderUnavailable(is_connected=False)
        case APIError():
            return provider_error(None, (error.code, error.type), {})
        case _:
            return ProviderUnavailable(is_connected=False)


def provider_error(status: int | None, codes: Sequence[str | int | None], headers: Headers) -> ProviderError:
    """Choose our error. The first known one of `codes` decides; `status` is None in the middle of a stream."""
    return _kind(status or 0, [str(code) for code in codes if code])(retry_after=retry_after(headers))


def retry_after(headers: Headers) -> float | None:
    """Seconds that the server asks to wait. It may say milliseconds, seconds or a date, which is compared with the server's
    own clock."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1_000
    said = headers.get("retry-after")
    if (seconds := _number(said)) is not None:
        return seconds
    until, now = _date(said), _date(headers.get("date"))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _kind(status: int, codes: Sequence[str]) -> type[ProviderError]:
    for code in codes:
        if code in BY_CODE:
            return BY_CODE[code]
        if code.endswith(SPEND_LIMIT):
            return ProviderOutOfCredit
    if status in BY_STATUS:
        return BY_STATUS[status]
    return ProviderMisconfigured if 400 <= status < 500 else ProviderUnavailable


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC) if date else None
