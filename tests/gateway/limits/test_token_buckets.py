"""Buckets of requests: what may come at once, how they refill, and how many are remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import token_buckets
from gateway.limits.token_buckets import TokenBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(buckets: TokenBuckets, key: str, per_minute: int, tries: int) -> int:
    return sum(buckets.take(key, per_minute) == 0 for _ in range(tries))


def test_a_full_bucket_holds_the_requests_of_the_burst(clock: Clock):
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    assert taken(buckets, "ada", 60, 100) == 10


def test_an_empty_bucket_tells_the_seconds_to_wait_and_then_has_one(clock: Clock):
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    taken(buckets, "ada", 30, 100)
    wait = buckets.take("ada", 30)
    assert wait == pytest.approx(2)
    clock.now += wait
    assert taken(buckets, "ada", 30, 3) == 1


def test_keys_have_buckets_of_their_own(clock: Clock):
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    taken(buckets, "eve", 60, 100)
    assert buckets.take("ada", 60) == 0


def test_a_limit_below_the_burst_still_lets_one_request_through(clock: Clock):
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    assert taken(buckets, "ada", 1, 5) == 1
    clock.now += 60
    assert taken(buckets, "ada", 1, 5) == 1


def test_what_is_charged_is_paid_before_the_next_request(clock: Clock):
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    buckets.charge("ada", 60, 25)
    assert buckets.take("ada", 60) == pytest.approx(16)
    clock.now += 16
    assert taken(buckets, "ada", 60, 5) == 1


def test_memory_is_bounded_and_a_busy_key_is_kept(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(token_buckets, "MAX_KEYS", 10)
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    for number in range(10):
        buckets.take(f"client-{number}", 60)
    taken(buckets, "client-0", 60, 100)
    buckets.take("client-10", 60)
    assert buckets.take("client-0", 60) > 0
    assert taken(buckets, "client-1", 60, 100) == 10


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200), st.integers(1, 600))
def test_no_more_than_the_burst_and_the_refill_is_ever_taken(pauses: list[float], per_minute: int):
    clock = Clock()
    buckets = TokenBuckets(burst_seconds=10, monotonic=clock)
    count, began = 0, clock.now
    for pause in pauses:
        clock.now += pause
        count += buckets.take("ada", per_minute) == 0
    interval = 60 / per_minute
    assert count <= (max(10, interval) + clock.now - began) / interval + 0.001
