"""A history by what its lines are about, and what a rule finds in it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgspec import Struct
from tests.chaos.history.history import Asked, Called, Line, Saved, Settled, Struck, Submitted, Told

L = TypeVar("L", bound=Struct)
FLUSH = "FLUSHALL"
REDIS_AWAY = ("Redis killed", "Redis paused", "Redis full")
"""How the names of the faults begin in which nothing can be kept."""
BREAKS = (*REDIS_AWAY, "connections cut", "worker cut off")
"""How the names of the faults begin in which an answer of Redis can get lost."""


class Violation(Struct, frozen=True):
    """One broken promise."""

    rule: str
    what: str
    evidence: tuple[Line, ...] = ()


class History:
    """The lines of a run, by what they are about."""

    def __init__(self, lines: Iterable[Line], *, restorable: Iterable[Saved] = ()) -> None:
        self.lines = list(lines)
        self.restorable = list(restorable)
        """Rows of before a FLUSHALL: what they cost is given back to the budgets, in part within seconds, wholly when
        the last attempt of before has ended."""
        struck = sorted(self.of(Struck), key=lambda fault: fault.at)
        self.redis_outages = [fault for fault in struck if fault.name.startswith(REDIS_AWAY)]
        self.breaks = [fault for fault in struck if fault.name.startswith(BREAKS)]
        self.rows = defaultdict[str, list[Saved]](list)
        for row in self.of(Saved):
            self.rows[row.job_id].append(row)
        self.told = defaultdict[str, list[Told]](list)
        self.logs = defaultdict[str, list[Told]](list)
        for told in self.of(Told):
            self.told[told.job_id].append(told)
            self.logs[told.user].append(told)
        self.calls = defaultdict[str, list[Called]](list)
        for call in self.of(Called):
            if call.call_id:  # chat has none
                self.calls[call.call_id].append(call)
        self.settled = {line.request_id: line for line in self.of(Settled)}
        """What chat charged for each question."""
        self.struck = defaultdict[str, list[Struck]](list)
        for fault in self.of(Struck):
            for job_id in fault.jobs:
                self.struck[job_id].append(fault)

    def of(self, kind: type[L]) -> list[L]:
        return [line for line in self.lines if isinstance(line, kind)]

    @property
    def accepted(self) -> dict[str, Submitted]:
        """By job."""
        return {line.job_id: line for line in self.of(Submitted) if line.is_accepted}

    def about(self, job_id: str) -> tuple[Line, ...]:
        """Every line that mentions a job."""
        return tuple(
            line
            for line in self.lines
            if getattr(line, "job_id", "") == job_id or (isinstance(line, Struck) and job_id in line.jobs)
        )

    def end_of(self, job_id: str) -> str:
        """The state its last event tells, or `removed`; none if it is not final."""
        told = self.told.get(job_id, [])
        if told and told[-1].name == REMOVED:
            return REMOVED
        return told[-1].status if told and told[-1].name == "done" else ""


REMOVED = "removed"
"""The only event of a job that its owner removed."""

Rule = Callable[[History], Iterator[Violation]]


def after_flush(lines: Iterable[Line]) -> list[Line]:
    """Of a run in which Redis was emptied, what is about jobs that were asked for after it; else everything."""
    lines = list(lines)
    flushes = [line.healed_at for line in lines if isinstance(line, Struck) and line.name == FLUSH]
    if not flushes:
        return lines
    asked = [line for line in lines if isinstance(line, Submitted)]
    early = {line.job_id for line in asked if line.at <= flushes[-1]}
    late = {line.job_id for line in asked} - early
    return [
        line
        for line in lines
        if getattr(line, "job_id", "") in ("", *late) and not _is_early(line, flushes[-1])
    ]


def _is_early(line: Line, flush: float) -> bool:
    match line:
        case Submitted():
            return line.at <= flush
        case Called():
            return line.started_at <= flush
        case Asked():
            return line.answered_at <= flush
        case Settled():
            return line.at <= flush
        case _:
            return False
