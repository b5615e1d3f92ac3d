"""What must be true of every history, whatever was broken. Each rule is a function from a history to what contradicts it."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from tests.chaos.history import Called, History, Told

FINAL = {"succeeded", "failed", "cancelled"}
SLACK_SECONDS = 15.0
"""A lost owner is known to be lost this much later: calls bought meanwhile belong to its fault."""


def check(history: History) -> list[str]:
    """Every contradiction, as a sentence that names the job or the user; empty when all rules hold."""
    return [f"{rule.__name__}: {found}" for rule in RULES for found in rule(history)]


def an_accepted_job_ends_once(history: History) -> Iterator[str]:
    statuses = {row.job_id: row.status for row in history.rows}
    for job_id in sorted(history.accepted):
        shown, row = history.shown.get(job_id, "unknown"), statuses.get(job_id, "none")
        if shown not in FINAL or shown != row:
            yield f"{job_id} is shown as {shown}, its row says {row}"


def a_job_has_one_row(history: History) -> Iterator[str]:
    for job_id, count in Counter(row.job_id for row in history.rows).items():
        if count > 1:
            yield f"{job_id} has {count} rows"


def a_row_belongs_to_a_job_somebody_asked_for(history: History) -> Iterator[str]:
    unanswered = sum(not one.job_id and one.status in (0, 503) for one in history.submitted)
    strangers = [row.job_id for row in history.rows if row.job_id not in history.accepted]
    if len(strangers) > unanswered:
        yield f"{len(strangers)} rows of jobs nobody knows of, {unanswered} submissions without an answer"


def one_key_is_one_job(history: History) -> Iterator[str]:
    jobs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in history.submitted:
        if one.job_id:
            jobs[one.user, one.idempotency_key].add(one.job_id)
    for (user, key), ids in jobs.items():
        if len(ids) > 1:
            yield f"{user}'s key {key} made {sorted(ids)}"


def no_state_moves_backwards(history: History) -> Iterator[str]:
    for told in history.logs.values():
        for job_id, events in _by_job(told).items():
            attempt, ended = 0, False
            for event in events:
                if ended:
                    yield f"{job_id} was told {event.name} after its end"
                if event.name == "status" and event.status == "running":
                    if event.attempt <= attempt:
                        yield f"{job_id} ran attempt {event.attempt} after {attempt}"
                    attempt = event.attempt
                ended = ended or event.name == "done"


def every_end_is_told_once(history: History) -> Iterator[str]:
    ends: Counter[str] = Counter()
    said: dict[str, str] = {}
    for told in history.logs.values():
        for event in told:
            if event.name == "done":
                ends[event.job_id] += 1
                said[event.job_id] = event.status
    for job_id in sorted(history.accepted):
        if ends[job_id] != 1:
            yield f"{job_id} was told its end {ends[job_id]} times"
        elif said[job_id] != history.shown.get(job_id):
            yield f"{job_id} was told {said[job_id]} and is shown as {history.shown.get(job_id)}"


def a_listener_hears_the_log_without_gap_or_repeat(history: History) -> Iterator[str]:
    for user, heard in history.heard.items():
        log = [event.id for event in history.logs.get(user, [])]
        ids = [event.id for event in heard]
        if ids != log:
            missing, more = sorted(set(log) - set(ids)), [one for one, n in Counter(ids).items() if n > 1]
            yield f"{user} missed {missing[:3]} ({len(missing)}), heard twice {more[:3]}"


def a_call_is_bought_again_only_after_a_fault(history: History) -> Iterator[str]:
    for call_id, calls in _by_call(history.calls).items():
        answered = [call for call in calls if call.state == "answered" and call.status == 200]
        for first, second in itertools.pairwise(answered):
            if not _is_explained(history, first, second):
                yield f"{call_id} was bought at {first.started_at:.3f} and again at {second.started_at:.3f}"


def _is_explained(history: History, first: Called, second: Called) -> bool:
    return any(
        fault.began_at <= second.started_at and fault.ended_at + SLACK_SECONDS >= first.started_at
        for fault in history.broken
    )


def budgets_balance_to_the_token(history: History) -> Iterator[str]:
    spent: Counter[str] = Counter()
    for row in history.rows:
        spent[row.user] += row.tokens
    for user in sorted({*spent, *history.left.used}):
        if history.left.used.get(user, 0) != spent[user]:
            yield f"{user} is charged {history.left.used.get(user, 0)}, the rows say {spent[user]}"
        if history.left.held.get(user, 0):
            yield f"{user} still has {history.left.held[user]} tokens held"


def nobody_reads_what_is_not_theirs(history: History) -> Iterator[str]:
    for job_id, status in history.foreign.items():
        if status != 404:
            yield f"somebody else was answered {status} about {job_id}"


def nothing_is_left_behind(history: History) -> Iterator[str]:
    left = history.left
    for name in ("entries", "pending", "due", "holds", "unsaved", "live", "waiting"):
        if count := getattr(left, name):
            yield f"{name} is {count}"
    if left.lasting_keys:
        yield f"{len(left.lasting_keys)} keys never expire: {left.lasting_keys[:3]}"


def count_wasted_tokens(history: History) -> int:
    """Of answers that were paid for and then paid for again."""
    return sum(
        call.tokens
        for calls in _by_call(history.calls).values()
        for call in [one for one in calls if one.state == "answered" and one.status == 200][:-1]
    )


def _by_job(told: list[Told]) -> dict[str, list[Told]]:
    jobs: dict[str, list[Told]] = defaultdict(list)
    for event in told:
        jobs[event.job_id].append(event)
    return jobs


def _by_call(calls: list[Called]) -> dict[str, list[Called]]:
    by_id: dict[str, list[Called]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.started_at):
        by_id[call.call_id].append(call)
    return by_id


RULES: tuple[Callable[[History], Iterator[str]], ...] = (
    an_accepted_job_ends_once,
    a_job_has_one_row,
    a_row_belongs_to_a_job_somebody_asked_for,
    one_key_is_one_job,
    no_state_moves_backwards,
    every_end_is_told_once,
    a_listener_hears_the_log_without_gap_or_repeat,
    a_call_is_bought_again_only_after_a_fault,
    budgets_balance_to_the_token,
    nobody_reads_what_is_not_theirs,
    nothing_is_left_behind,
)
