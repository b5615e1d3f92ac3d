"""How long the server asks us to wait, in each of the ways it may say so."""

import pytest

from shared.adapters.llm.openai.refusals.retry_after import retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "54"}, 54.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_seconds_or_milliseconds(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}, 90.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-tokens": "7", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9h", "retry-after": "2"}, 2.0),
    ],
)
def test_the_reset_of_a_limit_that_is_used_up(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Mon, 23 Nov 2026 10:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 09:59:00 GMT", 0.0),
        ("Mon, 99 Nov 2026 10:00:30 GMT", None),
    ],
)
def test_a_date_is_told_from_the_server_s_own_clock(until: str, seconds: float | None):
    assert retry_after({"retry-after": until, "date": "Mon, 23 Nov 2026 10:00:00 GMT"}) == seconds


def test_a_date_without_the_server_s_clock_says_nothing():
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT"}) is None
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "today"}) is None


def test_a_date_without_a_zone_is_no_obstacle():
    headers = {"retry-after": "Mon, 23 Nov 2026 10:00:30 -0000", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}
    assert retry_after(headers) == 30.0
