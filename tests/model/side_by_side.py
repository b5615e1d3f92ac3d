"""A real shard and the model, given the same commands: every answer and, after each step, everything held must agree."""

import itertools
from collections.abc import Awaitable, Iterable, Sequence
from enum import Enum
from typing import Any, cast

from msgspec import Struct
from tests.factories import make_submission
from tests.model.laws import check_rest, check_state, check_step
from tests.model.model import Lease, Model, Place
from tests.model.shard import POLICY, Shard
from tests.model.shard_state import differences

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.jobs.attempt_store import Reservation
from shared.adapters.redis.jobs.job_stream import Entry
from shared.domain.budgets import Plan
from shared.domain.errors import IdempotencyConflict, LeaseLost, LimitReached, Overloaded, Problem
from shared.domain.jobs.job import EntryId, JobId, JobState, Kind, LeasedJob, StreamName, UserId
from shared.domain.jobs.settlement import Settlement
from shared.domain.jobs.submission import Hold
from shared.domain.study.material import ItemCounts
from shared.domain.usage import Usage

START = 4_102_272_000.0
"""30 December 2099, 00:00 UTC: no window ends while tests run, and a new month is two days away."""
RETRY_SECONDS = 3_600.0
BUSY = Problem("provider_busy")
REFUSALS = (LimitReached, IdempotencyConflict, Overloaded, LeaseLost)


class Disagreement(AssertionError):
    """Redis and the model say different things."""


class End(Enum):
    """How an attempt ends."""

    SUCCEEDED = JobState.SUCCEEDED
    FAILED = JobState.FAILED
    DEAD = "failed, and kept as a dead letter"
    RETRIED_NOW = "queued at once"
    RETRIED_LATER = "queued after a while"


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
    job: LeasedJob

    def __repr__(self) -> str:
        return f"<attempt {self.job.attempt} at {self.job.id}, by {self.consumer}>"


class SideBySide:
    """Each method is one command. It raises `Disagreement` when the answer is not the expected one."""

    def __init__(self, shard: Shard) -> None:
        shard.reset()
        self.shard = shard
        self.model = Model(POLICY)
        self.now = START
        self.jobs: list[JobId] = []
        self.reads: list[Read] = []
        self.attempts: list[Attempt] = []
        self.holds: list[Hold] = []
        self.is_sound = True
        """Nothing was done since both were compared."""
        self._seen = shard.snapshot()
        self._leased_places: set[Place] = set()
        self._names = itertools.count(1)
        self._entry_ids: dict[JobId, EntryId] = {}
        """The last entry each job was read from."""

    def unfinished(self) -> list[JobId]:
        return [job_id for job_id in self.jobs if not self.model.state.jobs[job_id].state.is_final]

    def set_aside(self) -> list[JobId]:
        """Jobs that wait for their turn or for their time."""
        state = self.model.state
        return sorted({*state.due, *(job_id for waiting in state.waiting.values() for job_id in waiting)})

    def final(self) -> list[JobId]:
        return [job_id for job_id in self.jobs if self.model.state.jobs[job_id].state.is_final]

    def owner(self, job_id: JobId) -> UserId:
        return self.model.state.jobs[job_id].user

    def current(self) -> list[Attempt]:
        """Attempts that still own their job."""
        return [one for one in self.attempts if self.model.is_current(one.job.id, one.job.attempt)]

    def unleased(self) -> list[Read]:
        """What was read and is still to be leased by its reader, if it is not too late."""
        return [read for read in self.reads if read.place not in self._leased_places]

    # -- what users do ------------------------------------------------------------------------------------------

    def submit(
        self,
        user: UserId,
        plan: Plan,
        kind: Kind,
        *,
        tokens: int,
        key: str = "",
        fingerprint: str = "",
        times: int = 1,
    ) -> None:
        name = f"j{next(self._names)}"
        submission = make_submission(
            id=JobId(name),
            traceparent=f"trace of {name}",
            user=user,
            plan=plan,
            kind=kind,
            hold_tokens=tokens,
            idempotency_key=key,
            fingerprint=fingerprint,
            payload=b"{}",
        )
        for _ in range(times):
            accepted = self._ask(self.shard.store.submit(submission, now=self.now))
            expected = self.model.submit(submission, self.now)
            _agree(_refusal(accepted) or accepted.job_id, expected)
        if submission.id in self.model.state.jobs:
            self.jobs.append(submission.id)

    def cancel(self, user: UserId, job_id: JobId) -> None:
        record = self._ask(self.shard.store.cancel(user, job_id))
        _agree(record and record.state, self.model.cancel(user, job_id))

    def remove(self, user: UserId, job_id: JobId) -> None:
        """As a remover does, which tells it when the row is written. The store's own way would cancel an unfinished job."""
        reply = self._ask(scripts.run(self.shard.redis, scripts.REMOVE, keys.record(0, job_id), job_id, user))
        is_removed = self.model.remove(user, job_id)
        _agree(reply in (1, 2), is_removed)
        if is_removed:
            self._ask(self.shard.removals.forget_events(user, job_id, self.model.state.jobs[job_id].kind))

    def hold(self, user: UserId, plan: Plan, tokens: int, *, times: int = 1) -> None:
        hold_id = f"h{next(self._names)}"
        for _ in range(times):
            answer = self._ask(
                self.shard.budgets.hold(
                    user, plan, hold_id=hold_id, tokens=tokens, expires_in=RETRY_SECONDS, now=self.now
                )
            )
            refusal = self.model.ledger.hold(user, plan, hold_id, tokens, self.now)
            _agree(_refusal(answer), refusal)
            if not refusal:
                self.holds.append(answer[0])

    def release(self, hold: Hold, *, used: int) -> None:
        answer = self._ask(self.shard.budgets.release(hold, used=used))
        _agree(answer, self.model.ledger.release(hold.id, used))

    # -- what workers do ----------------------------------------------------------------------------------------

    def read(self, consumer: str, stream: StreamName, count: int) -> list[Read]:
        entries = self._ask(self.shard.stream(consumer, stream).read(count, block=False))
        places = self.model.read(consumer, stream, count)
        _agree([entry.job_id for entry in entries], [job_id for job_id, _ in places])
        self._entry_ids |= {entry.job_id: entry.id for entry in entries}
        reads = [Read(consumer, entry, place) for entry, place in zip(entries, places, strict=True)]
        self.reads += reads
        return reads

    def lease(self, reads: Sequence[Read]) -> list[Attempt]:
        """Entries of one stream, read by one consumer."""
        if not reads:
            return []
        consumer, stream = reads[0].consumer, self.model.state.jobs[reads[0].entry.job_id].stream
        self._leased_places |= {read.place for read in reads}
        leased = self._ask(self.shard.stream(consumer, stream).lease([read.entry for read in reads]))
        leases = [self.model.lease(consumer, read.place) for read in reads]
        return self._own(consumer, leased, [lease for lease in leases if lease])

    def take(self, consumer: str, stream: StreamName, count: int) -> list[Attempt]:
        """Read and lease, as a worker does that lives."""
        return self.lease(self.read(consumer, stream, count))

    def claim(
        self, consumer: str, stream: StreamName, limit: int, *, with_suspect: bool = True
    ) -> list[Attempt]:
        leased = self._ask(self.shard.stream(consumer, stream).claim(0, limit, with_suspect=with_suspect))
        return self._own(consumer, leased, self.model.claim(consumer, stream, limit, with_suspect))

    def _own(self, consumer: str, leased: Sequence[LeasedJob], expected: Sequence[Lease]) -> list[Attempt]:
        _agree([_told(one) for one in leased], expected)
        attempts = [Attempt(consumer, one) for one in leased]
        self.attempts += attempts
        return attempts

    def renew(self, attempts: Sequence[Attempt]) -> None:
        """As many as the first one's owner has in one stream."""
        consumer, stream = attempts[0].consumer, attempts[0].job.stream
        mine = [one.job for one in attempts if (one.consumer, one.job.stream) == (consumer, stream)]
        args = [part for job in mine for part in (job.entry, job.id, job.attempt)]
        answer = self._ask(
            scripts.run(self.shard.redis, scripts.RENEW, keys.work_stream(0, stream), consumer, *args)
        )
        _agree(answer, [int(self.model.renew(consumer, job.id, job.attempt)) for job in mine])

    def keep(self, job: LeasedJob, step: str, usage: Usage) -> None:
        completion = f"{step} of attempt {job.attempt}".encode()
        answer = self._ask(self.shard.steps.keep(job, step, completion, usage))
        _agree(answer is None, self.model.keep(job.id, job.attempt, step, completion, usage))

    def reserve(self, job: LeasedJob, step: str, content: str, *, asked: int, needed: int) -> None:
        counts = {"asked": ItemCounts(asked, asked), "needed": ItemCounts(needed, needed)}
        answer = self._ask(self.shard.steps.reserve(job, step, content, **counts))
        said = (answer.completion or answer.is_ours) if isinstance(answer, Reservation) else None
        _agree(said, self.model.reserve(job.id, job.attempt, step, content, asked, needed))

    def release_step(self, job: LeasedJob, content: str) -> None:
        self._ask(self.shard.steps.release(job, content))
        self.model.release(job.id, job.attempt, content)

    def keep_response(self, job: LeasedJob, response_id: str) -> None:
        name, response = "response:a", f"{response_id} of attempt {job.attempt}".encode()
        answer = self._ask(self.shard.steps.keep_response(job, name, response))
        _agree(answer is None, self.model.keep_response(job.id, job.attempt, name, response))

    def append(self, job: LeasedJob, count: int, *, number: int, progress: tuple[int, int] | None) -> None:
        events = [("item", b'{"number":%d}' % n) for n in range(number, number + count)]
        answer = self._ask(self.shard.steps.append(job, events, number=number, progress=progress))
        _agree(answer is None, self.model.append(job.id, job.attempt, count, number, progress))

    def settlement(self, job: LeasedJob, end: End, extra: Usage, *, is_counted: bool) -> Settlement:
        """As a worker would ask for that knows what the job has cost so far, and `extra` that it did not keep."""
        known = self.model.state.jobs[job.id]
        states = {End.SUCCEEDED: JobState.SUCCEEDED, End.FAILED: JobState.FAILED, End.DEAD: JobState.FAILED}
        delays = {End.RETRIED_NOW: 0.0, End.RETRIED_LATER: RETRY_SECONDS}
        return Settlement(
            job=job,
            state=states.get(end, JobState.QUEUED),
            usage=Usage(known.prompt, known.completion) + extra,
            problem=None if end is End.SUCCEEDED else BUSY,
            retry_at=self.now + delays[end] if end in delays else None,
            failures=job.failures + is_counted,
            is_dead=end is End.DEAD,
        )

    def settle(self, consumer: str, stream: StreamName, settlements: Sequence[Settlement]) -> None:
        """Settlements of different jobs of one stream."""
        settled = self._ask(self.shard.stream(consumer, stream).settle(settlements, now=self.now))
        _agree(settled, {one.job.id: self.model.settle(one, now=self.now) for one in settlements})

    # -- what goes wrong, and what housekeeping and operators do ------------------------------------------------

    def age(self, job_id: JobId) -> None:
        """Nobody renews this lease for long."""
        consumer, stream = self.model.state.pending[job_id].consumer, self.model.state.jobs[job_id].stream
        self.shard.age(consumer, stream, self._entry_ids[job_id])
        self.model.age(job_id)

    def stall(self, consumer: str) -> None:
        """A process stands still for long, with all it has in hands."""
        for job_id, held in self.model.state.pending.items():
            if held.consumer == consumer:
                self.age(job_id)

    def promote(self, job_ids: Iterable[JobId]) -> None:
        """The time of these has come, if they wait for it."""
        for job_id in job_ids:
            self.shard.command("ZADD", keys.due(0), "XX", 0, job_id)
        self.model.promote(job_ids)
        wait = self._ask(self.shard.room.promote(0))
        _agree(wait is not None, bool(self.model.state.due))

    def expire(self, hold_id: str) -> None:
        """The time of this hold is over."""
        self.shard.command("ZADD", keys.holds(0), "XX", 0, hold_id)
        _agree(self._ask(self.shard.room.expire_holds(0)), int(self.model.ledger.release(hold_id, 0)))

    def replay(self, job_id: JobId, plan: Plan) -> None:
        answer = self._ask(self.shard.dead.replay(job_id, plan, now=self.now))
        _agree(answer, self.model.replay(job_id, plan, self.now))

    def forget(self, consumer: str, stream: StreamName) -> None:
        """Every consumer that holds nothing: none of them takes an entry along."""
        self._ask(self.shard.stream(consumer, stream).forget(idle_seconds=-1))

    def try_everything_late(self) -> None:
        self._buy_what_others_gave_up()
        self._come_back_late()

    def _buy_what_others_gave_up(self) -> None:
        """Of two jobs of a user one buys: while its attempt lasts the other waits, and no longer, however it ends."""
        for content, is_lost in (("lost", True), ("put-back", False)):
            current = self.current()
            pairs = [
                (one, other)
                for one in current
                for other in current
                if one.job.user == other.job.user and one.job.id < other.job.id
            ]
            for buyer, other in pairs[:1]:
                self.reserve(buyer.job, "a", content, asked=1, needed=1)
                self.reserve(other.job, "a", content, asked=1, needed=1)
                if is_lost:
                    self.age(buyer.job.id)
                    self.claim("w1", buyer.job.stream, 100)
                else:
                    retried = self.settlement(buyer.job, End.RETRIED_LATER, Usage(), is_counted=False)
                    self.settle(buyer.consumer, buyer.job.stream, [retried])
                self.reserve(other.job, "a", content, asked=1, needed=1)
                self.compare()

    def _come_back_late(self) -> None:
        """Whoever read or owned something comes back for it, and half of what still waits is cancelled."""
        for read in list(self.reads):
            self.lease([read])
        for attempt in list(self.attempts):
            self.append(attempt.job, 1, number=1, progress=None)
            self.keep(attempt.job, "late", Usage(1, 1))
            self.reserve(attempt.job, "a", "x", asked=2, needed=1)
            self.release_step(attempt.job, "y")
            self.keep_response(attempt.job, "resp_1")
            self.keep_response(attempt.job, "resp_2")
        self.compare()
        current = self.current()
        for attempt in self.attempts:
            if attempt not in current:
                late = self.settlement(attempt.job, End.SUCCEEDED, Usage(1, 1), is_counted=False)
                self.renew([attempt])
                self.settle(attempt.consumer, attempt.job.stream, [late])
        for job_id in self.set_aside()[1::2]:
            self.cancel(self.owner(job_id), job_id)
            self.compare()

    def finish_everything(self) -> None:
        """From wherever things stand, every job can be brought to its end, and then nothing is left."""
        state = self.model.state
        while self.unfinished():
            self.promote(set(state.due))
            for stream in StreamName:
                for job_id in state.pending:
                    self.age(job_id)
                attempts = self.claim("w1", stream, 100) + self.take("w1", stream, 100)
                for one in attempts:
                    self.append(one.job, 1, number=1, progress=None)
                self.compare()
                ends = [
                    self.settlement(one.job, End.SUCCEEDED, Usage(), is_counted=False) for one in attempts
                ]
                self.settle("w1", stream, ends)
                self.compare()
        for hold_id in list(state.holds):
            self.expire(hold_id)
        self.compare()
        check_rest(self._seen)

    # -- whether they agree -------------------------------------------------------------------------------------

    def compare(self) -> None:
        """What both hold now. Raises `Disagreement`, or `AssertionError` when a law is broken."""
        before, self._seen = self._seen, self.shard.snapshot()
        if found := differences(self._seen, self.model.expected()):
            raise Disagreement("\n".join(found))
        check_state(self._seen)
        check_step(before, self._seen)
        self.is_sound = True

    def _ask(self, answer: Awaitable[Any]) -> Any:
        """The answer, or the kind of refusal."""
        self.is_sound = False
        try:
            return self.shard.wait(answer)
        except REFUSALS as refusal:
            return type(refusal)


def _refusal(answer: Any) -> object:
    return cast(object, answer) if isinstance(answer, type) else None


def _agree(answered: object, expected: object) -> None:
    if answered != expected:
        raise Disagreement(f"answered {answered}, expected {expected}")


def _told(leased: LeasedJob) -> Lease:
    job = leased
    return Lease(job.id, job.attempt, job.failures, job.crashes, job.traceparent, job.usage, leased.steps)
