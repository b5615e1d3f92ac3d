"""The promises, checked over a history: what is found broken, and the lines that show it. Pure: a history in, faults out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tests.chaos.checker.chat_rules import charges_what_it_tells, least_and_most
from tests.chaos.checker.evidence import REMOVED, History, Rule, Violation, after_flush
from tests.chaos.checker.fault_rules import (
    complains_quietly,
    dies_for_itself,
    hands_back_late,
    lets_go_when_woken,
    works_again_after_a_flush,
)
from tests.chaos.checker.time_rules import retries_when_due, takes_over_in_time, tells_the_time
from tests.chaos.history.history import (
    Asked,
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

from shared.adapters.redis.connection import COMMAND_SECONDS
from shared.runtime.worker.store_retry import LONGEST_WAIT_SECONDS

FINAL = frozenset({"succeeded", "failed", "cancelled"})
KEEP_SECONDS = 3.0
"""From the provider's answer to its step being kept, on a machine with a lot to do: until then a call is in flight."""
HANG_UPS = ("provider_timed_out", "attempt_timed_out", "handed_back")
"""Problems of attempts that end with a call under way."""
LASTING = (":stream:", ":dead", ":ledger", ":since", ":sweep:seen:", ":sweep:cursor:")
"""Parts of the names of the keys that stay for good: a fixed number of them."""


def check(lines: Iterable[Line]) -> list[Violation]:
    """What was broken. After a FLUSHALL only what came later is held to the promises."""
    lines = list(lines)
    late = after_flush(lines)
    kept = {line.job_id for line in late if isinstance(line, Saved)}
    early = [line for line in lines if isinstance(line, Saved) and line.job_id not in kept]
    history = History(late, restorable=early)
    return [violation for rule in RULES for violation in rule(history)]


def ends_once(history: History) -> Iterator[Violation]:
    """What was accepted comes to exactly one end, and everybody tells the same of it."""
    shown = {line.job_id: line for line in history.of(Shown)}
    wished_away = {line.job_id for line in history.of(Cancelled)}
    for job_id in history.accepted:
        end = history.end_of(job_id)
        rows = {row.state for row in history.rows[job_id]}
        if not end:
            yield Violation("ends once", f"{job_id} was accepted and has no end", history.about(job_id))
        elif end == REMOVED:
            if job_id not in wished_away:
                yield Violation("ends once", f"{job_id} was removed by nobody", history.about(job_id))
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
            if told.name == REMOVED:
                state = REMOVED
            if told.name in ("status", "done"):
                state, attempt = told.status, max(attempt, told.attempt)


def _step_back(state: str, attempt: int, told: Told) -> str:
    """What is wrong with an event after such a state; nothing if all is well."""
    if state in FINAL or state == REMOVED:
        return f"{told.name} after {state}"
    if told.name == REMOVED:
        return ""
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
    """What a listener heard is its log, whole and in order; up to where it was when the job was removed.
    Of a removed job the logs keep nothing else, and it is not known what they told of it before."""
    heard = defaultdict[str, list[Heard]](list)
    for line in history.of(Heard):
        heard[line.listener].append(line)
    removed = {line.listener for line in history.of(Connected) if line.status == 404}
    gone = {told.job_id for told in history.of(Told) if told.name == REMOVED}
    for listener, first in {line.listener: line for line in reversed(history.of(Connected))}.items():
        log = history.told[first.job_id] if first.job_id else history.logs[first.user]
        expected = [told.event_id for told in log if told.job_id not in gone]
        actual = [line.event_id for line in heard[listener] if line.event_id and line.job_id not in gone]
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
    """When an answer is kept at the latest: its worker cannot while Redis is away, and does when it is back and the
    try under way has timed out and another one followed."""
    kept_by = answered_at + KEEP_SECONDS
    for outage in history.redis_outages:
        if outage.at <= kept_by and answered_at <= outage.healed_at:
            kept_by = max(kept_by, outage.healed_at + COMMAND_SECONDS + LONGEST_WAIT_SECONDS)
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


def _was_never_learned_of(history: History, job_id: str, leased_at: float, until: float) -> bool:
    """Whether a lease's answer got lost, as connections broke in that moment: nobody did anything under it."""
    calls = (call for one, calls in history.calls.items() if one.startswith(job_id) for call in calls)
    return not any(leased_at <= call.started_at < until for call in calls) and any(
        fault.at - KEEP_SECONDS <= leased_at <= fault.healed_at + KEEP_SECONDS for fault in history.breaks
    )


def takes_only_struck_jobs(history: History) -> Iterator[Violation]:
    """A job changes hands only after a fault took its worker away."""
    for job_id, log in history.told.items():
        running_since = 0.0
        for told in log:
            is_takeover = told.status == "running" and running_since > 0
            is_struck = any(
                running_since - KEEP_SECONDS <= fault.healed_at and fault.at <= told.at
                for fault in history.struck[job_id]
            )
            if (
                is_takeover
                and not is_struck
                and not _was_never_learned_of(history, job_id, running_since, told.at)
            ):
                yield Violation(
                    "never takes a live job", f"{job_id} at attempt {told.attempt}", history.about(job_id)
                )
            if told.name == "status":
                running_since = told.at if told.status == "running" else 0.0


def balances(history: History) -> Iterator[Violation]:
    """Used is the sum of what the rows and the answers of chat cost, in every window, and nothing is held; no row costs
    more than was bought."""
    least, most = least_and_most(history)
    for row in history.of(Saved):
        for window in row.windows:
            least[row.user, window] += row.tokens
            most[row.user, window] += row.tokens
    for row in history.restorable:
        for window in row.windows:
            most[row.user, window] += row.tokens
    counted = {(line.user, line.window): line for line in history.of(Counted)}
    for user, window in sorted(most.keys() | counted.keys()):
        line = counted.get((user, window), Counted(user=user, window=window, used=0, held=0))
        at_least, at_most = least[user, window], most[user, window]
        if line.held or not at_least <= line.used <= at_most:
            spent = tuple(one for one in history.lines if isinstance(one, Saved | Asked) and one.user == user)
            what = f"{user}, {window}: used {line.used}, held {line.held}; cost {at_least} … {at_most}"
            yield Violation("balances", what, spent)
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
    for line in history.of(Asked):
        is_refused = line.status in (0, 404, 429) or line.status >= 500
        if line.collection_owner not in ("", line.user) and not is_refused:
            yield Violation("shows nothing foreign", f"{line.user} was answered", (line,))
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
    charges_what_it_tells,
    comes_to_rest,
    stops_in_good_order,
    takes_over_in_time,
    retries_when_due,
    tells_the_time,
    lets_go_when_woken,
    dies_for_itself,
    hands_back_late,
    works_again_after_a_flush,
    complains_quietly,
)
