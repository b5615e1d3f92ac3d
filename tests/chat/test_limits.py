"""The budget in headers."""

from datetime import UTC, datetime

from tests.factories import make_plan

from chat.limits import limit_headers
from shared.domain.budget import Balance, windows


def test_the_headers_say_what_is_left_of_each_window_and_for_how_long():
    now = datetime(2026, 2, 27, 23, 0, tzinfo=UTC).timestamp()
    day, month = windows(make_plan(tokens_per_day=100, tokens_per_month=1_000), now)

    headers = limit_headers([Balance(day, used=30, held=20), Balance(month, used=990, held=20)], now=now)

    assert headers == {
        "ratelimit-policy": '"day";q=100;w=86400;qu="tokens", "month";q=1000;w=2419200;qu="tokens"',
        "ratelimit": '"day";r=50;t=3600, "month";r=0;t=90000',
    }
