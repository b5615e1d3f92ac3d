"""The budget in headers (IETF draft `RateLimit` fields): what the answer's reader has left."""

from collections.abc import Sequence

from shared.domain.budget import Balance, WindowName

_SECONDS = {WindowName.DAY: 86_400, WindowName.MONTH: 30 * 86_400}
"""Nominal: what `w` says; when a window really ends is in `t`."""


def limit_headers(balances: Sequence[Balance], *, now: float) -> dict[str, str]:
    """Units are tokens."""
    policies = [
        f'"{balance.window.name}";q={balance.window.limit};w={_SECONDS[balance.window.name]}'
        for balance in balances
    ]
    left = [
        f'"{balance.window.name}";r={balance.left};t={max(0, round(balance.window.resets_at - now))}'
        for balance in balances
    ]
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)}
