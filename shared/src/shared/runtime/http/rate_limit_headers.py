"""The `RateLimit` headers (IETF draft): what is left of a plan. Windows count tokens; `minute` counts requests."""

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from shared.domain.budgets import Balance, Window, WindowName

DAY_SECONDS = 86_400


class Requests(NamedTuple):
    """The limit of requests per minute, and how many are left of it."""

    limit: int
    left: int


def limit_headers(
    balances: Sequence[Balance], *, now: float, requests: Requests | None = None
) -> dict[str, str]:
    """`q` is the quota of `w` seconds; `r` is what remains of it for `t` seconds more."""
    policies = [_policy(balance.window) for balance in balances]
    left = [
        f'"{balance.window.name}";r={balance.left};t={max(0, int(balance.window.resets_at - now))}'
        for balance in balances
    ]
    if requests:
        policies.insert(0, f'"minute";q={requests.limit};w=60')
        left.insert(0, f'"minute";r={requests.left};t={60 - int(now % 60)}')
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)}


@lru_cache(maxsize=256)
def _policy(window: Window) -> str:
    return f'"{window.name}";q={window.limit};w={_seconds(window)};qu="tokens"'


def _seconds(window: Window) -> int:
    """Length of the window. A month has as many seconds as its days."""
    if window.name is WindowName.DAY:
        return DAY_SECONDS
    last_day = datetime.fromtimestamp(window.resets_at - 1, UTC)
    return calendar.monthrange(last_day.year, last_day.month)[1] * DAY_SECONDS
