"""The checker, on histories with one thing wrong: a rule that cannot fail proves nothing."""

from collections.abc import Callable

import pytest
from tests.chaos.checker import RULES, check, count_wasted_tokens
from tests.chaos.history import Broken, Called, History, Left, Row, Submitted, Told

JOB = "job-1"


def good() -> History:
    log = [
        Told(id="1-0", job_id=JOB, name="status", status="queued"),
        Told(id="2-0", job_id=JOB, name="status", status="running", attempt=1),
        Told(id="3-0", job_id=JOB, name="done", status="succeeded"),
    ]
    return History(
        seed=1,
        submitted=[Submitted(user="ada", kind="summary", idempotency_key="k", status=202, job_id=JOB)],
        shown={JOB: "succeeded"},
        foreign={JOB: 404},
        logs={"ada": log},
        heard={"ada": list(log)},
        rows=[Row(job_id=JOB, user="ada", status="succeeded", attempt=1, tokens=15)],
        calls=[call(1.0)],
        left=Left(used={"ada": 15}, held={"ada": 0}),
    )


def call(at: float) -> Called:
    return Called(
        call_id=f"{JOB}/summary", state="answered", status=200, started_at=at, ended_at=at, tokens=15
    )


def lose(history: History) -> None:
    history.shown[JOB] = "running"


def double(history: History) -> None:
    history.rows.append(history.rows[0])
    history.left.used["ada"] = 30


def invent(history: History) -> None:
    history.rows.append(Row(job_id="job-2", user="ada", status="failed", attempt=1, tokens=0))


def split(history: History) -> None:
    history.submitted.append(
        Submitted(user="ada", kind="summary", idempotency_key="k", status=202, job_id="job-2")
    )


def step_back(history: History) -> None:
    history.logs["ada"].insert(2, Told(id="2-1", job_id=JOB, name="status", status="running", attempt=1))


def speak_on(history: History) -> None:
    history.logs["ada"].append(Told(id="4-0", job_id=JOB, name="progress"))


def end_silently(history: History) -> None:
    history.logs["ada"].pop()


def miss(history: History) -> None:
    history.heard["ada"].pop(1)


def repeat(history: History) -> None:
    history.heard["ada"].append(history.heard["ada"][0])


def buy_twice(history: History) -> None:
    history.calls.append(call(2.0))


def charge_wrongly(history: History) -> None:
    history.left.used["ada"] = 14


def keep_a_hold(history: History) -> None:
    history.left.held["ada"] = 100


def leak(history: History) -> None:
    history.foreign[JOB] = 200


def leave_an_entry(history: History) -> None:
    history.left.entries = 1


FAULTS: list[tuple[Callable[[History], None], str]] = [
    (lose, "an_accepted_job_ends_once"),
    (double, "a_job_has_one_row"),
    (invent, "a_row_belongs_to_a_job_somebody_asked_for"),
    (split, "one_key_is_one_job"),
    (step_back, "no_state_moves_backwards"),
    (speak_on, "no_state_moves_backwards"),
    (end_silently, "every_end_is_told_once"),
    (miss, "a_listener_hears_the_log_without_gap_or_repeat"),
    (repeat, "a_listener_hears_the_log_without_gap_or_repeat"),
    (buy_twice, "a_call_is_bought_again_only_after_a_fault"),
    (charge_wrongly, "budgets_balance_to_the_token"),
    (keep_a_hold, "budgets_balance_to_the_token"),
    (leak, "nobody_reads_what_is_not_theirs"),
    (leave_an_entry, "nothing_is_left_behind"),
]


def test_a_good_history_contradicts_no_rule() -> None:
    assert check(good()) == []


@pytest.mark.parametrize(("spoil", "rule"), FAULTS, ids=lambda one: getattr(one, "__name__", one))
def test_a_history_with_a_fault_contradicts_its_rule(spoil: Callable[[History], None], rule: str) -> None:
    history = good()
    spoil(history)
    assert rule in {found.split(":")[0] for found in check(history)}


def test_every_rule_has_a_history_that_contradicts_it() -> None:
    assert {rule for _, rule in FAULTS} == {rule.__name__ for rule in RULES}


def test_a_call_bought_again_after_a_crash_is_waste_and_no_contradiction() -> None:
    history = good()
    buy_twice(history)
    history.broken = [Broken(name="kill a worker", began_at=1.5, ended_at=1.5)]
    assert check(history) == []
    assert count_wasted_tokens(history) == 15
