"""What the clock of one server says to everybody: nothing is taken, retried or dated by another."""

from collections.abc import Iterator

from tests.chaos.checker.evidence import History, Violation
from tests.chaos.history.history import Saved, Told

SOONEST_TAKEOVER = 5.0
"""Seconds from the strike: a lease of 10, less the 2 in which it is renewed, less what a Redis that restarts may forget."""
ROUNDING = 0.05
LONGEST_SETTLE = 120.0
"""From the moment a result is dated until its job is told to be done: as long as stores may be away."""


def _was_interrupted(history: History, row: Saved, end: Told) -> bool:
    """Whether its worker was struck between the two: then another attempt told, and found the row."""
    return any(
        fault.at <= end.at and row.finished_at <= fault.healed_at for fault in history.struck[row.job_id]
    )


def takes_over_in_time(history: History) -> Iterator[Violation]:
    """A job whose worker was struck is not taken before its lease is over."""
    for job_id, log in history.told.items():
        running_since = 0.0
        for told in log:
            strikes = [
                fault.at
                for fault in history.struck[job_id]
                if fault.at <= told.at and fault.healed_at >= running_since
            ]
            is_takeover = told.status == "running" and running_since > 0
            if is_takeover and strikes and min(strikes) > told.at - SOONEST_TAKEOVER:
                what = f"{job_id} was taken {told.at - min(strikes):.1f} s after its worker was struck"
                yield Violation("takes over in time", what, history.about(job_id))
            if told.name == "status":
                running_since = told.at if told.status == "running" else 0.0


def retries_when_due(history: History) -> Iterator[Violation]:
    """A retry does not begin before the time that was told for it."""
    for job_id, log in history.told.items():
        due_at = 0.0
        for told in log:
            if told.status == "running" and told.at < due_at - ROUNDING:
                what = f"{job_id} began {due_at - told.at:.1f} s before it was due"
                yield Violation("retries when due", what, history.about(job_id))
            due_at = told.retry_at or due_at


def tells_the_time(history: History) -> Iterator[Violation]:
    """A row says that its job ended when its owner was told so, whatever the clock of its worker says."""
    ends = {told.job_id: told for told in history.of(Told) if told.name == "done"}
    for row in history.of(Saved):
        end = ends.get(row.job_id)
        if end is None or _was_interrupted(history, row, end):
            continue
        if abs(end.at - row.finished_at) > LONGEST_SETTLE:
            what = f"{row.job_id} ended {end.at - row.finished_at:.0f} s after its row says so"
            yield Violation("tells the time", what, (row, end))
