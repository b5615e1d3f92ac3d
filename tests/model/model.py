"""The job life as one reads it in the documentation: plain Python on plain values, one method for each script.

Nothing here is clever or quick. Where a script answers, the method returns the answer it expects.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from tests.model.ledger import Ledger, Refusal
from tests.model.shard_state import HOUR, NEVER, WEEK, JobFacts, Pending, Purchase, ShardState, Told

from shared.domain.budgets import Plan, Window, windows
from shared.domain.errors import BudgetExceeded, IdempotencyConflict, Overloaded, RateLimited, TooManyJobs
from shared.domain.jobs.job import JobId, JobState, StreamName, UserId
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.settlement import Settlement
from shared.domain.jobs.submission import Submission
from shared.domain.usage import Usage

Place = tuple[JobId, int]
"""A job and the number of the entry it was read from."""


class Lease(msgspec.Struct, frozen=True):
    """What an owner is told."""

    job_id: JobId
    attempt: int
    failures: int
    crashes: int
    traceparent: str
    spent: Usage
    steps: dict[str, bytes]


class Model:
    """One shard."""

    def __init__(self, policy: JobPolicy) -> None:
        self.state = ShardState(entries={stream: [] for stream in StreamName})
        self.state.live, self.state.waiting = defaultdict(set), defaultdict(list)
        self.ledger = Ledger(self.state)
        self._policy = policy
        self._entry: dict[JobId, int] = {}
        """Of the jobs that have one, the number of their entry."""
        self._numbers = itertools.count(1)
        self._cursor: dict[StreamName, int] = {}
        self._counted = Counter[str]()
        """Jobs that ever came to what."""

    def expected(self) -> ShardState:
        """What Redis should hold now, in the form it is read from there."""
        return msgspec.structs.replace(
            self.state,
            live={key: jobs for key, jobs in self.state.live.items() if jobs},
            waiting={key: jobs for key, jobs in self.state.waiting.items() if jobs},
            totals=self._totals(),
            cursors={stream: self._next_looked_at(stream) for stream in self._cursor},
        )

    def _totals(self) -> dict[str, int]:
        waiting = sum(len(jobs) for jobs in self.state.waiting.values())
        return dict(+(self._counted + Counter(waiting=waiting)))

    def _next_looked_at(self, stream: StreamName) -> JobId | None:
        return next((job_id for _, job_id in self._pending_from(stream, self._cursor[stream])), None)

    # -- what users do ------------------------------------------------------------------------------------------

    def submit(self, new: Submission, now: float) -> JobId | Refusal:
        """The job that answers this submission, or why there is none."""
        state, user, stream = self.state, new.user, new.kind.stream
        if new.id in state.jobs:
            return new.id
        if known := state.idempotency.get((user, new.idempotency_key)):
            return known[1] if known[0] == new.fingerprint else IdempotencyConflict
        current = windows(new.plan, now)
        if refusal := self._refuse(new, current, now):
            return refusal

        job = JobFacts(
            user=user,
            kind=new.kind,
            stream=stream,
            traceparent=new.traceparent,
            hold=new.hold_tokens,
            held=new.hold_tokens,
            windows=tuple(window.key for window in current),
        )
        state.jobs[new.id] = job
        self.ledger.count_request(user, now)
        self.ledger.take(user, job.windows, job.hold)
        if new.idempotency_key:
            state.idempotency[user, new.idempotency_key] = (new.fingerprint, new.id)
        self._counted["accepted"] += 1
        self._admit(new.id, new.plan)
        self._tell_status(new.id)
        return new.id

    def _refuse(self, new: Submission, current: Sequence[Window], now: float) -> Refusal | None:
        unfinished = sum(len(self.state.live[new.user, stream]) for stream in StreamName)
        if self.ledger.is_too_fast(new.user, new.plan, now):
            return RateLimited
        if unfinished >= new.plan.unfinished_jobs:
            return TooManyJobs
        if len(self.state.entries[new.kind.stream]) >= self._policy.backlog_entries:
            return Overloaded
        if not self.ledger.has_room(new.user, current, new.hold_tokens):
            return BudgetExceeded
        return None

    def cancel(self, user: UserId, job_id: JobId) -> JobState | None:
        """The state it is in then; None: not this user's."""
        job = self.state.jobs.get(job_id)
        if job is None or job.user != user:
            return None
        if not job.state.is_final:
            waiting = self.state.waiting[user, job.stream]
            was_waiting = job_id in waiting
            if was_waiting:
                waiting.remove(job_id)
            self.state.due.discard(job_id)
            self.state.unsaved.add(job_id)
            self._leave(job_id)
            self._finish(job_id, JobState.CANCELLED, Usage(job.prompt, job.completion))
            if not was_waiting:
                self._admit_next(job.user, job.stream)
        return job.state

    def remove(self, user: UserId, job_id: JobId) -> bool:
        """Whether it is removed then: it must be final, and of this user."""
        state, job = self.state, self.state.jobs[job_id]
        if job.user != user or not job.state.is_final:
            return False
        if not job.is_removed:
            self._counted["letters_removed"] += job_id in state.dead
            state.dead.discard(job_id)
            state.unsaved.add(job_id)
            for key in [key for key, known in state.idempotency.items() if known[1] == job_id]:
                del state.idempotency[key]
            job.is_removed, job.has_payload, job.problem, job.traceparent = True, False, "", ""
            job.steps.clear()
            job.expires = frozenset({HOUR})
            state.logs[user] = [told for told in state.logs[user] if told.job_id != job_id]
            self._tell(job_id, "removed", {"job_id": job_id, "kind": job.kind})
        return True

    # -- what workers do ----------------------------------------------------------------------------------------

    def read(self, consumer: str, stream: StreamName, count: int) -> list[Place]:
        unread = [job_id for job_id in self.state.entries[stream] if job_id not in self.state.pending]
        for job_id in unread[:count]:
            self.state.pending[job_id] = Pending(consumer)
        return [(job_id, self._entry[job_id]) for job_id in unread[:count]]

    def lease(self, consumer: str, place: Place) -> Lease | None:
        job_id, entry = place
        job = self.state.jobs[job_id]
        if self._entry.get(job_id) != entry:
            return None
        if job.state is JobState.QUEUED:
            return self._lease_to(consumer, job_id)
        return self._leased(job_id) if job.owner == consumer else None

    def renew(self, consumer: str, job_id: JobId, attempt: int) -> bool:
        if not self.is_current(job_id, attempt):
            return False
        self.state.pending[job_id] = Pending(consumer)
        return True

    def age(self, job_id: JobId) -> None:
        """Its owner does not renew its lease for long."""
        self.state.pending[job_id].is_stale = True

    def claim(self, consumer: str, stream: StreamName, limit: int, with_suspect: bool) -> list[Lease]:
        leases: list[Lease] = []
        start = self._cursor.pop(stream, 0)
        for entry, job_id in self._pending_from(stream, start):
            if len(leases) == limit:
                self._cursor[stream] = entry
                break
            if not self.state.pending[job_id].is_stale:
                continue
            if self._becomes_suspect(job_id):
                if not with_suspect:
                    continue
                with_suspect = False
            if lease := self._take_over(consumer, job_id):
                leases.append(lease)
        return leases

    def _becomes_suspect(self, job_id: JobId) -> bool:
        """One more crash after this one would be the last."""
        job = self.state.jobs[job_id]
        return job.state is JobState.RUNNING and job.crashes + 2 == self._policy.retry.max_crashes

    def _pending_from(self, stream: StreamName, start: int) -> list[tuple[int, JobId]]:
        pending = ((self._entry[job_id], job_id) for job_id in self.state.pending)
        return sorted(
            (entry, job_id)
            for entry, job_id in pending
            if entry >= start and self.state.jobs[job_id].stream == stream
        )

    def _take_over(self, consumer: str, job_id: JobId) -> Lease | None:
        job = self.state.jobs[job_id]
        self.state.pending[job_id] = Pending(consumer)
        if job.state is JobState.RUNNING:
            job.crashes += 1
            if job.crashes >= self._policy.retry.max_crashes:
                self.state.unsaved.add(job_id)
                self._leave(job_id)
                spent = Usage(job.prompt, job.completion)
                self._finish(job_id, JobState.FAILED, spent, problem="worker_crashed", is_dead=True)
                self._admit_next(job.user, job.stream)
                return None
        return self._lease_to(consumer, job_id)

    def reserve(
        self, job_id: JobId, attempt: int, step: str, content: str, asked: int, needed: int
    ) -> bytes | bool | None:
        """What another job has bought; whether this attempt buys it; None without a lease."""
        job = self.state.jobs[job_id]
        if not self.is_current(job_id, attempt):
            return None
        known = self.state.contents.get((job.user, content))
        if known and known.job_id != job_id and min(known.asked) >= needed:
            if bought := self.state.jobs[known.job_id].steps.get(known.step):
                return bought
            if self.is_current(known.job_id, known.attempt):
                return False
        self.state.contents[job.user, content] = Purchase(job_id, attempt, (asked, asked), step)
        job.contents |= {content}
        return True

    def release(self, job_id: JobId, attempt: int, content: str) -> None:
        user = self.state.jobs[job_id].user
        known = self.state.contents.get((user, content))
        if known and (known.job_id, known.attempt) == (job_id, attempt):
            del self.state.contents[user, content]

    def keep(self, job_id: JobId, attempt: int, step: str, completion: bytes, usage: Usage) -> bool:
        job = self.state.jobs[job_id]
        if not self.is_current(job_id, attempt):
            return False
        if step not in job.steps:
            job.steps[step] = completion
            job.prompt += usage.prompt_tokens
            job.completion += usage.completion_tokens
        return True

    def keep_response(self, job_id: JobId, attempt: int, name: str, response: bytes) -> bool:
        if not self.is_current(job_id, attempt):
            return False
        self.state.jobs[job_id].steps[name] = response
        return True

    def append(
        self, job_id: JobId, attempt: int, count: int, number: int, progress: tuple[int, int] | None
    ) -> bool:
        job = self.state.jobs[job_id]
        if not self.is_current(job_id, attempt):
            return False
        told = job.told[1] if job.told[0] == attempt else 0
        for n in range(max(number, told + 1), number + count):
            self._tell(job_id, "item", {"number": n})
        job.told = (attempt, max(told, number + count - 1))
        job.progress = progress or job.progress
        return True

    def settle(self, settlement: Settlement, *, now: float) -> bool:
        job_id, attempt = settlement.job.id, settlement.job.attempt
        job = self.state.jobs[job_id]
        if not self.is_current(job_id, attempt):
            return (job.state, job.attempt) == (settlement.state, attempt)
        problem = settlement.problem.code if settlement.problem else ""
        self._leave(job_id)
        job.failures = settlement.failures
        if settlement.is_final:
            self._finish(
                job_id, settlement.state, settlement.usage, problem=problem, is_dead=settlement.is_dead
            )
            self._admit_next(job.user, job.stream)
            return True
        job.state, job.problem = JobState.QUEUED, problem
        job.prompt, job.completion = settlement.usage.prompt_tokens, settlement.usage.completion_tokens
        if settlement.retry_at is not None and settlement.retry_at > now:
            self.state.due.add(job_id)
        else:
            self._enqueue(job_id)
        self._tell_status(job_id, problem=problem)
        return True

    # -- what housekeeping and operators do ---------------------------------------------------------------------

    def promote(self, job_ids: Iterable[JobId]) -> None:
        """The time of these has come."""
        for job_id in sorted(self.state.due.intersection(job_ids)):
            self.state.due.remove(job_id)
            self._enqueue(job_id)

    def replay(self, job_id: JobId, plan: Plan, now: float) -> bool:
        if job_id not in self.state.dead:
            return False
        job = self.state.jobs[job_id]
        self.state.dead.remove(job_id)
        self.state.unsaved.discard(job_id)
        job.state, job.problem, job.failures, job.crashes = JobState.QUEUED, "", 0, 0
        job.prompt = job.completion = 0
        job.held, job.windows = job.hold, tuple(window.key for window in windows(plan, now))
        job.expires = frozenset({NEVER})
        self.ledger.take(job.user, job.windows, job.held)
        self._counted["replayed"] += 1
        self._admit(job_id, plan)
        self._tell_status(job_id)
        return True

    # -- what these have in common ------------------------------------------------------------------------------

    def is_current(self, job_id: JobId, attempt: int) -> bool:
        """The fence."""
        job = self.state.jobs[job_id]
        return job.state is JobState.RUNNING and job.attempt == attempt

    def _lease_to(self, consumer: str, job_id: JobId) -> Lease:
        job = self.state.jobs[job_id]
        job.state, job.owner, job.attempt = JobState.RUNNING, consumer, job.attempt + 1
        self._tell_status(job_id)
        return self._leased(job_id)

    def _leased(self, job_id: JobId) -> Lease:
        job = self.state.jobs[job_id]
        spent = Usage(job.prompt, job.completion)
        # what a first attempt kept, its owner knows
        steps = dict(job.steps) if job.attempt > 1 else {}
        return Lease(job_id, job.attempt, job.failures, job.crashes, job.traceparent, spent, steps)

    def _enqueue(self, job_id: JobId) -> None:
        self.state.entries[self.state.jobs[job_id].stream].append(job_id)
        self._entry[job_id] = next(self._numbers)

    def _leave(self, job_id: JobId) -> None:
        """The work stream, if the job is in it."""
        if self._entry.pop(job_id, None):
            self.state.entries[self.state.jobs[job_id].stream].remove(job_id)
            self.state.pending.pop(job_id, None)

    def _admit(self, job_id: JobId, plan: Plan) -> None:
        """Into the stream, or, while as many of the user's jobs as may be are with workers, into the waiting list."""
        job = self.state.jobs[job_id]
        live, waiting = self.state.live[job.user, job.stream], self.state.waiting[job.user, job.stream]
        if len(live) - len(waiting) < plan.concurrent_jobs:
            self._enqueue(job_id)
        else:
            waiting.append(job_id)
        live.add(job_id)

    def _admit_next(self, user: UserId, stream: StreamName) -> None:
        """Of what waits, the oldest."""
        if waiting := self.state.waiting[user, stream]:
            self._enqueue(waiting.pop(0))

    def _finish(
        self, job_id: JobId, end: JobState, usage: Usage, *, problem: str = "", is_dead: bool = False
    ) -> None:
        job = self.state.jobs[job_id]
        self.ledger.settle(job.user, job.windows, held=job.held, used=usage.total)
        self.state.live[job.user, job.stream].remove(job_id)
        for key in [key for key, known in self.state.contents.items() if known.job_id == job_id]:
            del self.state.contents[key]
        job.contents = frozenset()
        job.state, job.held, job.problem = end, 0, problem
        job.prompt, job.completion = usage.prompt_tokens, usage.completion_tokens
        job.expires = frozenset({WEEK if is_dead else HOUR})
        self._counted.update([str(end), "dead_lettered"] if is_dead else [str(end)])
        if is_dead:
            self.state.dead.add(job_id)
        else:
            job.has_payload = False
            job.steps.clear()
        self._tell(job_id, "done", self._about(job_id, problem) | {"usage": msgspec.to_builtins(usage)})

    def _tell_status(self, job_id: JobId, *, problem: str = "") -> None:
        attempt = self.state.jobs[job_id].attempt
        self._tell(job_id, "status", self._about(job_id, problem) | {"attempt": attempt})

    def _about(self, job_id: JobId, problem: str) -> dict[str, Any]:
        job = self.state.jobs[job_id]
        about: dict[str, Any] = {"job_id": job_id, "kind": job.kind, "status": str(job.state)}
        return about | ({"problem": problem} if problem else {})

    def _tell(self, job_id: JobId, name: str, data: dict[str, Any]) -> None:
        self.state.logs.setdefault(self.state.jobs[job_id].user, []).append(Told(job_id, name, data))
