"""Users, workers, housekeeping and operators doing anything in any order: after every step Redis holds what the model says.

Each rule is one command. A process that dies is one that does nothing more, so a crash lies between any two of them; an
answer that gets lost is a command that is sent again; a late owner is any attempt that another one has followed.
"""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Struct
from tests.factories import ADA, BOB, make_plan, make_submission
from tests.model.laws import check_rest, check_state, check_step
from tests.model.model import Lease, Model, Place
from tests.model.shard import CONSUMERS, POLICY, Shard
from tests.model.shard_state import differences

from shared.adapters import keys, scripts
from shared.adapters.job_stream import Entry, Leased
from shared.domain.budget import Plan
from shared.domain.errors import IdempotencyConflict, LeaseLost, LimitReached, Overloaded, Problem
from shared.domain.job import EntryId, Job, JobId, JobState, Kind, StreamName, UserId
from shared.domain.provider import Usage
from shared.domain.settlement import Settlement
from shared.domain.submission import Hold

START = 4_102_272_000.0
"""30 December 2099, 00:00 UTC: no window ends while tests run, and a new month is two days away."""
MINUTE, DAY = 60.0, 86_400.0
RETRY_SECONDS = 3_600.0
PLANS = (
    make_plan(tokens_per_day=700, requests_per_minute=7, concurrent_jobs=1, unfinished_jobs=4),
    make_plan(tokens_per_month=900, requests_per_minute=7, concurrent_jobs=3, unfinished_jobs=6),
)
BUSY = Problem("provider_busy")


T = TypeVar("T")


class Disagreement(AssertionError):
    """Redis and the model say different things."""


class End(Enum):
    """How an attempt may end: next state, problem, whether it counts as a failure, whether it waits or is dead."""

    SUCCEEDED = (JobState.SUCCEEDED, False)
    FAILED = (JobState.FAILED, False)
    DEAD = (JobState.FAILED, True)
    RETRIED_NOW = (JobState.QUEUED, False)
    RETRIED_LATER = (JobState.QUEUED, True)


class Read(Struct, frozen=True):
    """An entry in the hands of who read it."""

    consumer: str
    entry: Entry
    place: Place

    def __repr__(self) -> str:
        return f"<entry of {self.entry.job_id}, read by {self.consumer}>"


class Attempt(Struct, frozen=True):
    """A lease in the hands of who got it: still its owner, or late."""

    consumer: str
    job: Job

    def __repr__(self) -> str:
        return f"<attempt {self.job.attempt} at {self.job.id}, by {self.consumer}>"


def among(choose: "Callable[[JobLifeMachine], Sequence[T]]") -> st.SearchStrategy[T]:
    """One of those there are now; the rule's precondition says that there are some."""
    return st.runner().flatmap(lambda machine: st.sampled_from(choose(machine)))


users = st.sampled_from((ADA, BOB))
plans = st.sampled_from(PLANS)
kinds = st.sampled_from((Kind.SUMMARY, Kind.SUMMARY, Kind.SUMMARY, Kind.COLLECTION))
consumers = st.sampled_from(CONSUMERS)
streams = st.sampled_from((StreamName.AI, StreamName.AI, StreamName.AI, StreamName.COLLECTION))
tokens = st.sampled_from((100, 300))
limits = st.sampled_from((1, 1, 10))
times_sent = st.sampled_from((1, 1, 2))
usages = st.builds(Usage, st.integers(0, 9), st.integers(0, 9))
jobs = among(lambda machine: machine.jobs)
attempts = among(lambda machine: machine.attempts)
# most commands are about what is going on: the strange ones are what is left over
live_jobs = among(lambda machine: machine.unfinished() or machine.jobs)
live_attempts = among(lambda machine: machine.current() or machine.attempts) | attempts
dead_jobs = among(lambda machine: sorted(machine.model.state.dead) or machine.jobs)

has_jobs = precondition(lambda machine: machine.jobs)
has_reads = precondition(lambda machine: machine.reads)
has_attempts = precondition(lambda machine: machine.attempts)
has_holds = precondition(lambda machine: machine.holds)
has_pending = precondition(lambda machine: machine.model.state.pending)


class JobLifeMachine(RuleBasedStateMachine):
    def __init__(self, shard: Shard) -> None:
        super().__init__()
        self.shard = shard
        self.model = Model(POLICY)
        self.now = START
        self.jobs: list[JobId] = []
        self.reads: list[Read] = []
        self.attempts: list[Attempt] = []
        self.holds: list[Hold] = []
        self.entry_ids: dict[JobId, EntryId] = {}
        """The last entry each job was read from."""
        self.names = itertools.count(1)
        self.is_sound = True
        shard.reset()
        self.seen = shard.snapshot()

    def unfinished(self) -> list[JobId]:
        return [job_id for job_id in self.jobs if not self.model.state.jobs[job_id].state.is_final]

    def current(self) -> list[Attempt]:
        return [one for one in self.attempts if self.model.is_current(one.job.id, one.job.attempt)]

    @initialize(
        user=users,
        orders=st.lists(st.tuples(plans, kinds), min_size=3, max_size=6),
        counts=st.dictionaries(consumers, st.integers(1, 3), min_size=1),
    )
    def begin(self, user: UserId, orders: Sequence[tuple[Plan, Kind]], counts: dict[str, int]) -> None:
        """Nothing happens in an empty place: one user has jobs there already, and some are at work."""
        for plan, kind in orders:
            self.submit(user, plan, kind, tokens=100, key="", fingerprint="", times=1)
        for consumer, count in counts.items():
            self.take(consumer, StreamName.AI, count)

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
        self, user: UserId, plan: Plan, kind: Kind, tokens: int, key: str, fingerprint: str, times: int
    ) -> None:
        job_id = JobId(f"j{next(self.names)}")
        submission = make_submission(
            id=job_id,
            user=user,
            plan=plan,
            kind=kind,
            hold_tokens=tokens,
            idempotency_key=key,
            fingerprint=fingerprint,
            payload=b"{}",
        )
        for _ in range(times):
            accepted = self.ask(self.shard.store.submit(submission, now=self.now))
            expected = self.model.submit(submission, self.now)
            self.agree(accepted if isinstance(accepted, type) else accepted.job_id, expected)
        if job_id in self.model.state.jobs:
            self.jobs.append(job_id)

    @has_jobs
    @rule(user=users, job_id=live_jobs, times=times_sent)
    def cancel(self, user: UserId, job_id: JobId, times: int) -> None:
        for _ in range(times):
            record = self.ask(self.shard.store.cancel(user, job_id))
            self.agree(record and record.state, self.model.cancel(user, job_id))

    @rule(user=users, plan=plans, tokens=tokens, times=times_sent)
    def hold(self, user: UserId, plan: Plan, tokens: int, times: int) -> None:
        hold_id = f"h{next(self.names)}"
        for _ in range(times):
            answer = self.ask(
                self.shard.budgets.hold(
                    user, plan, hold_id=hold_id, tokens=tokens, expires_in=3_600, now=self.now
                )
            )
            refusal = self.model.ledger.hold(user, plan, hold_id, tokens, self.now)
            self.agree(answer if isinstance(answer, type) else None, refusal)
            if not refusal:
                self.holds.append(answer[0])

    @has_holds
    @rule(hold=among(lambda machine: machine.holds), used=st.integers(0, 100), times=times_sent)
    def release(self, hold: Hold, used: int, times: int) -> None:
        for _ in range(times):
            answer = self.ask(self.shard.budgets.release(hold, used=used))
            self.agree(answer, self.model.ledger.release(hold.id, used))

    # -- what workers do ----------------------------------------------------------------------------------------

    @has_jobs
    @rule(consumer=consumers, stream=streams, count=st.integers(1, 3))
    def read(self, consumer: str, stream: StreamName, count: int) -> None:
        self.reading(consumer, stream, count)

    @has_reads
    @rule(read=among(lambda machine: machine.reads), times=times_sent)
    def lease(self, read: Read, times: int) -> None:
        for _ in range(times):
            self.leasing([read])

    @has_jobs
    @rule(consumer=consumers, stream=streams, count=st.integers(1, 3))
    def take(self, consumer: str, stream: StreamName, count: int) -> None:
        """Read and lease, as a worker does that lives."""
        self.leasing(self.reading(consumer, stream, count))

    @has_attempts
    @rule(leases=st.lists(live_attempts, min_size=1, max_size=3))
    def renew(self, leases: Sequence[Attempt]) -> None:
        consumer, stream = leases[0].consumer, leases[0].job.stream
        mine = [one.job for one in leases if (one.consumer, one.job.stream) == (consumer, stream)]
        args = [part for job in mine for part in (job.entry, job.id, job.attempt)]
        answer = self.ask(
            scripts.run(self.shard.redis, scripts.RENEW, keys.work_stream(0, stream), consumer, *args)
        )
        self.agree(answer, [int(self.model.renew(consumer, job.id, job.attempt)) for job in mine])

    @has_attempts
    @rule(attempt=live_attempts, step=st.sampled_from(("a", "b")), usage=usages, times=times_sent)
    def keep(self, attempt: Attempt, step: str, usage: Usage, times: int) -> None:
        job = attempt.job
        completion = f"{step} of attempt {job.attempt}".encode()
        for _ in range(times):
            answer = self.ask(self.shard.steps.keep(job, step, completion, usage))
            self.agree(answer is None, self.model.keep(job.id, job.attempt, step, completion, usage))

    @has_attempts
    @rule(
        attempt=live_attempts,
        count=st.integers(0, 2),
        number=st.integers(1, 3),
        progress=st.none() | st.tuples(st.integers(0, 9), st.just(9)),
        times=times_sent,
    )
    def append(
        self, attempt: Attempt, count: int, number: int, progress: tuple[int, int] | None, times: int
    ) -> None:
        job = attempt.job
        events = [("item", b'{"number":%d}' % n) for n in range(number, number + count)]
        for _ in range(times):
            answer = self.ask(self.shard.steps.append(job, events, number=number, progress=progress))
            self.agree(answer is None, self.model.append(job.id, job.attempt, count, number, progress))

    @has_attempts
    @rule(
        endings=st.lists(
            st.tuples(live_attempts, st.sampled_from(End), usages, st.booleans()),
            min_size=1,
            max_size=2,
            unique_by=lambda ending: ending[0].job.id,
        ),
        times=times_sent,
    )
    def settle(self, endings: Sequence[tuple[Attempt, End, Usage, bool]], times: int) -> None:
        consumer, stream = endings[0][0].consumer, endings[0][0].job.stream
        settlements = [
            self.settlement(attempt.job, end, usage, is_counted)
            for attempt, end, usage, is_counted in endings
            if attempt.job.stream == stream
        ]
        for _ in range(times):
            self.settling(consumer, stream, settlements)

    # -- what goes wrong, and what housekeeping and operators do -----------------------------------------------

    @has_pending
    @rule(job_id=among(lambda machine: sorted(machine.model.state.pending)))
    def age(self, job_id: JobId) -> None:
        """Nobody renews this lease for long."""
        self.aging(job_id)

    @has_pending
    @rule(
        consumer=among(lambda machine: sorted({one.consumer for one in machine.model.state.pending.values()}))
    )
    def stall(self, consumer: str) -> None:
        """A process stands still for long, with all it has in hands."""
        for job_id, held in self.model.state.pending.items():
            if held.consumer == consumer:
                self.aging(job_id)

    @has_pending
    @rule(consumer=consumers, stream=streams, limit=limits)
    def claim(self, consumer: str, stream: StreamName, limit: int) -> None:
        self.claiming(consumer, stream, limit)

    @has_pending
    @rule(consumer=consumers, other=consumers, limit=limits)
    def die(self, consumer: str, other: str, limit: int) -> None:
        """A process is gone, and another one takes over what it can."""
        self.stall(consumer)
        self.claiming(other, StreamName.AI, limit)

    @has_jobs
    @rule(job_ids=st.sets(among(lambda machine: sorted(machine.model.state.due) or machine.jobs), max_size=2))
    def promote(self, job_ids: set[JobId]) -> None:
        """The time of these has come, if they wait for it."""
        self.promoting(job_ids)

    @has_holds
    @rule(hold=among(lambda machine: machine.holds))
    def expire(self, hold: Hold) -> None:
        self.shard.command("ZADD", keys.holds(0), "XX", 0, hold.id)
        self.agree(self.ask(self.shard.room.expire_holds(0)), int(self.model.ledger.release(hold.id, 0)))

    @has_jobs
    @rule(job_id=dead_jobs, plan=plans, times=times_sent)
    def replay(self, job_id: JobId, plan: Plan, times: int) -> None:
        for _ in range(times):
            answer = self.ask(self.shard.dead.replay(job_id, plan, now=self.now))
            self.agree(answer, self.model.replay(job_id, plan, self.now))

    @rule(consumer=consumers, stream=streams)
    def forget(self, consumer: str, stream: StreamName) -> None:
        """Every consumer that holds nothing: none of them takes an entry along."""
        self.ask(self.shard.stream(consumer, stream).forget(idle_seconds=-1))

    @has_jobs
    @rule(seconds=st.sampled_from((MINUTE, DAY)))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    # -- commands, each with its answer compared ----------------------------------------------------------------

    def reading(self, consumer: str, stream: StreamName, count: int) -> list[Read]:
        entries = self.ask(self.shard.stream(consumer, stream).read(count, block=False))
        places = self.model.read(consumer, stream, count)
        self.agree([entry.job_id for entry in entries], [job_id for job_id, _ in places])
        self.entry_ids |= {entry.job_id: entry.id for entry in entries}
        reads = [Read(consumer, entry, place) for entry, place in zip(entries, places, strict=True)]
        self.reads += reads
        return reads

    def leasing(self, reads: Sequence[Read]) -> list[Attempt]:
        """Entries of one stream, read by one consumer."""
        if not reads:
            return []
        consumer = reads[0].consumer
        stream = self.model.state.jobs[reads[0].entry.job_id].stream
        leased = self.ask(self.shard.stream(consumer, stream).lease([read.entry for read in reads]))
        leases = [self.model.lease(consumer, read.place) for read in reads]
        return self.owning(consumer, leased, [lease for lease in leases if lease])

    def claiming(self, consumer: str, stream: StreamName, limit: int) -> list[Attempt]:
        leased = self.ask(self.shard.stream(consumer, stream).claim(0, limit))
        return self.owning(consumer, leased, self.model.claim(consumer, stream, limit))

    def owning(self, consumer: str, leased: Sequence[Leased], expected: Sequence[Lease]) -> list[Attempt]:
        self.agree([_told(one) for one in leased], expected)
        attempts = [Attempt(consumer, one.job) for one in leased]
        self.attempts += attempts
        return attempts

    def aging(self, job_id: JobId) -> None:
        consumer, stream = self.model.state.pending[job_id].consumer, self.model.state.jobs[job_id].stream
        self.shard.age(consumer, stream, self.entry_ids[job_id])
        self.model.age(job_id)

    def promoting(self, job_ids: Iterable[JobId]) -> None:
        for job_id in job_ids:
            self.shard.command("ZADD", keys.due(0), "XX", 0, job_id)
        self.model.promote(job_ids)
        wait = self.ask(self.shard.room.promote(0))
        self.agree(wait is not None, bool(self.model.state.due))

    def settlement(self, job: Job, end: End, usage: Usage, is_counted: bool) -> Settlement:
        state, is_special = end.value
        known = self.model.state.jobs[job.id]
        is_retry = state is JobState.QUEUED
        return Settlement(
            job=job,
            state=state,
            usage=Usage(known.prompt, known.completion) + usage,
            problem=None if state is JobState.SUCCEEDED else BUSY,
            retry_at=self.now + RETRY_SECONDS * is_special if is_retry else None,
            failures=job.failures + is_counted,
            is_dead=is_special and not is_retry,
        )

    def settling(self, consumer: str, stream: StreamName, settlements: Sequence[Settlement]) -> None:
        settled = self.ask(self.shard.stream(consumer, stream).settle(settlements, now=self.now))
        expected = {one.job.id: self.model.settle(one, now=self.now) for one in settlements}
        self.agree(settled, expected)

    def ask(self, answer: Awaitable[Any]) -> Any:
        """The answer, or the kind of refusal."""
        self.is_sound = False
        try:
            return self.shard.wait(answer)
        except (LimitReached, IdempotencyConflict, Overloaded, LeaseLost) as refusal:
            return type(refusal)

    def agree(self, seen: object, expected: object) -> None:
        if seen != expected:
            raise Disagreement(f"answered {seen}, expected {expected}")

    # -- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        before, self.seen = self.seen, self.shard.snapshot()
        if found := differences(self.seen, self.model.expected(), "state"):
            raise Disagreement("\n".join(found))
        check_state(self.seen)
        check_step(before, self.seen)
        self.is_sound = True

    def teardown(self) -> None:
        """However an example ends, its jobs can be brought to theirs."""
        if self.is_sound:
            self.finish_everything()
            check_rest(self.seen)

    def finish_everything(self) -> None:
        state = self.model.state
        while any(state.live.values()):
            self.promoting(set(state.due))
            for stream in StreamName:
                for job_id in state.pending:
                    self.aging(job_id)
                attempts = self.claiming("w1", stream, 100) + self.leasing(self.reading("w1", stream, 100))
                ends = [self.settlement(one.job, End.SUCCEEDED, Usage(), False) for one in attempts]
                self.settling("w1", stream, ends)
                self.redis_holds_what_the_model_says()
        for hold_id in list(state.holds):
            self.shard.command("ZADD", keys.holds(0), "XX", 0, hold_id)
            self.model.ledger.release(hold_id, 0)
        self.ask(self.shard.room.expire_holds(0))
        self.redis_holds_what_the_model_says()


def _told(leased: Leased) -> Lease:
    job = leased.job
    return Lease(job.id, job.attempt, job.failures, job.crashes, job.spent, leased.steps)
