"""How long a server asks to wait, in each of the ways that it may say so."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 900.0
"""The longest wait that a server can impose on a job: 15 minutes. A server once asked for ten years."""

LIMITS = ("requests", "tokens")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")

Headers = Mapping[str, str]


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
    return max(0.0, (until - now).total_seconds()) if until and now else _reset(headers)


def _reset(headers: Headers) -> float | None:
    """When the limits that are used up are reset, as OpenAI and Groq say it: `1s`, `6m0s`, `120ms`."""
    return max(
        (
            wait
            for limit in LIMITS
            if headers.get(f"x-ratelimit-remaining-{limit}") == "0"
            if (wait := _duration(headers.get(f"x-ratelimit-reset-{limit}"))) is not None
        ),
        default=None,
    )


def _duration(text: str | None) -> float | None:
    parts = _DURATION.findall(text or "")
    return sum(float(amount) * UNITS[unit] for amount, unit in parts) if parts else None


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
