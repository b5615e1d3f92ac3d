"""Decides the transition that ends an attempt, as a value. The settler writes it."""

from typing import assert_never

from msgspec import Struct

from shared.domain.errors import Problem, UnreadableRecord
from shared.domain.jobs.job import JobState, LeasedJob
from shared.domain.jobs.outcome import Done, Fail, Outcome, Retry
from shared.domain.jobs.retry_policy import RetryPolicy
from shared.domain.usage import Usage


class Settlement(Struct, frozen=True, kw_only=True):
    """What `settle.lua` writes for one attempt."""

    job: LeasedJob
    state: JobState
    usage: Usage
    """The total cost of the job; the rest of its hold goes back to the budget."""
    done: Done | None = None
    problem: Problem | None = None
    retry_at: float | None = None
    """Unix seconds. It is set only if the state is `queued`."""
    failures: int = 0
    is_dead: bool = False
    """Whether the failed job is kept as a dead letter, which an operator may replay."""

    @property
    def is_final(self) -> bool:
        return self.state.is_final


def decide(
    job: LeasedJob, outcome: Outcome, policy: RetryPolicy, *, usage: Usage, now: float, jitter: float
) -> Settlement:
    """Turn the outcome into the transition to write."""
    match outcome:
        case Done():
            return Settlement(
                job=job, state=JobState.SUCCEEDED, usage=usage, done=outcome, failures=job.failures
            )
        case Retry(counted=False):
            delay = policy.delay(1, jitter=jitter, floor=outcome.after)
            return _retrying(job, outcome.problem, usage, failures=job.failures, at=now + delay)
        case Retry():
            failures = job.failures + 1
            if policy.is_exhausted(failures):
                return _failed(job, outcome.problem, usage, failures=failures, is_dead=True)
            delay = policy.delay(failures, jitter=jitter, floor=outcome.after)
            return _retrying(job, outcome.problem, usage, failures=failures, at=now + delay)
        case Fail():
            is_dead = outcome.problem.code == UnreadableRecord.code  # an operator looks at what damaged it
            return _failed(job, outcome.problem, usage, failures=job.failures + 1, is_dead=is_dead)
        case _:
            assert_never(outcome)


def hand_back(job: LeasedJob, problem: Problem, *, usage: Usage, now: float) -> Settlement:
    """Return a job to the stream at once and without a counted failure. A stopping worker does this with unfinished jobs."""
    return _retrying(job, problem, usage, failures=job.failures, at=now)


def _retrying(job: LeasedJob, problem: Problem, usage: Usage, *, failures: int, at: float) -> Settlement:
    return Settlement(
        job=job, state=JobState.QUEUED, usage=usage, problem=problem, retry_at=at, failures=failures
    )


def _failed(job: LeasedJob, problem: Problem, usage: Usage, *, failures: int, is_dead: bool) -> Settlement:
    return Settlement(
        job=job, state=JobState.FAILED, usage=usage, problem=problem, failures=failures, is_dead=is_dead
    )
