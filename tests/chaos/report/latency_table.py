"""How a run went for those who waited: the second table, beside what was broken."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from statistics import mean

from msgspec import Struct
from tests.chaos.checker.evidence import History
from tests.chaos.checker.fault_rules import RESTARTED, calls_of_zombies
from tests.chaos.history.history import Asked, Line, Started, Struck, Told
from tests.chaos.load.load import BIG_USER

HEADINGS = (
    *(
        "drill",
        "wait p50 / p95",
        "beside a big user",
        "end p50 / p95",
        "to *none*",
        "ended a second",
        "reclaims",
    ),
    *("calls made twice", "workers restarted", "zombies' calls let go", "chat whole / asked"),
)


class Course(Struct, kw_only=True):
    """Of one run, or of several added up. Times in seconds, on the server's clock."""

    drill: str
    waits: list[float] = []
    """From accepted to first leased, of everybody's jobs but the big user's."""
    waits_beside: list[float] = []
    """The same, of the jobs accepted while the big user had jobs."""
    ends: list[float] = []
    """From accepted to ended."""
    per_second: list[float] = []
    """Jobs ended, of each run: what the fleet can do, when more are asked for than that."""
    reclaims: int = 0
    calls_made_twice: int = 0
    """But for those that the provider failed."""
    restarted: int = 0
    let_go: list[float] = []
    """From a zombie's waking until it hung up on each provider that was at work for it."""
    asked: int = 0
    answered: int = 0

    def __add__(self, other: "Course") -> "Course":
        names = [name for name in self.__struct_fields__ if name != "drill"]
        return Course(
            drill=self.drill, **{name: getattr(self, name) + getattr(other, name) for name in names}
        )

    def cells(self, none: "Course | None") -> list[str]:
        is_beside = bool(self.waits_beside)
        ratio = f"×{_ratio(self.ends, none.ends)}" if none else "–"
        beside = f"{_two(self.waits_beside)}, ×{_ratio(self.waits_beside, self.waits)}" if is_beside else "–"
        return [
            *(self.drill, _two(self.waits), beside, _two(self.ends), ratio),
            f"{mean(self.per_second):.0f}" if self.per_second else "–",
            *(str(self.reclaims), str(self.calls_made_twice), str(self.restarted)),
            f"{len(self.let_go)} in {max(self.let_go):.1f} s" if self.let_go else "–",
            f"{self.answered} / {self.asked}" if self.asked else "–",
        ]


def follow(lines: Iterable[Line]) -> Course:
    history = History(lines)
    (started,) = history.of(Started)
    queued = {job_id: log[0].at for job_id, log in history.told.items() if log[0].status == "queued"}
    begun = {job_id: at for job_id, log in history.told.items() if (at := _first(log, "running"))}
    ended = {job_id: log[-1].at for job_id, log in history.told.items() if log[-1].name == "done"}
    big = {job_id for job_id, log in history.told.items() if log[0].user == BIG_USER}
    others = [job_id for job_id in queued.keys() & begun.keys() if job_id not in big]
    periods = _periods((queued[job_id], ended[job_id]) for job_id in big & queued.keys() & ended.keys())
    beside = {job_id for job_id in others if _is_within(queued[job_id], periods)}
    asked = history.of(Asked)
    return Course(
        drill=started.drill,
        waits=[begun[job_id] - queued[job_id] for job_id in others if job_id not in beside],
        waits_beside=[begun[job_id] - queued[job_id] for job_id in beside],
        ends=[ended[job_id] - queued[job_id] for job_id in queued.keys() & ended.keys() if job_id not in big],
        per_second=[len(ended) / (max(ended.values()) - min(queued.values()))] if ended else [],
        reclaims=sum(_count_reclaims(log) for log in history.told.values()),
        calls_made_twice=sum(_is_made_twice(history, call_id) for call_id in history.calls),
        restarted=sum(fault.name == RESTARTED for fault in history.of(Struck)),
        let_go=[call.ended_at - fault.healed_at for fault, call in calls_of_zombies(history)],
        asked=len(asked),
        answered=sum(line.tokens >= 0 for line in asked),
    )


def _first(log: Sequence[Told], status: str) -> float:
    return next((told.at for told in log if told.status == status), 0.0)


def _count_reclaims(log: Sequence[Told]) -> int:
    statuses = [told.status for told in log if told.name == "status"]
    return sum(pair == ("running", "running") for pair in pairwise(statuses))


def _is_made_twice(history: History, call_id: str) -> bool:
    return sum(call.fault == "" for call in history.calls[call_id]) > 1


def _periods(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The spans, those that touch made one."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _is_within(at: float, periods: Sequence[tuple[float, float]]) -> bool:
    index = bisect_right(periods, (at, float("inf"))) - 1
    return index >= 0 and at < periods[index][1]


def write_courses(courses: Iterable[Course]) -> str:
    """Markdown, a line per drill in the order of their first runs."""
    by_drill = defaultdict[str, list[Course]](list)
    for one in courses:
        by_drill[one.drill].append(one)
    added = {drill: sum(rest, first) for drill, (first, *rest) in by_drill.items()}
    rows = [
        list(HEADINGS),
        ["---"] * len(HEADINGS),
        *(one.cells(added.get("none")) for one in added.values()),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _two(seconds: Sequence[float]) -> str:
    return f"{_share(seconds, 0.5):.2f} / {_share(seconds, 0.95):.2f} s" if seconds else "–"


def _ratio(seconds: Sequence[float], others: Sequence[float]) -> str:
    """Of their p95."""
    other = _share(others, 0.95) if others else 0.0
    return f"{_share(seconds, 0.95) / other:.2f}" if seconds and other else "–"


def _share(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[ceil(share * len(seconds)) - 1]
