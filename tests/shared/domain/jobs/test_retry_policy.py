"""How long a job waits, and how often it is tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.jobs.retry_policy import RetryPolicy

POLICY = RetryPolicy(max_attempts=5, base_seconds=1.0, cap_seconds=60.0)
jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (50, 60)]
)
def test_the_backoff_doubles_with_every_failure_up_to_the_cap(failures: int, seconds: float):
    assert POLICY.delay(failures, jitter=1.0) == seconds


@given(failures=st.integers(1, 10_000), jitter=jitters)
def test_the_delay_is_between_zero_and_the_backoff(failures: int, jitter: float):
    assert POLICY.delay(failures, jitter=jitter) == jitter * POLICY.delay(failures, jitter=1.0)
    assert 0 <= POLICY.delay(failures, jitter=jitter) < POLICY.cap_seconds


@given(failures=st.integers(1, 40), jitter=jitters, floor=st.floats(0, 3_600))
def test_the_delay_is_never_below_the_floor_and_has_jitter_above_it(
    failures: int, jitter: float, floor: float
):
    delay = POLICY.delay(failures, jitter=jitter, floor=floor)

    assert floor <= delay <= floor + POLICY.base_seconds
    if jitter > 0.001:
        assert delay > floor


@pytest.mark.parametrize(("failures", "is_exhausted"), [(0, False), (4, False), (5, True), (6, True)])
def test_max_attempts_includes_the_first_attempt(failures: int, is_exhausted: bool):
    assert POLICY.is_exhausted(failures) is is_exhausted
