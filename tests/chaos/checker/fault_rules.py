"""What a fault may do to others than those it strikes, and for how long it is felt."""

from collections.abc import Iterator

from tests.chaos.checker.evidence import FLUSH, History, Violation
from tests.chaos.history.history import Called, Complained, Struck, Submitted, Told

WOKEN, RESTARTED, POISONED = "worker paused", "rolling restart", "poison job"
CRASHED = "worker_crashed"
"""Code of a job that is given up because it took too many owners down with it."""
CRASHES = 3
LET_GO_SECONDS = 2.0
DRAIN_SECONDS = 24.0
"""What a stopping worker gives its jobs, and a second less."""
RESUME_SECONDS = 5.0
AWAY = ("Redis killed", "Redis paused", FLUSH)
SETTLED_SECONDS = 5.0
"""After which a fault is not felt any more."""
FIRST_LINES = 5
OF_ONE = ("job.", "chat.hold_not_released", "provider.failed")
"""How the events begin that tell of one job, one answer, one call: what became of each is said."""


def lets_go_when_woken(history: History) -> Iterator[Violation]:
    """Who wakes up and has lost its jobs hangs up on their providers at once."""
    for fault, call in calls_of_zombies(history):
        if call.ended_at > fault.healed_at + LET_GO_SECONDS:
            what = f"{call.call_id} went on for {call.ended_at - fault.healed_at:.1f} s"
            yield Violation("lets go when woken", what, (fault, call))


def calls_of_zombies(history: History) -> Iterator[tuple[Struck, Called]]:
    """Those that were under way when a worker was paused, and still were when it woke up without their jobs."""
    calls = [call for calls in history.calls.values() for call in calls]
    for fault in history.of(Struck):
        if fault.name != WOKEN or _is_redis_away(history, fault.healed_at):
            continue
        taken = {job_id for job_id in fault.jobs if _is_taken(history.told[job_id], fault)}
        for call in calls:
            if call.job_id in taken and call.started_at <= fault.at and call.ended_at > fault.healed_at:
                yield fault, call


def _is_taken(log: list[Told], fault: Struck) -> bool:
    return any(told.status == "running" and fault.at < told.at <= fault.healed_at for told in log)


def _is_redis_away(history: History, at: float) -> bool:
    return any(
        fault.name.startswith("Redis")
        and fault.at <= at + LET_GO_SECONDS
        and at <= fault.healed_at + LET_GO_SECONDS
        for fault in history.of(Struck)
    )


def dies_for_itself(history: History) -> Iterator[Violation]:
    """Only a job that took its owners down is given up for it: not one that happened to be there."""
    for told in history.of(Told):
        if told.code != CRASHED:
            continue
        strikes = history.struck[told.job_id]
        is_guilty = any(fault.poison == told.job_id for fault in strikes)
        is_bystander = not is_guilty and all(fault.name == POISONED for fault in strikes)
        if len(strikes) < CRASHES or is_bystander:
            what = f"{told.job_id} was given up after {len(strikes)} strikes, none of them its own"
            yield Violation("dies for itself", what, history.about(told.job_id))


def hands_back_late(history: History) -> Iterator[Violation]:
    """Who is asked to stop finishes its jobs; only what takes longer than its grace is handed back."""
    restarts = [fault for fault in history.of(Struck) if fault.name == RESTARTED]
    for told in history.of(Told):
        if told.code == "handed_back" and not any(
            fault.at + DRAIN_SECONDS <= told.at <= fault.healed_at for fault in restarts
        ):
            yield Violation("hands back late", f"{told.job_id} was handed back", history.about(told.job_id))


def works_again_after_a_flush(history: History) -> Iterator[Violation]:
    """After a FLUSHALL the next job that is accepted begins within seconds."""
    for flush in [fault for fault in history.of(Struck) if fault.name == FLUSH][-1:]:
        asked = [line.answered_at for line in history.of(Submitted) if line.is_accepted]
        begun = [told.at for told in history.of(Told) if told.status == "running"]
        if asked and min(begun, default=float("inf")) > max(flush.healed_at, min(asked)) + RESUME_SECONDS:
            yield Violation(
                "works again after a flush", f"nothing began within {RESUME_SECONDS:.0f} s", (flush,)
            )


def complains_quietly(history: History) -> Iterator[Violation]:
    """A Redis that is away or empty is no reason to fill the logs: a line a second, and a handful to begin with."""
    complaints = [line for line in history.of(Complained) if not line.event.startswith(OF_ONE)]
    for fault in history.of(Struck):
        if not fault.name.startswith(AWAY):
            continue
        until = fault.healed_at + SETTLED_SECONDS
        for service in sorted({line.service for line in complaints}):
            lines = tuple(
                line for line in complaints if line.service == service and fault.at <= line.at <= until
            )
            count = sum(line.count for line in lines)
            if count > until - fault.at + FIRST_LINES:
                what = f"{service} logged {count} warnings in {until - fault.at:.0f} s"
                yield Violation("complains quietly", what, (fault, *lines))
