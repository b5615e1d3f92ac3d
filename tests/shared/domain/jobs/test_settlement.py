"""What one attempt's outcome does to its job: decided as a value, before anything is written."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import HandedBack, NoUsableText, Problem
from shared.domain.jobs.job import TRANSITIONS, EntryId, JobId, JobState, LeasedJob, StreamName, UserId
from shared.domain.jobs.outcome import Done, Fail, Outcome, Retry
from shared.domain.jobs.retry_policy import RetryPolicy
from shared.domain.jobs.settlement import Settlement, decide, hand_back
from shared.domain.provider_errors import ProviderBusy
from shared.domain.study.material import Text
from shared.domain.usage import Usage

NOW = 1_800_000_000.0
USAGE = Usage(120, 34)
POLICY = RetryPolicy(max_attempts=5)
JOB = LeasedJob(
    id=JobId("01920000-0000-7000-8000-000000000001"),
    user=UserId("ada"),
    kind="text",
    version=1,
    payload=b"{}",
    shard=0,
    stream=StreamName.AI,
    entry=EntryId("1-0"),
    attempt=1,
)
DONE = Done(Text(language="en", text="A note."), model="model-1", generated_by="openai")
BUSY = ProviderBusy().problem

problems = st.builds(Problem, st.sampled_from(["provider_busy", "no_usable_text", "store_unavailable"]))
retries = st.builds(Retry, problems, st.none() | st.floats(0, 600), st.booleans())
outcomes = st.one_of(st.just(DONE), retries, st.builds(Fail, problems))


def settle(
    outcome: Outcome, *, failures: int = 0, jitter: float = 0.5, policy: RetryPolicy = POLICY
) -> Settlement:
    job = msgspec.structs.replace(JOB, failures=failures)
    return decide(job, outcome, policy, usage=USAGE, now=NOW, jitter=jitter)


@given(outcome=outcomes, failures=st.integers(0, 9), jitter=st.floats(0, 1, exclude_max=True))
def test_every_outcome_gives_an_allowed_transition_with_its_fields(
    outcome: Outcome, failures: int, jitter: float
):
    settlement = settle(outcome, failures=failures, jitter=jitter)

    assert settlement.state in TRANSITIONS[JobState.RUNNING]
    assert settlement.usage == USAGE
    assert settlement.is_final == (settlement.retry_at is None)
    assert (settlement.done is None) == (settlement.state is not JobState.SUCCEEDED)
    assert (settlement.problem is None) == (settlement.state is JobState.SUCCEEDED)
    assert settlement.retry_at is None or settlement.retry_at >= NOW


@given(sequence=st.lists(outcomes, min_size=1, max_size=40), most=st.integers(1, 6))
def test_a_job_ends_within_the_limit_of_attempts(sequence: list[Outcome], most: int):
    policy = RetryPolicy(max_attempts=most)
    failures, counted = 0, 0
    for outcome in sequence:
        settlement = settle(outcome, failures=failures, policy=policy)
        counted += isinstance(outcome, Retry) and outcome.counted
        failures = settlement.failures
        if settlement.is_final:
            break

        assert failures == counted < most

    assert counted <= most


@pytest.mark.parametrize("most", [1, 2, 5])
def test_max_attempts_includes_the_first_attempt(most: int):
    policy = RetryPolicy(max_attempts=most)
    states: list[JobState] = []
    failures = 0
    while not states or states[-1] is JobState.QUEUED:
        settlement = settle(Retry(BUSY), failures=failures, policy=policy)
        failures = settlement.failures
        states.append(settlement.state)

    assert states == [JobState.QUEUED] * (most - 1) + [JobState.FAILED]


def test_success_carries_the_result():
    settlement = settle(DONE)

    assert settlement.state is JobState.SUCCEEDED
    assert settlement.done is DONE


def test_a_final_failure_ends_the_job_without_a_dead_letter():
    settlement = settle(Fail(NoUsableText().problem))

    assert settlement.state is JobState.FAILED
    assert settlement.problem == NoUsableText().problem
    assert not settlement.is_dead


def test_the_last_retry_leaves_a_dead_letter_with_its_reason():
    settlement = settle(Retry(BUSY), failures=4)

    assert settlement.state is JobState.FAILED
    assert settlement.is_dead
    assert settlement.problem == BUSY
    assert settlement.failures == 5


def test_a_retry_waits_longer_after_every_failure():
    waits = [settle(Retry(BUSY), failures=failures).retry_at for failures in range(4)]

    assert waits == [NOW + 0.5, NOW + 1.0, NOW + 2.0, NOW + 4.0]


def test_a_requested_delay_is_a_lower_bound():
    settlement = settle(Retry(BUSY, after=54.0), jitter=0.25)

    assert settlement.retry_at == NOW + 54.25


@given(failures=st.integers(0, 100))
def test_an_uncounted_retry_adds_no_failure(failures: int):
    settlement = settle(Retry(BUSY, counted=False), failures=failures)

    assert settlement.state is JobState.QUEUED
    assert settlement.failures == failures


def test_a_handed_back_job_is_due_at_once_without_a_failure():
    job = msgspec.structs.replace(JOB, failures=3)

    settlement = hand_back(job, HandedBack().problem, usage=USAGE, now=NOW)

    assert settlement.state is JobState.QUEUED
    assert settlement.retry_at == NOW
    assert settlement.failures == 3
    assert not settlement.is_dead
