"""The budget in headers (IETF draft `RateLimit` fields): what the answer's reader has left, in tokens."""

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.domain.budget import Balance, Window, WindowName

DAY_SECONDS = 86_400


def limit_headers(balances: Sequence[Balance], *, now: float) -> dict[str, str]:
    """`q` is the quota of `w` seconds; `r` is what remains of it for `t` seconds more. As the gateway's own calls say it."""
    policies = [
        f'"{window.name}";q={window.limit};w={_seconds(window)};qu="tokens"'
        for window in (balance.window for balance in balances)
    ]
    left = [
        f'"{balance.window.name}";r={balance.left};t={max(0, int(balance.window.resets_at - now))}'
        for balance in balances
    ]
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)}


def _seconds(window: Window) -> int:
    """How long the window is: a month is as long as its days."""
    if window.name is WindowName.DAY:
        return DAY_SECONDS
    last_day = datetime.fromtimestamp(window.resets_at - 1, UTC)
    return calendar.monthrange(last_day.year, last_day.month)[1] * DAY_SECONDS
