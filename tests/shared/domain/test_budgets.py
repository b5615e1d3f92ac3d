"""The windows tokens are counted in: calendar days and months, UTC, without gap or overlap."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.budgets import Balance, Plan, WindowName, windows

PLAN = Plan(
    tokens_per_day=1_000,
    tokens_per_month=20_000,
    requests_per_minute=10,
    concurrent_jobs=2,
    unfinished_jobs=5,
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - hypothesis takes naive bounds; UTC is set right after


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("now", "day", "day_ends", "month", "month_ends"),
    [
        (
            "2026-11-23T12:00:00Z",
            "day:2026-11-23",
            "2026-11-24T00:00:00Z",
            "month:2026-11",
            "2026-12-01T00:00:00Z",
        ),
        (
            "2026-12-31T23:59:59Z",
            "day:2026-12-31",
            "2027-01-01T00:00:00Z",
            "month:2026-12",
            "2027-01-01T00:00:00Z",
        ),
        (
            "2028-02-28T00:00:00Z",
            "day:2028-02-28",
            "2028-02-29T00:00:00Z",
            "month:2028-02",
            "2028-03-01T00:00:00Z",
        ),
        (
            "2026-01-31T10:00:00Z",
            "day:2026-01-31",
            "2026-02-01T00:00:00Z",
            "month:2026-01",
            "2026-02-01T00:00:00Z",
        ),
    ],
)
def test_the_windows_are_the_day_and_the_month_of_the_time(
    now: str, day: str, day_ends: str, month: str, month_ends: str
):
    daily, monthly = windows(PLAN, at(now))

    assert (daily.key, daily.resets_at) == (day, at(day_ends))
    assert (monthly.key, monthly.resets_at) == (month, at(month_ends))


@given(moment=moments)
def test_a_window_ends_where_the_next_begins(moment: datetime):
    now = moment.timestamp()
    for index, window in enumerate(windows(PLAN, now)):
        assert now < window.resets_at
        assert windows(PLAN, window.resets_at - 1)[index].key == window.key
        assert windows(PLAN, window.resets_at)[index].key != window.key


def test_each_window_has_the_limit_of_the_plan():
    daily, monthly = windows(PLAN, 0.0)

    assert (daily.name, daily.limit) == (WindowName.DAY, 1_000)
    assert (monthly.name, monthly.limit) == (WindowName.MONTH, 20_000)


@pytest.mark.parametrize(
    ("used", "held", "left"), [(0, 0, 1_000), (300, 200, 500), (900, 100, 0), (1_200, 0, 0)]
)
def test_left_excludes_used_and_held_tokens_and_is_never_negative(used: int, held: int, left: int):
    assert Balance(windows(PLAN, 0.0)[0], used, held).left == left
