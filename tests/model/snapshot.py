"""Reads everything a shard holds, key by key and without the code under test. A key it cannot name is an error."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from tests.model.shard_state import NEVER, Counts, HoldFacts, JobFacts, Pending, Purchase, ShardState, Told

from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.domain.jobs.job import JobId, JobState, StreamName, UserId

DUMP = """
local reads = {
  string = {'GET'}, hash = {'HGETALL'}, list = {'LRANGE', 0, -1}, zset = {'ZRANGE', 0, -1}, stream = {'XRANGE', '-', '+'},
}
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local read = reads[redis.call('TYPE', key).ok]
  local is_work = string.find(key, ':stream:', 1, true)
  local pending = is_work and redis.call('XPENDING', key, 'workers', '-', '+', 1000)
  all[#all + 1] = {key, redis.call('PTTL', key), redis.call(read[1], key, unpack(read, 2)), pending or {}}
end
return all
"""
HOUR_MS = 3_600_000

Fields = Mapping[str, str]


class Inconsistent(AssertionError):
    """Redis holds what no state of a shard could be."""


async def take_snapshot(redis: RedisClient, *, lease_seconds: float) -> ShardState:
    """Raises `Inconsistent`."""
    dump: list[tuple[bytes, int, Any, Any]] = await call(redis, "EVAL", DUMP, 0)
    snapshot = _Snapshot(lease_seconds)
    # sorted: what a key belongs to comes before it
    for key, ttl_ms, value, pending in sorted(dump, key=lambda row: row[0]):
        snapshot.add(key.decode(), ttl_ms, value, pending)
    snapshot.compare_logs()
    snapshot.compare_idempotency()
    return snapshot.state


class _Snapshot:
    def __init__(self, lease_seconds: float) -> None:
        self.state = ShardState()
        self._lease_ms = lease_seconds * 1000
        self._entry: dict[JobId, str] = {}
        """As the record remembers it."""
        self._idempotency: dict[JobId, str] = {}
        """The idempotency key of each job that was submitted with one."""
        self._job_logs: dict[JobId, list[tuple[str, Told]]] = {}
        self._user_logs: list[tuple[str, Told]] = []
        self._read: dict[StreamName, list[tuple[tuple[int, ...], JobId]]] = {}
        """What is pending, in order."""

    def add(self, key: str, ttl_ms: int, value: Any, pending: Any) -> None:
        """One key, with what it holds."""
        state, hours = self.state, NEVER if ttl_ms < 0 else max(1, round(ttl_ms / HOUR_MS))
        is_lasting = hours == NEVER
        match key.removeprefix("{s0}:").split(":"):
            case ["job", job_id]:
                self._add_job(JobId(job_id), _fields(value), hours)
            case ["job", job_id, "steps"]:
                self._part_of(job_id, hours).steps = _raw_fields(value)
            case ["job", job_id, "idem"] if not is_lasting:
                self._idempotency[JobId(job_id)] = value.decode()
            case ["job", job_id, "events"]:
                self._part_of(job_id, hours)
                self._job_logs[JobId(job_id)] = _log(value)
            case ["user", user, "events"] if not is_lasting:
                log = _log(value)
                self._user_logs += log
                state.logs[UserId(user)] = [told for _, told in log]
            case ["user", user, "contents"] if not is_lasting:
                for content, known in _fields(value).items():
                    buyer, attempt, cards, questions, step = known.split(" ", 4)
                    state.contents[UserId(user), content] = Purchase(
                        JobId(buyer), int(attempt), (int(cards), int(questions)), step
                    )
            case ["user", user, "budget", *window] if not is_lasting:
                counts = _fields(value)
                used, held = int(counts.get("used", 0)), int(counts.get("held", 0))
                state.budgets[UserId(user), ":".join(window)] = Counts(used, held)
            case ["user", user, "requests", minute] if not is_lasting:
                state.requests[UserId(user), int(minute)] = int(value)
            case ["idem", user, name] if not is_lasting:
                known = _fields(value)
                state.idempotency[UserId(user), name] = (known["fingerprint"], JobId(known["job"]))
            case ["user", user, "live", stream] if is_lasting:
                state.live[UserId(user), StreamName(stream)] = set(_ids(value))
            case ["user", user, "waiting", stream] if is_lasting:
                state.waiting[UserId(user), StreamName(stream)] = _ids(value)
            case ["since"] if is_lasting:
                pass  # no script of the model reads it
            case ["due"] if is_lasting:
                state.due = set(_ids(value))
            case ["dead"] if is_lasting:
                state.dead = set(_ids(value))
            case ["unsaved"] if is_lasting:
                state.unsaved = set(_ids(value))
            case ["ledger"] if is_lasting:
                state.totals = {name: int(jobs) for name, jobs in _fields(value).items() if int(jobs)}
            case ["hold", hold_id] if is_lasting:
                held = _fields(value)
                state.holds[hold_id] = HoldFacts(
                    UserId(held["user"]), int(held["tokens"]), tuple(held["windows"].split(","))
                )
            case ["holds"] if is_lasting:
                if {hold_id.decode() for hold_id in value} != set(state.holds):
                    raise Inconsistent("the holds and their times")
            case ["stream", stream] if is_lasting:
                self._add_work(StreamName(stream), value, pending)
            case ["sweep", "cursor", stream] if is_lasting:
                read = self._read[StreamName(stream)]
                later = (job_id for entry, job_id in read if entry >= _order(value))
                state.cursors[StreamName(stream)] = next(later, None)
            case _:
                raise Inconsistent(f"{key} is unknown, or should expire and does not, or should not and does")

    def _add_job(self, job_id: JobId, record: Fields, hours: int) -> None:
        attempt, _, told = record.get("told", "0:0").partition(":")
        problem = record["problem"]
        self._entry[job_id] = record.get("entry", "")
        self.state.jobs[job_id] = JobFacts(
            user=UserId(record["user"]),
            kind=record["kind"],
            stream=StreamName(record["stream"]),
            state=JobState(record["state"]),
            attempt=int(record["attempt"]),
            owner=record.get("owner", ""),
            traceparent=record["traceparent"],
            failures=int(record["failures"]),
            crashes=int(record["crashes"]),
            hold=int(record["hold"]),
            held=int(record["held"]),
            windows=tuple(record["windows"].split(",")),
            prompt=int(record["prompt"]),
            completion=int(record["completion"]),
            problem=msgspec.json.decode(problem)["code"] if problem else "",
            progress=(int(record.get("done", 0)), int(record.get("total", 0))),
            told=(int(attempt), int(told)),
            contents=frozenset(record.get("contents", "").split()),
            has_payload=bool(record["payload"]),
            is_removed="removed" in record,
            expires=frozenset({hours}),
        )

    def _part_of(self, job_id: str, hours: int) -> JobFacts:
        job = self.state.jobs.get(JobId(job_id))
        if job is None:
            raise Inconsistent(f"{job_id} has no record and has left something behind")
        job.expires |= {hours}
        return job

    def _add_work(self, stream: StreamName, entries: Any, pending: Any) -> None:
        job_of = {entry.decode(): JobId(fields[1].decode()) for entry, fields in entries}
        for entry, job_id in job_of.items():
            if self._entry.get(job_id) != entry:
                raise Inconsistent(f"{job_id} has an entry that its record does not know")
        self.state.entries[stream] = list(job_of.values())
        for raw, consumer, idle_ms, _ in pending:
            if raw.decode() not in job_of:
                raise Inconsistent("an entry is pending that is not in the stream")
            self.state.pending[job_of[raw.decode()]] = Pending(consumer.decode(), idle_ms >= self._lease_ms)
        self._read[stream] = [(_order(entry), job_of[entry.decode()]) for entry, *_ in pending]

    def compare_logs(self) -> None:
        """Each event is in the log of its job and in that of its user, under one id."""
        for job_id, log in self._job_logs.items():
            if log != [(event, told) for event, told in self._user_logs if told.job_id == job_id]:
                raise Inconsistent(f"{job_id} was told otherwise to its user")
        if len(self._user_logs) != sum(map(len, self._job_logs.values())):
            raise Inconsistent("a user was told what no job's log knows")

    def compare_idempotency(self) -> None:
        """Each idempotency key is known by the job that it stands for."""
        if self._idempotency != {job_id: name for (_, name), (_, job_id) in self.state.idempotency.items()}:
            raise Inconsistent("an idempotency key and its job")


def _fields(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _raw_fields(flat: Sequence[bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _order(entry: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in entry.split(b"-"))


def _ids(values: Sequence[bytes]) -> list[JobId]:
    return [JobId(value.decode()) for value in values]


def _log(entries: Any) -> list[tuple[str, Told]]:
    return [(event.decode(), _told(fields[1])) for event, fields in entries]


def _told(fact: bytes) -> Told:
    job_id, name, data = fact.decode().split(" ", 2)
    facts: dict[str, Any] = msgspec.json.decode(data)
    facts.pop("retry_at", None)
    if problem := facts.get("problem"):
        facts["problem"] = problem["code"]
    return Told(JobId(job_id), name, facts)
