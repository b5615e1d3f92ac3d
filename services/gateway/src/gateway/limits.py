"""The reader's budget in headers (IETF draft `RateLimit` fields). Windows count tokens, `minute` counts requests."""

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from shared.domain.budget import Balance, Plan, Window, WindowName
from shared.domain.submission import Allowance

DAY_SECONDS = 86_400


def limit_headers(
    balances: Sequence[Balance], plan: Plan, *, requests_left: int, now: float
) -> dict[str, str]:
    """`q` is the quota of `w` seconds; `r` is what remains of it for `t` seconds more."""
    left = [
        f'"{balance.window.name}";r={balance.left};t={max(0, int(balance.window.resets_at - now))}'
        for balance in balances
    ]
    return {
        "RateLimit-Policy": _policy(plan.requests_per_minute, *(balance.window for balance in balances)),
        "RateLimit": ", ".join([f'"minute";r={requests_left};t={60 - int(now % 60)}', *left]),
    }


def allowance_headers(allowance: Allowance, plan: Plan, *, now: float) -> dict[str, str]:
    return limit_headers(allowance.balances, plan, requests_left=allowance.requests_left, now=now)


@lru_cache(maxsize=256)
def _policy(requests: int, *windows: Window) -> str:
    tokens = [f'"{window.name}";q={window.limit};w={_seconds(window)};qu="tokens"' for window in windows]
    return ", ".join([f'"minute";q={requests};w=60', *tokens])


def _seconds(window: Window) -> int:
    """How long the window is: a month is as long as its days."""
    if window.name is WindowName.DAY:
        return DAY_SECONDS
    last_day = datetime.fromtimestamp(window.resets_at - 1, UTC)
    return calendar.monthrange(last_day.year, last_day.month)[1] * DAY_SECONDS
