"""What a history amounts to in numbers: one line of the table per drill."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct
from tests.chaos.checker.checker import was_in_flight
from tests.chaos.checker.evidence import FLUSH, History, Violation
from tests.chaos.history.history import Called, Line, Logged, Started, Struck, Told

LOST, DOUBLED, UNBALANCED = "lost", "doubled", "unbalanced"
SORTS = {
    "ends once": LOST,
    "one row": DOUBLED,
    "one job for a key": DOUBLED,
    "comes from a request": DOUBLED,
    "paid once": DOUBLED,
    "balances": UNBALANCED,
}
"""What breaking a rule amounts to; `broken` where it is not said."""
CRASHES = ("worker killed", "poison job")
"""How the names of the faults begin that end a process at once."""
FENCED = ("job.lease_lost", "job.settle_refused")
"""What a worker says that wanted to go on with a job which is not its own any more."""

HEADINGS = (
    *("drill", "seeds", "jobs", "faults", "lost", "doubled", "unbalanced", "else"),
    *("struck jobs", "recovery p50 / p99 / max", "bought again", "wasted per crash", "fenced"),
)


class Figures(Struct, kw_only=True):
    """Of one run, or of several added up."""

    drill: str
    seeds: int = 0
    jobs: int = 0
    faults: int = 0
    crashes: int = 0
    broken: Counter[str] = Counter()
    """Violations by what they amount to."""
    recoveries: list[float] = []
    """Seconds from a crash until the job ran elsewhere, of every struck job that had not ended; from a flush until
    any job ran."""
    flushed: int = 0
    """Jobs that a FLUSHALL took, as it does."""
    bought_again: int = 0
    """Calls."""
    wasted_tokens: int = 0
    fenced: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            drill=self.drill,
            seeds=self.seeds + other.seeds,
            jobs=self.jobs + other.jobs,
            faults=self.faults + other.faults,
            crashes=self.crashes + other.crashes,
            broken=self.broken + other.broken,
            flushed=self.flushed + other.flushed,
            recoveries=self.recoveries + other.recoveries,
            bought_again=self.bought_again + other.bought_again,
            wasted_tokens=self.wasted_tokens + other.wasted_tokens,
            fenced=self.fenced + other.fenced,
        )

    def cells(self) -> list[str]:
        broken = Counter(self.broken)
        lost = f"{broken.pop(LOST, 0)}" + (f" (flushed: {self.flushed})" if self.flushed else "")
        return [
            *(self.drill, str(self.seeds), str(self.jobs), str(self.faults)),
            *(lost, *(str(broken.pop(sort, 0)) for sort in (DOUBLED, UNBALANCED))),
            *(str(broken.total()), str(len(self.recoveries)) if self.crashes else "–", _spread(self.recoveries)),
            *(str(self.bought_again), f"{self.wasted_tokens / self.crashes:.0f}" if self.crashes else "–", str(self.fenced)),
        ]  # fmt: skip


def measure(lines: Iterable[Line], violations: Sequence[Violation]) -> Figures:
    history = History(lines)
    (started,) = history.of(Started)
    crashes = [fault for fault in history.of(Struck) if fault.name.startswith(CRASHES)]
    wasted = list(_wasted(history))
    return Figures(
        drill=started.drill,
        seeds=1,
        jobs=len(history.accepted),
        faults=len(history.of(Struck)),
        crashes=len(crashes),
        broken=Counter(SORTS.get(one.rule, "broken") for one in violations),
        flushed=len(_flushed(history)),
        recoveries=[
            *(seconds for crash in crashes for seconds in _recoveries(history, crash)),
            *_resumptions(history),
        ],
        bought_again=len(wasted),
        wasted_tokens=sum(wasted),
        fenced=sum(line.count for line in history.of(Logged) if line.event in FENCED),
    )


def _recoveries(history: History, crash: Struck) -> Iterable[float]:
    """From the crash until each of its jobs ran elsewhere; a job that was cancelled or given up is not waited for."""
    for job_id in crash.jobs:
        after = [
            told for told in history.told[job_id] if told.at > crash.at and told.name in ("status", "done")
        ]
        if after and after[0].status == "running":
            yield after[0].at - crash.at


def _resumptions(history: History) -> Iterable[float]:
    """Of the last flush: what was told before it is gone with it."""
    for flush in _flushes(history)[-1:]:
        begun = [told.at for told in history.of(Told) if told.status == "running" and told.at > flush.at]
        if begun:
            yield min(begun) - flush.at


def _flushed(history: History) -> set[str]:
    """Accepted before Redis was emptied, and never saved."""
    flushes = _flushes(history)
    if not flushes:
        return set()
    early = {job_id for job_id, line in history.accepted.items() if line.at <= flushes[-1].healed_at}
    return {job_id for job_id in early if not history.rows[job_id]}


def _flushes(history: History) -> list[Struck]:
    return [fault for fault in history.of(Struck) if fault.name == FLUSH]


def _wasted(history: History) -> Iterable[int]:
    """Tokens of each call that was made again because its worker was struck. One that was cut off is taken for as long
    as the one that came through."""
    for calls in history.calls.values():
        dearest = max(call.tokens for call in calls)
        for call in sorted(calls, key=_begin)[:-1]:
            if (call.is_good or call.state == "hung_up") and was_in_flight(history, call):
                yield call.tokens or dearest


def _begin(call: Called) -> float:
    return call.started_at


def add_up(figures: Iterable[Figures]) -> list[Figures]:
    """One per drill, in the order of their first runs."""
    by_drill = defaultdict[str, list[Figures]](list)
    for one in figures:
        by_drill[one.drill].append(one)
    return [sum(rest, first) for first, *rest in by_drill.values()]


def write_table(figures: Iterable[Figures]) -> str:
    """Markdown."""
    rows = [list(HEADINGS), ["---"] * len(HEADINGS), *(one.cells() for one in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "–"
    ordered = sorted(seconds)
    p50, p99 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.99))
    return f"{p50:.1f} / {p99:.1f} / {ordered[-1]:.1f} s"
