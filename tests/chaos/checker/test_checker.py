"""Every rule of the checker finds what it is there for, and finds nothing in a history without fault."""

from collections.abc import Sequence

import pytest
from tests.chaos.checker.checker import RULES, check
from tests.chaos.history.example_history import (
    ADA,
    EVE,
    FAILED,
    GOOD,
    LIN,
    LOGS,
    PLAIN,
    REMOVED,
    T0,
    TAKEN_OVER,
    TOKENS,
    WINDOW,
    altered,
    asked,
    called,
    saved,
    submitted,
    told,
    without,
)
from tests.chaos.history.history import (
    Asked,
    Called,
    Cancelled,
    Complained,
    Connected,
    Counted,
    Heard,
    Left,
    Line,
    Peeked,
    Saved,
    Settled,
    Shown,
    Struck,
    Submitted,
    Told,
)


def broken(lines: Sequence[Line]) -> set[str]:
    return {violation.rule for violation in check(lines)}


def event(job_id: str, name: str, status: str = "") -> str:
    return next(one.event_id for one in LOGS if (one.job_id, one.name, one.status) == (job_id, name, status))


def test_a_history_in_which_every_promise_is_kept_breaks_no_rule() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize(
    ("is_worked_on", "rules"), [(False, set[str]()), (True, {"never takes a live job", "paid once"})]
)
def test_a_lease_whose_answer_got_lost_is_nobody_s(is_worked_on: bool, rules: set[str]) -> None:
    lines = altered(
        Struck, {"name": "Redis paused", "at": T0 + 0.2, "healed_at": T0 + 4, "jobs": ()}, jobs=(TAKEN_OVER,)
    )
    kept = [line for line in lines if is_worked_on or line != called(TAKEN_OVER, 0.5, 0.9)]
    assert broken(kept) == rules


def poisoned(at: float, poison: str, *jobs: str) -> Struck:
    return Struck(at=T0 + at, healed_at=T0 + 1, name="poison job", jobs=jobs, poison=poison)


BROKEN: dict[str, tuple[str, Sequence[Line]]] = {
    "an accepted job that never ends": (
        "ends once",
        without(Told, job_id=PLAIN, name="done"),
    ),
    "an accepted job of which nothing is left": (
        "ends once",
        [*GOOD, submitted(ADA, "job-gone")],
    ),
    "an end without a row": ("ends once", without(Saved, job_id=PLAIN)),
    "a row that tells another end": ("ends once", altered(Saved, {"state": "failed"}, job_id=PLAIN)),
    "an owner who sees another end": ("ends once", altered(Shown, {"state": "failed"}, job_id=PLAIN)),
    "an owner who sees it unfinished": ("ends once", altered(Shown, {"state": "running"}, job_id=PLAIN)),
    "a job its owner cannot find though they did not remove it": (
        "ends once",
        [line for line in GOOD if not isinstance(line, Cancelled)],
    ),
    "two rows": ("one row", [*GOOD, saved(ADA, PLAIN, "succeeded", 0)]),
    "two jobs for one idempotency key": (
        "one job for a key",
        [*GOOD, submitted(ADA, PLAIN, "key-1")],
    ),
    "a job that nobody asked for": (
        "comes from a request",
        [*GOOD, saved(ADA, "job-from-nowhere", "failed", 0)],
    ),
    "a start after the end": (
        "never goes back",
        [*GOOD, told(ADA, PLAIN, 30.0, "status", "running", 2)],
    ),
    "a second end": ("never goes back", [*GOOD, told(ADA, PLAIN, 30.0, "done", "succeeded")]),
    "a start at an attempt that was before": (
        "never goes back",
        altered(Told, {"attempt": 1}, job_id=TAKEN_OVER, attempt=2),
    ),
    "an item of an attempt that lost its lease": (
        "never goes back",
        [
            *(line for line in GOOD if line != LOGS[8]),
            told(ADA, TAKEN_OVER, 12.5, "item", attempt=1),
            LOGS[8],
        ],
    ),
    "success without a start": (
        "never goes back",
        without(Told, job_id=PLAIN, name="status", status="running"),
    ),
    "an event nobody heard": ("hears all", without(Heard, event_id=event(PLAIN, "item"))),
    "an event heard twice": (
        "hears all",
        [*GOOD, *(line for line in GOOD if isinstance(line, Heard) and line.name == "item")],
    ),
    "events out of order": (
        "hears all",
        [line for line in GOOD if not isinstance(line, Heard)]
        + [line for line in reversed(GOOD) if isinstance(line, Heard)],
    ),
    "a call bought again without a reason": ("paid once", [*GOOD, called(PLAIN, 2.0, 2.1)]),
    "a call bought again though its worker was struck long after": (
        "paid once",
        altered(Struck, {"at": T0 + 8, "healed_at": T0 + 9}),
    ),
    "a provider hung up on in the middle of its work": (
        "gives up no call",
        [*GOOD, called(PLAIN, 1.2, 1.5, state="hung_up")],
    ),
    "a takeover of a job whose worker was well": (
        "never takes a live job",
        altered(Struck, {"jobs": (PLAIN,)}),
    ),
    "more used than the rows cost": ("balances", altered(Counted, {"used": 2 * TOKENS + 1}, user=ADA)),
    "less used than the rows cost": ("balances", without(Counted, user=ADA)),
    "something held in the end": ("balances", altered(Counted, {"held": 1}, user=EVE)),
    "use that no row explains": (
        "balances",
        [*GOOD, Counted(user="mallory", window=WINDOW, used=1, held=0)],
    ),
    "a row that costs more than was bought": (
        "balances",
        [
            *altered(Saved, {"tokens": TOKENS + 1}, job_id=FAILED)[:-3],
            Counted(user=ADA, window=WINDOW, used=2 * TOKENS, held=0),
            Counted(user=EVE, window=WINDOW, used=TOKENS + 1, held=0),
        ],
    ),
    "an answer that was not charged": ("charges what it tells", without(Settled, request_id="question-1")),
    "an answer that costs more than it says": (
        "charges what it tells",
        altered(Settled, {"tokens": TOKENS + 1}, request_id="question-1"),
    ),
    "chat that spends what no answer explains": (
        "balances",
        altered(Counted, {"used": 100_000}, user=LIN),
    ),
    "an answer that is not counted": (
        "balances",
        [*GOOD, asked(5, 1.0), Settled(at=T0 + 1, request_id="question-5", tokens=1)],
    ),
    "somebody else's collection answered about": (
        "shows nothing foreign",
        altered(Asked, {"status": 200}, collection_owner=ADA),
    ),
    "somebody else's job shown": ("shows nothing foreign", altered(Peeked, {"status": 200})),
    "somebody else's event heard": (
        "shows nothing foreign",
        [*GOOD, Heard(at=T0, listener="all of ada's", event_id="9-0", job_id=FAILED, name="done")],
    ),
    "an entry left in a stream": ("comes to rest", altered(Left, {"lengths": {"entries": 1}})),
    "a key that stays for good": ("comes to rest", altered(Left, {"lasting_keys": (f"{{s0}}:job:{PLAIN}",)})),
    "a job taken before its lease was over": (
        "takes over in time",
        altered(Struck, {"at": T0 + 8, "healed_at": T0 + 9}, jobs=(TAKEN_OVER,)),
    ),
    "a retry before its time": (
        "retries when due",
        altered(Told, {"retry_at": T0 + 0.4}, job_id=FAILED, status="queued", attempt=1),
    ),
    "a row dated by a clock that is wrong": (
        "tells the time",
        altered(Saved, {"finished_at": T0 + 302}, job_id=PLAIN),
    ),
    "a worker that woke up and let its call go on": (
        "lets go when woken",
        [
            *GOOD,
            Struck(at=T0 + 1, healed_at=T0 + 15, name="worker paused", jobs=(TAKEN_OVER,)),
            called(TAKEN_OVER, 0.9, 18.0, state="hung_up"),
        ],
    ),
    "a neighbour of a poison job that is given up with it": (
        "dies for itself",
        [
            *altered(Told, {"code": "worker_crashed"}, job_id=FAILED, name="done"),
            *(poisoned(at, "job-poison", FAILED) for at in (0.1, 0.2, 0.3)),
        ],
    ),
    "a job that is given up too soon": (
        "dies for itself",
        [
            *altered(Told, {"code": "worker_crashed"}, job_id=FAILED, name="done"),
            *(poisoned(at, FAILED, FAILED) for at in (0.1, 0.2)),
        ],
    ),
    "a worker that stops and does not finish its jobs": (
        "hands back late",
        [
            *altered(Told, {"code": "handed_back"}, job_id=FAILED, status="queued", attempt=1),
            Struck(at=T0, healed_at=T0 + 40, name="rolling restart", target="w1"),
        ],
    ),
    "a fleet that does not work after a flush": (
        "works again after a flush",
        [Struck(at=T0 - 9, healed_at=T0 - 9, name="FLUSHALL"), *without(Told, status="running")],
    ),
    "a log that is filled while Redis is away": (
        "complains quietly",
        [
            *GOOD,
            Struck(at=T0, healed_at=T0 + 10, name="Redis paused"),
            *(Complained(at=T0 + second, service="w1", count=2) for second in range(12)),
        ],
    ),
    "a worker that did not stop in good order": (
        "stops in good order",
        altered(Struck, {"note": "exit code -9"}),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_it_finds(what: str) -> None:
    rule, lines = BROKEN[what]
    assert rule in broken(lines)


def test_every_rule_can_fail() -> None:
    found = {violation.rule for _, lines in BROKEN.values() for violation in check(lines)}
    assert len(found) == len(RULES)
    assert found == {rule for rule, _ in BROKEN.values()}


def test_what_it_finds_comes_with_the_lines_that_show_it() -> None:
    (violation,) = [one for one in check(without(Saved, job_id=PLAIN)) if one.rule == "ends once"]
    assert PLAIN in violation.what
    assert {type(line) for line in violation.evidence} >= {Submitted, Told, Shown}


def test_a_request_whose_answer_got_lost_may_have_made_a_job() -> None:
    unclear = Submitted(at=T0, answered_at=T0 + 1, user=EVE, kind="summary", status=503)
    assert check([*GOOD, unclear, saved(EVE, "job-unclear", "cancelled", 0)]) == []


def test_what_a_chat_that_was_killed_charged_has_its_bounds() -> None:
    def counted(used: int) -> list[Line]:
        return altered(Counted, {"used": used}, user=LIN)

    # question 4 was asked when chat was killed: it may have been charged, and nobody said so
    assert check([*counted(2 * TOKENS), asked(5, 29.9, status=0)]) == []
    assert broken(counted(TOKENS)) == {"balances"}
    assert broken(counted(100_000)) == {"balances"}


def test_a_call_that_failed_may_be_made_again() -> None:
    assert check([*GOOD, called(PLAIN, 1.15, 1.2, state="hung_up", fault="hang")]) == []
    assert check([*GOOD, called(PLAIN, 1.15, 1.2, status=500, fault="server_error")]) == []


def test_a_call_whose_answer_came_after_its_attempt_had_ended_may_be_made_again() -> None:
    """Of `FAILED`, the first attempt ends at 0.2."""
    late = altered(Called, {"ended_at": T0 + 0.25, "status": 200, "fault": ""}, status=500)
    assert check(late) == []
    in_time = altered(Called, {"ended_at": T0 + 0.15, "status": 200, "fault": ""}, status=500)
    assert broken(in_time) == {"paid once"}


def test_a_call_that_the_provider_notes_late_is_of_the_worker_that_is_gone() -> None:
    """`TAKEN_OVER` runs again at 12."""
    assert check([*GOOD, called(TAKEN_OVER, 11.0, 11.5)]) == []


def test_an_answer_that_comes_while_redis_is_away_is_in_flight_until_redis_is_back() -> None:
    late = altered(Struck, {"at": T0 + 5, "healed_at": T0 + 6})
    outage = Struck(at=T0, healed_at=T0 + 6, name="Redis paused")
    assert broken(late) == {"paid once"}
    assert broken([*late, outage]) == set()


def test_who_follows_a_job_that_is_removed_hears_it_up_to_there() -> None:
    follower = "one of eve's"
    first = next(one for one in LOGS if one.job_id == REMOVED)
    heard = Heard(at=T0, listener=follower, event_id=first.event_id, job_id=REMOVED, name=first.name)
    connections = [
        Connected(at=T0, listener=follower, user=EVE, job_id=REMOVED, status=status) for status in (200, 404)
    ]
    assert check([*GOOD, *connections, heard]) == []
    assert broken([*GOOD, connections[0], heard]) == {"hears all"}


def test_a_removed_job_leaves_one_event_and_only_its_owner_removes_it() -> None:
    rest = [line for line in GOOD if not (isinstance(line, Told) and line.job_id == REMOVED)]
    removal = told(EVE, REMOVED, 1.6, "removed")
    assert check([*rest, removal]) == []
    assert broken([*rest, removal, told(EVE, REMOVED, 1.7, "done", "cancelled")]) >= {"never goes back"}
    unwished = [line for line in rest if not isinstance(line, Cancelled)]
    assert broken([*unwished, removal]) == {"ends once"}


def test_what_a_flush_took_is_held_against_nobody_and_what_came_later_is() -> None:
    flush = Struck(at=T0 + 0.2, healed_at=T0 + 0.5, name="FLUSHALL")
    later = submitted(ADA, "job-later", at=T0 + 1)
    log = [
        told(ADA, "job-later", 2.0, "status", "queued"),
        told(ADA, "job-later", 2.5, "status", "running", 1),
        told(ADA, "job-later", 3.0, "done", "cancelled"),
    ]
    row, shown = (
        saved(ADA, "job-later", "cancelled", 0),
        Shown(user=ADA, job_id="job-later", status=200, state="cancelled"),
    )
    emptied = [submitted(ADA, PLAIN), flush, later, *log, row, shown]
    assert check(emptied) == []
    assert broken([line for line in emptied if line != row]) == {"ends once"}
