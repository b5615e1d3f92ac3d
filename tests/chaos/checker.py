"""The promises, checked over a history: what is found broken, and the lines that show it. Pure: a history in, faults out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct
from tests.chaos.history import (
    Called,
    Cancelled,
    Connected,
    Counted,
    Heard,
    Left,
    Line,
    Peeked,
    Saved,
    Shown,
    Struck,
    Submitted,
    Told,
)

L = TypeVar("L", bound=Struct)

FINAL = frozenset({"succeeded", "failed", "cancelled"})
KEEP_SECONDS = 3.0
"""From the provider's answer to its step being kept, on a machine with a lot to do: until then a call is in flight."""
REDIS_AWAY = ("Redis killed", "Redis paused", "Redis full")
"""How the names of the faults begin in which nothing can be kept."""
HANG_UPS = ("provider_timed_out", "attempt_timed_out", "handed_back")
"""Problems of attempts that end with a call under way."""
LASTING = (":stream:", ":dead", ":ledger", ":sweep:seen:", ":sweep:cursor:")
"""Parts of the names of the keys that stay for good: a fixed number of them."""


class Violation(Struct, frozen=True):
    """One broken promise."""

    rule: str
    what: str
    evidence: tuple[Line, ...] = ()


class History:
    """The lines of a run, by what they are about."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = list(lines)
        struck = sorted(self.of(Struck), key=lambda fault: fault.at)
        self.redis_outages = [fault for fault in struck if fault.name.startswith(REDIS_AWAY)]
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
        """The state its last event tells; none if it is not final."""
        told = self.told.get(job_id, [])
        return told[-1].status if told and told[-1].name == "done" else ""


Rule = Callable[[History], Iterator[Violation]]
FLUSH = "FLUSHALL"


def check(lines: Iterable[Line]) -> list[Violation]:
    """What was broken. After a FLUSHALL only what came later is held to the promises."""
    history = History(after_flush(lines))
    return [violation for rule in RULES for violation in rule(history)]


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
        case _:
            return False


def ends_once(history: History) -> Iterator[Violation]:
    """What was accepted comes to exactly one end, and everybody tells the same of it."""
    shown = {line.job_id: line for line in history.of(Shown)}
    wished_away = {line.job_id for line in history.of(Cancelled)}
    for job_id in history.accepted:
        end = history.end_of(job_id)
        rows = {row.state for row in history.rows[job_id]}
        if not end:
            yield Violation("ends once", f"{job_id} was accepted and has no end", history.about(job_id))
        elif rows != {end}:
            yield Violation(
                "ends once", f"{job_id} ended as {end}, its rows say {sorted(rows)}", history.about(job_id)
            )
        look = shown.get(job_id)
        if look is None or (look.state != end and not (look.status == 404 and job_id in wished_away)):
            yield Violation(
                "ends once", f"{job_id} ended as {end or 'nothing'}, its owner sees {look}", history.about(job_id)
            )  # fmt: skip


def has_one_row(history: History) -> Iterator[Violation]:
    for job_id, rows in history.rows.items():
        if len(rows) > 1:
            yield Violation("one row", f"{job_id} has {len(rows)} rows", history.about(job_id))


def is_one_job_for_a_key(history: History) -> Iterator[Violation]:
    """The same request with the same idempotency key is the same job, however often it is sent."""
    jobs = defaultdict[tuple[str, str], set[str]](set)
    for line in history.of(Submitted):
        if line.key and line.is_accepted:
            jobs[line.user, line.key].add(line.job_id)
    for (user, key), ids in jobs.items():
        if len(ids) > 1:
            evidence = tuple(line for line in history.of(Submitted) if (line.user, line.key) == (user, key))
            yield Violation("one job for a key", f"{key} of {user} made {sorted(ids)}", evidence)


def comes_from_a_request(history: History) -> Iterator[Violation]:
    """A job that nobody was told of may come from a request whose answer got lost, and from nothing else."""
    accepted = history.accepted
    unclear = Counter(line.user for line in history.of(Submitted) if line.is_unclear)
    unknown = defaultdict[str, set[str]](set)
    for told in history.of(Told):
        if told.job_id not in accepted:
            unknown[told.user].add(told.job_id)
    for row in history.of(Saved):
        if row.job_id not in accepted:
            unknown[row.user].add(row.job_id)
    for user, ids in unknown.items():
        if len(ids) > unclear[user]:
            yield Violation(
                "comes from a request",
                f"{user} has {len(ids)} jobs that were never accepted, and lost {unclear[user]} answers",
                tuple(line for job_id in sorted(ids) for line in history.about(job_id)),
            )


def never_goes_back(history: History) -> Iterator[Violation]:
    """Attempts grow with every lease and no event of an earlier one follows; nothing follows the end."""
    for job_id, log in history.told.items():
        state, attempt = "", 0
        for told in log:
            problem = _step_back(state, attempt, told)
            if problem:
                yield Violation("never goes back", f"{job_id}: {problem}", history.about(job_id))
                break
            if told.name in ("status", "done"):
                state, attempt = told.status, max(attempt, told.attempt)


def _step_back(state: str, attempt: int, told: Told) -> str:
    """What is wrong with an event after such a state; nothing if all is well."""
    if state in FINAL:
        return f"{told.name} after {state}"
    match told.name, told.status:
        case "status", "running":
            is_wrong = state == "" or told.attempt != attempt + 1
        case "status", "queued":
            is_wrong = (state, told.attempt) not in (("", 0), ("running", attempt))
        case "done", status:
            is_wrong = status not in FINAL or state == "" or (state == "queued" and status == "succeeded")
        case "item", _:
            is_wrong = state != "running" or told.attempt != attempt
        case _:
            is_wrong = state != "running"
    return (
        f"{told.name} {told.status} of attempt {told.attempt} after {state or 'nothing'} of {attempt}"
        if is_wrong
        else ""
    )


def hears_all_in_order(history: History) -> Iterator[Violation]:
    """What a listener heard is its log, whole and in order; up to where it was when the job was removed."""
    heard = defaultdict[str, list[Heard]](list)
    for line in history.of(Heard):
        heard[line.listener].append(line)
    removed = {line.listener for line in history.of(Connected) if line.status == 404}
    for listener, first in {line.listener: line for line in reversed(history.of(Connected))}.items():
        log = history.told[first.job_id] if first.job_id else history.logs[first.user]
        expected = [told.event_id for told in log]
        actual = [line.event_id for line in heard[listener] if line.event_id]
        if listener in removed:
            expected = expected[: len(actual)]
        if actual != expected:
            yield Violation("hears all", f"{listener}: {_difference(expected, actual)}", (first,))


def _difference(expected: Sequence[str], actual: Sequence[str]) -> str:
    missed, extra = Counter(expected) - Counter(actual), Counter(actual) - Counter(expected)
    if missed or extra:
        return f"missed {_few(missed)}, heard too much {_few(extra)}"
    return "out of order"


def _few(ids: Counter[str]) -> str:
    return f"{ids.total()} ({', '.join(list(ids)[:3])})" if ids else "nothing"


def is_paid_once(history: History) -> Iterator[Violation]:
    """A call that was answered is not made again, unless nobody was there any more to keep the answer."""
    for call_id, calls in history.calls.items():
        for call in sorted(calls, key=lambda call: call.started_at)[:-1]:
            if call.is_good and not (was_in_flight(history, call) or _came_too_late(history, call)):
                evidence = (*calls, *history.about(call.job_id))
                yield Violation("paid once", f"{call_id} was bought {len(calls)} times", evidence)
                break


def was_in_flight(history: History, call: Called) -> bool:
    """Whether a fault took its worker away before the answer was kept. The provider may note a call late: one that it
    notes before the job runs again is of the worker that is gone."""
    return any(
        call.started_at <= _runs_again(history, call.job_id, fault)
        and fault.at <= _kept_by(history, call.ended_at)
        for fault in history.struck[call.job_id]
    )


def _kept_by(history: History, answered_at: float) -> float:
    """When an answer is kept at the latest: its worker cannot while Redis is away, and does when it is back."""
    kept_by = answered_at + KEEP_SECONDS
    for outage in history.redis_outages:
        if outage.at <= kept_by and answered_at <= outage.healed_at:
            kept_by = max(kept_by, outage.healed_at + KEEP_SECONDS)
    return kept_by


def _runs_again(history: History, job_id: str, fault: Struck) -> float:
    later = (told.at for told in history.told[job_id] if told.status == "running" and told.at > fault.at)
    return max(fault.healed_at, next(later, 0.0))


def _came_too_late(history: History, call: Called) -> bool:
    """Whether its attempt had ended before the answer came: it had timed out."""
    return any(
        told.name in ("status", "done") and call.started_at < told.at <= call.ended_at
        for told in history.told[call.job_id]
    )


def gives_up_no_call(history: History) -> Iterator[Violation]:
    """Nobody hangs up on a provider that is at work, which bills it all the same, but for a reason."""
    cancelled = {line.job_id for line in history.of(Cancelled)}
    for calls in history.calls.values():
        for call in calls:
            has_reason = (
                call.fault != ""
                or call.job_id in cancelled
                or was_in_flight(history, call)
                or _was_told_to_end(history, call)
            )
            if call.state == "hung_up" and not has_reason:
                yield Violation("gives up no call", call.call_id, (call, *history.about(call.job_id)))


def _was_told_to_end(history: History, call: Called) -> bool:
    return any(
        told.code in HANG_UPS and call.started_at <= told.at <= call.ended_at + KEEP_SECONDS
        for told in history.told[call.job_id]
    )


def takes_only_struck_jobs(history: History) -> Iterator[Violation]:
    """A job changes hands only after a fault took its worker away."""
    for job_id, log in history.told.items():
        running_since = 0.0
        for told in log:
            is_takeover = told.status == "running" and running_since > 0
            if is_takeover and not any(
                running_since - KEEP_SECONDS <= fault.healed_at and fault.at <= told.at
                for fault in history.struck[job_id]
            ):
                yield Violation(
                    "never takes a live job", f"{job_id} at attempt {told.attempt}", history.about(job_id)
                )
            if told.name == "status":
                running_since = told.at if told.status == "running" else 0.0


def balances(history: History) -> Iterator[Violation]:
    """Used is the sum of what the rows cost, in every window, and nothing is held; no row costs more than was bought."""
    used = Counter[tuple[str, str]]()
    for row in history.of(Saved):
        for window in row.windows:
            used[row.user, window] += row.tokens
    counted = {(line.user, line.window): line for line in history.of(Counted)}
    for user, window in sorted(used.keys() | counted.keys()):
        line = counted.get((user, window), Counted(user=user, window=window, used=0, held=0))
        if (line.used, line.held) != (used[user, window], 0):
            rows = tuple(row for row in history.of(Saved) if row.user == user)
            what = f"{user}, {window}: used {line.used}, held {line.held}; rows cost {used[user, window]}"
            yield Violation("balances", what, rows)
    bought = Counter[str]()
    for calls in history.calls.values():
        for call in calls:
            bought[call.job_id] += call.tokens
    for row in history.of(Saved):
        if row.tokens > bought[row.job_id]:
            what = f"{row.job_id} cost {row.tokens}, and {bought[row.job_id]} were bought"
            yield Violation("balances", what, history.about(row.job_id))


def shows_nothing_foreign(history: History) -> Iterator[Violation]:
    """Another's job is unknown, and nobody hears of it."""
    for line in history.of(Peeked):
        if line.status not in (0, 404) and line.status < 500:
            yield Violation("shows nothing foreign", f"{line.user} saw {line.job_id}", (line,))
    owners = {row.job_id: row.user for row in history.of(Saved)}
    listeners = {line.listener: line.user for line in history.of(Connected)}
    for line in history.of(Heard):
        user = listeners.get(line.listener, "")
        if owners.get(line.job_id, user) != user:
            yield Violation("shows nothing foreign", f"{user} heard of {line.job_id}", (line,))


def comes_to_rest(history: History) -> Iterator[Violation]:
    """In the end nothing waits, nothing is held, and only the keys that belong there stay for good."""
    for left in history.of(Left):
        for name, length in left.lengths.items():
            if length:
                yield Violation("comes to rest", f"{name}: {length} left", (left,))
        for key in left.lasting_keys:
            if not any(part in key for part in LASTING):
                yield Violation("comes to rest", f"{key} never expires", (left,))


def stops_in_good_order(history: History) -> Iterator[Violation]:
    for fault in history.of(Struck):
        if fault.note:
            yield Violation("stops in good order", f"{fault.target}: {fault.note}", (fault,))


RULES: tuple[Rule, ...] = (
    ends_once,
    has_one_row,
    is_one_job_for_a_key,
    comes_from_a_request,
    never_goes_back,
    hears_all_in_order,
    is_paid_once,
    gives_up_no_call,
    takes_only_struck_jobs,
    balances,
    shows_nothing_foreign,
    comes_to_rest,
    stops_in_good_order,
)
