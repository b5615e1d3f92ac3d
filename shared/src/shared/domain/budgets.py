"""What a user may spend: plans, the windows they are counted in, and the hold a request takes before it may start."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one plan, as the plans file gives them."""

    tokens_per_day: int
    tokens_per_month: int
    requests_per_minute: int
    concurrent_jobs: int
    """Of one stream, given to workers at a time; further accepted jobs wait in the user's own list, so that nobody waits behind them."""
    unfinished_jobs: int
    """Accepted and not final; one more is refused."""
    offline_fallback: bool = True
    """Whether the offline generator may answer when no model can."""


DAY_SECONDS = 86_400
_ANY_PLAN = Plan(
    tokens_per_day=0, tokens_per_month=0, requests_per_minute=0, concurrent_jobs=0, unfinished_jobs=0
)


class WindowName(StrEnum):
    DAY = "day"
    MONTH = "month"


class Window(Struct, frozen=True):
    """One calendar window (UTC) in which tokens are counted."""

    name: WindowName
    key: str
    """Names the period, e.g. `day:2026-11-23`; part of a Redis key."""
    limit: int
    """Tokens."""
    resets_at: float
    """Unix seconds: when the next period starts."""


class Balance(Struct, frozen=True):
    """One window as it stands now."""

    window: Window
    used: int
    held: int

    @property
    def left(self) -> int:
        return max(0, self.window.limit - self.used - self.held)


class Charge(Struct, frozen=True):
    """What a user's final jobs cost in one window."""

    user: str
    window: str
    """A `Window.key`."""
    tokens: int
    expires_at_ms: int = 0
    """When the window's counts may go."""


KEPT_MS = 2 * DAY_SECONDS * 1000
"""A window's counts outlive it by two days, for the jobs that were accepted in its last minutes."""


def expiries(now: float) -> dict[str, int]:
    """The windows that `now` (Unix seconds) falls in, whatever the plan, and when their counts may go (Unix ms)."""
    return {window.key: int(window.resets_at * 1000) + KEPT_MS for window in windows(_ANY_PLAN, now)}


def windows(plan: Plan, now: float) -> tuple[Window, Window]:
    """The day and the month that `now` (Unix seconds) falls in."""
    return _windows(plan, int(now // DAY_SECONDS))


@lru_cache(maxsize=256)  # asked with every submission, changes once a day and plan
def _windows(plan: Plan, day: int) -> tuple[Window, Window]:
    today = datetime.fromtimestamp(day * DAY_SECONDS, UTC)
    tomorrow = today + timedelta(days=1)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (
        Window(WindowName.DAY, f"day:{today:%Y-%m-%d}", plan.tokens_per_day, tomorrow.timestamp()),
        Window(WindowName.MONTH, f"month:{today:%Y-%m}", plan.tokens_per_month, next_month.timestamp()),
    )
