"""Token budgets: plans, the calendar windows in which tokens are counted, and what is left in each window."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import TooManyItems
from shared.domain.llm.model_choice import PlanModels
from shared.domain.study.material import MAX_ITEMS, Options

DEFAULT_API_REQUESTS, API_REQUESTS_PER_SUBMISSION = 1_200, 10


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one plan, as the plans file gives them."""

    tokens_per_day: int
    tokens_per_month: int
    requests_per_minute: int
    concurrent_jobs: int
    """How many of the user's jobs on one stream workers run at a time. Further accepted jobs wait in the user's own list, so that
    other users do not wait behind them."""
    unfinished_jobs: int
    """Limit of accepted jobs that are not final yet; the next submission is refused."""
    api_requests_per_minute: Annotated[int, Meta(ge=0)] = 0
    """Limit of HTTP requests of any kind, refused ones included, in each gateway process. 0: the larger of 1,200 and ten times
    `requests_per_minute`."""
    event_streams: int = 20
    """Event streams that a user may have open at a time in one gateway process."""
    offline_fallback: bool = True
    """Whether the offline generator may take over when no model is available."""
    items_per_job: Annotated[int, Meta(ge=1, le=MAX_ITEMS)] = 100
    """Limit of the cards, and of the questions, that a request may ask for. Without a count a job makes at most 80 and 40."""
    documents: DocumentLimits = DocumentLimits()
    models: PlanModels = PlanModels()
    """Which models are asked for its users, and which of them a request may name."""

    @property
    def all_requests_per_minute(self) -> int:
        """The limit of HTTP requests of any kind. The default is more than a page that polls every job needs."""
        return self.api_requests_per_minute or max(
            DEFAULT_API_REQUESTS, API_REQUESTS_PER_SUBMISSION * self.requests_per_minute
        )

    def require_items(self, options: Options) -> None:
        """Raises `TooManyItems` for more items than the plan allows."""
        if max(options.flashcards or 0, options.questions or 0) > self.items_per_job:
            raise TooManyItems(limit=self.items_per_job)


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
    """Identifies the period, such as `day:2026-11-23`. It is part of a Redis key."""
    limit: int
    """Tokens."""
    resets_at: float
    """Start of the next period, in Unix seconds."""


class Balance(Struct, frozen=True):
    """The tokens of one window now: used, held, and left."""

    window: Window
    used: int
    held: int

    @property
    def left(self) -> int:
        return max(0, self.window.limit - self.used - self.held)


class Charge(Struct, frozen=True):
    """Tokens that a user's final jobs cost in one window."""

    user: str
    window: str
    """A `Window.key`."""
    tokens: int
    expires_at_ms: int = 0
    """When Redis may delete the counts of the window, in Unix milliseconds."""


KEPT_MS = 2 * DAY_SECONDS * 1000
"""How long the counts of a window are kept after its end: two days, for the jobs that were accepted in its last minutes."""


def expiries(now: float) -> dict[str, int]:
    """The keys of the windows that contain `now` (Unix seconds), and when Redis may delete their counts (Unix milliseconds)."""
    return {window.key: int(window.resets_at * 1000) + KEPT_MS for window in windows(_ANY_PLAN, now)}


def windows(plan: Plan, now: float) -> tuple[Window, Window]:
    """The day and the month that contain `now` (Unix seconds)."""
    return _windows(plan, int(now // DAY_SECONDS))


@lru_cache(maxsize=256)  # every submission needs it, and it changes once a day for each plan
def _windows(plan: Plan, day: int) -> tuple[Window, Window]:
    today = datetime.fromtimestamp(day * DAY_SECONDS, UTC)
    tomorrow = today + timedelta(days=1)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (
        Window(WindowName.DAY, f"day:{today:%Y-%m-%d}", plan.tokens_per_day, tomorrow.timestamp()),
        Window(WindowName.MONTH, f"month:{today:%Y-%m}", plan.tokens_per_month, next_month.timestamp()),
    )
