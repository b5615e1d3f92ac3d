"""What is left of a plan, in headers."""

from datetime import UTC, datetime

from tests.factories import make_plan

from shared.domain.budgets import Balance, windows
from shared.runtime.http.rate_limit_headers import Requests, limit_headers

NOW = datetime(2026, 2, 27, 23, 0, 30, tzinfo=UTC).timestamp()
DAY, MONTH = windows(make_plan(tokens_per_day=100, tokens_per_month=1_000), NOW)
BALANCES = (Balance(DAY, used=30, held=20), Balance(MONTH, used=990, held=20))


def test_the_headers_show_what_is_left_of_each_window():
    assert limit_headers(BALANCES, now=NOW) == {
        "ratelimit-policy": '"day";q=100;w=86400;qu="tokens", "month";q=1000;w=2419200;qu="tokens"',
        "ratelimit": '"day";r=50;t=3570, "month";r=0;t=89970',
    }


def test_the_minute_comes_first_where_requests_are_counted():
    headers = limit_headers(BALANCES[:1], now=NOW, requests=Requests(limit=20, left=7))
    assert headers == {
        "ratelimit-policy": '"minute";q=20;w=60, "day";q=100;w=86400;qu="tokens"',
        "ratelimit": '"minute";r=7;t=30, "day";r=50;t=3570',
    }
