"""Users, workers, housekeeping and operators doing anything in any order, and a comparison after every step.

Each rule is one command, sent once or more. A process that dies is one that does nothing more, so a crash lies between
any two commands; an answer that got lost is a command sent again; a late owner is an attempt that another has followed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.factories import ADA, BOB, make_plan
from tests.model.shard import CONSUMERS, Shard
from tests.model.side_by_side import Attempt, End, Read, SideBySide

from shared.domain.jobs.job import JobId, Kind, StreamName, UserId
from shared.domain.jobs.submission import Hold
from shared.domain.usage import Usage

T = TypeVar("T")
Rule = TypeVar("Rule", bound=Callable[..., None])

MINUTE, DAY = 60.0, 86_400.0
PLANS = {
    "daily": make_plan(tokens_per_day=700, requests_per_minute=7, concurrent_jobs=1, unfinished_jobs=4),
    "monthly": make_plan(tokens_per_month=900, requests_per_minute=7, concurrent_jobs=3, unfinished_jobs=6),
}
"""Narrow enough to be refused within a few commands."""


def among(choose: Callable[[SideBySide], Sequence[T]]) -> st.SearchStrategy[T]:
    """One of those there are now; the rule's precondition says that there are some."""

    def choices(machine: "JobLifeMachine") -> st.SearchStrategy[T]:
        return st.sampled_from(choose(machine.both))

    return st.runner().flatmap(choices)


def when(is_so: Callable[[SideBySide], object]) -> Callable[[Rule], Rule]:
    def holds(machine: "JobLifeMachine") -> bool:
        return bool(is_so(machine.both))

    return precondition(holds)


users = st.sampled_from((ADA, BOB))
plans = st.sampled_from(sorted(PLANS))
kinds = st.sampled_from((Kind.SUMMARY, Kind.SUMMARY, Kind.SUMMARY, Kind.COLLECTION))
consumers = st.sampled_from(CONSUMERS)
streams = st.sampled_from((StreamName.AI, StreamName.AI, StreamName.AI, StreamName.COLLECTION))
counts = st.integers(1, 3)
tokens = st.sampled_from((100, 300))
usages = st.builds(Usage, st.integers(0, 9), st.integers(0, 9))
limits = st.sampled_from((1, 1, 10))
times_sent = st.sampled_from((1, 1, 2))

# Most commands are about what is going on; what is late, final or foreign comes in between.
unfinished_jobs = among(lambda both: both.unfinished() or both.jobs)
final_jobs = among(lambda both: both.final() or both.jobs) | among(lambda both: both.jobs)
jobs_set_aside = among(lambda both: both.set_aside() or both.jobs)
due_jobs = among(lambda both: sorted(both.model.state.due) or both.jobs)
dead_jobs = among(lambda both: sorted(both.model.state.dead) or both.jobs)
pending_jobs = among(lambda both: sorted(both.model.state.pending))
holders = among(lambda both: sorted({held.consumer for held in both.model.state.pending.values()}))
attempts = among(lambda both: both.current() or both.attempts) | among(lambda both: both.attempts)
reads = among(lambda both: both.unleased() or both.reads) | among(lambda both: both.reads)
holds = among(lambda both: both.holds)

has_jobs = when(lambda both: both.jobs)
has_reads = when(lambda both: both.reads)
has_attempts = when(lambda both: both.attempts)
has_holds = when(lambda both: both.holds)
has_pending = when(lambda both: both.model.state.pending)


class JobLifeMachine(RuleBasedStateMachine):
    """One history on an emptied shard."""

    def __init__(self, shard: Shard) -> None:
        super().__init__()
        self.both = SideBySide(shard)

    @initialize(
        user=users,
        plan=plans,
        orders=st.lists(kinds, min_size=3, max_size=6),
        taken=st.dictionaries(consumers, counts, min_size=1),
        endings=st.lists(st.sampled_from(End), max_size=2),
        is_read_only=st.booleans(),
    )
    def begin(
        self,
        user: UserId,
        plan: str,
        orders: Sequence[Kind],
        taken: dict[str, int],
        endings: Sequence[End],
        is_read_only: bool,
    ) -> None:
        """Nothing happens in an empty place: one user has jobs there already, some at work, some at their first end."""
        for kind in orders:
            self.both.submit(user, PLANS[plan], kind, tokens=100)
        for consumer, count in taken.items():
            self.both.take(consumer, StreamName.AI, count)
        self.both.compare()
        for attempt, end in zip(self.both.current(), endings, strict=False):
            settlement = self.both.settlement(attempt.job, end, Usage(2, 1), is_counted=True)
            self.both.settle(attempt.consumer, StreamName.AI, [settlement])
        if is_read_only:
            self.both.read(CONSUMERS[0], StreamName.AI, 2)

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        self.both.compare()

    def teardown(self) -> None:
        if self.both.is_sound:
            self.both.try_everything_late()
            self.order_too_much()
            self.change_plan()
            self.remove_what_has_a_key()
            self.both.finish_everything()

    def order_too_much(self) -> None:
        """More than any window has room for, and more often than once under one key."""
        self.both.now += MINUTE
        for plan in PLANS.values():
            for fingerprint in ("f", "f", "g"):
                self.both.submit(ADA, plan, Kind.COLLECTION, tokens=400, key="late", fingerprint=fingerprint)
            self.both.submit(ADA, plan, Kind.SUMMARY, tokens=400)
        self.both.compare()

    def change_plan(self) -> None:
        """A user whose jobs wait for one another may have more at work with the next one."""
        self.both.now += DAY
        for plan in ("daily", "daily", "monthly"):
            self.both.submit(BOB, PLANS[plan], Kind.COLLECTION, tokens=1)
        self.both.compare()

    def remove_what_has_a_key(self) -> None:
        """Few histories remove a job that was submitted with an idempotency key."""
        for (user, _), (_, job_id) in sorted(self.both.model.state.idempotency.items()):
            self.both.cancel(user, job_id)
            self.both.remove(user, job_id)
        self.both.compare()

    # -- what users do ------------------------------------------------------------------------------------------

    @rule(
        user=users,
        plan=plans,
        kind=kinds,
        tokens=tokens,
        key=st.sampled_from(("", "", "k")),
        fingerprint=st.sampled_from(("f", "f", "g")),
        times=times_sent,
    )
    def submit(
        self, user: UserId, plan: str, kind: Kind, tokens: int, key: str, fingerprint: str, times: int
    ) -> None:
        self.both.submit(
            user, PLANS[plan], kind, tokens=tokens, key=key, fingerprint=fingerprint, times=times
        )

    @has_jobs
    @rule(job_id=unfinished_jobs | jobs_set_aside, times=times_sent)
    def cancel(self, job_id: JobId, times: int) -> None:
        for _ in range(times):
            self.both.cancel(self.both.owner(job_id), job_id)

    @has_jobs
    @rule(job_id=unfinished_jobs)
    def cancel_anothers(self, job_id: JobId) -> None:
        self.both.cancel(BOB if self.both.owner(job_id) == ADA else ADA, job_id)

    @has_jobs
    @rule(job_id=final_jobs, times=times_sent)
    def remove(self, job_id: JobId, times: int) -> None:
        for _ in range(times):
            self.both.remove(self.both.owner(job_id), job_id)

    @has_jobs
    @rule(job_id=final_jobs)
    def remove_anothers(self, job_id: JobId) -> None:
        self.both.remove(BOB if self.both.owner(job_id) == ADA else ADA, job_id)

    @rule(user=users, plan=plans, tokens=tokens, times=times_sent)
    def hold(self, user: UserId, plan: str, tokens: int, times: int) -> None:
        self.both.hold(user, PLANS[plan], tokens, times=times)

    @has_holds
    @rule(hold=holds, used=st.integers(0, 100), times=times_sent)
    def release(self, hold: Hold, used: int, times: int) -> None:
        for _ in range(times):
            self.both.release(hold, used=used)

    # -- what workers do ----------------------------------------------------------------------------------------

    @has_jobs
    @rule(consumer=consumers, stream=streams, count=counts)
    def read(self, consumer: str, stream: StreamName, count: int) -> None:
        self.both.read(consumer, stream, count)

    @has_reads
    @rule(read=reads, times=times_sent)
    def lease(self, read: Read, times: int) -> None:
        for _ in range(times):
            self.both.lease([read])

    @has_jobs
    @rule(consumer=consumers, stream=streams, count=counts)
    def take(self, consumer: str, stream: StreamName, count: int) -> None:
        self.both.take(consumer, stream, count)

    @has_attempts
    @rule(attempts=st.lists(attempts, min_size=1, max_size=3))
    def renew(self, attempts: Sequence[Attempt]) -> None:
        self.both.renew(attempts)

    @has_attempts
    @rule(attempt=attempts, step=st.sampled_from(("a", "b")), usage=usages, times=times_sent)
    def keep(self, attempt: Attempt, step: str, usage: Usage, times: int) -> None:
        for _ in range(times):
            self.both.keep(attempt.job, step, usage)

    @has_attempts
    @rule(
        attempt=attempts,
        step=st.sampled_from(("a", "b")),
        content=st.sampled_from(("x", "x", "y")),
        asked=counts,
        needed=counts,
        times=times_sent,
    )
    def reserve(self, attempt: Attempt, step: str, content: str, asked: int, needed: int, times: int) -> None:
        for _ in range(times):
            self.both.reserve(attempt.job, step, content, asked=max(asked, needed), needed=needed)

    @has_attempts
    @rule(attempt=attempts, content=st.sampled_from(("x", "y")))
    def release_step(self, attempt: Attempt, content: str) -> None:
        self.both.release_step(attempt.job, content)

    @has_attempts
    @rule(
        attempt=attempts,
        count=st.integers(0, 2),
        number=counts,
        progress=st.none() | st.tuples(st.integers(0, 9), st.just(9)),
        times=times_sent,
    )
    def append(
        self, attempt: Attempt, count: int, number: int, progress: tuple[int, int] | None, times: int
    ) -> None:
        for _ in range(times):
            self.both.append(attempt.job, count, number=number, progress=progress)

    @has_attempts
    @rule(
        endings=st.lists(
            st.tuples(attempts, st.sampled_from(End), usages, st.booleans()),
            min_size=1,
            max_size=2,
            unique_by=lambda ending: ending[0].job.id,
        ),
        times=times_sent,
    )
    def settle(self, endings: Sequence[tuple[Attempt, End, Usage, bool]], times: int) -> None:
        consumer, stream = endings[0][0].consumer, endings[0][0].job.stream
        settlements = [
            self.both.settlement(attempt.job, end, extra, is_counted=is_counted)
            for attempt, end, extra, is_counted in endings
            if attempt.job.stream == stream
        ]
        for _ in range(times):
            self.both.settle(consumer, stream, settlements)

    # -- what goes wrong, and what housekeeping and operators do ------------------------------------------------

    @has_pending
    @rule(job_id=pending_jobs)
    def age(self, job_id: JobId) -> None:
        self.both.age(job_id)

    @has_pending
    @rule(consumer=holders)
    def stall(self, consumer: str) -> None:
        self.both.stall(consumer)

    @has_pending
    @rule(consumer=consumers, stream=streams, limit=limits, with_suspect=st.booleans())
    def claim(self, consumer: str, stream: StreamName, limit: int, with_suspect: bool) -> None:
        self.both.claim(consumer, stream, limit, with_suspect=with_suspect)

    @has_pending
    @rule(consumer=holders, other=consumers, limit=limits)
    def die(self, consumer: str, other: str, limit: int) -> None:
        """A process is gone, and another one takes over what it can."""
        self.both.stall(consumer)
        self.both.claim(other, StreamName.AI, limit)

    @has_jobs
    @rule(job_ids=st.sets(due_jobs, max_size=2))
    def promote(self, job_ids: set[JobId]) -> None:
        self.both.promote(sorted(job_ids))

    @has_holds
    @rule(hold=holds)
    def expire(self, hold: Hold) -> None:
        self.both.expire(hold.id)

    @has_jobs
    @rule(job_id=dead_jobs, plan=plans, times=times_sent)
    def replay(self, job_id: JobId, plan: str, times: int) -> None:
        for _ in range(times):
            self.both.replay(job_id, PLANS[plan])

    @rule(consumer=consumers, stream=streams)
    def forget(self, consumer: str, stream: StreamName) -> None:
        self.both.forget(consumer, stream)

    @rule(seconds=st.sampled_from((MINUTE, DAY)))
    def pass_time(self, seconds: float) -> None:
        self.both.now += seconds


def run_histories(shard: Shard, how: settings) -> None:
    """Raises `AssertionError` with the shortest history found in which Redis and the model disagree."""
    machine = cast(type[JobLifeMachine], partial(JobLifeMachine, shard))
    run_state_machine_as_test(machine, settings=how)
