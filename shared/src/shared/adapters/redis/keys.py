"""Every Redis key there is, with its type, what it holds and when it goes.

All keys of a user carry the hash tag of the user's shard, so that each script touches one slot and the same code
runs on Redis Cluster. `redis/lua/prelude.lua` makes the same names; a test holds the two together.
"""

import zlib

from shared.domain.jobs.job import JobId, StreamName, UserId

GROUP = "workers"
"""The one consumer group of every work stream, created from `0` so that nothing queued before it is skipped."""


def shard_of(user: UserId, shards: int) -> int:
    """Which shard a user lives in: stable across releases and machines, so CRC-32 and not `hash`."""
    return zlib.crc32(user.encode()) % shards


def tag(shard: int) -> str:
    return f"{{s{shard}}}"


def work_stream(shard: int, stream: StreamName) -> str:
    """stream. Entries: job id, kind, wire version. Owner: submit adds, settle deletes; never trimmed, never expires."""
    return f"{tag(shard)}:stream:{stream}"


def record(shard: int, job_id: JobId) -> str:
    """hash. The truth about a job. Expires after the retention once final."""
    return f"{tag(shard)}:job:{job_id}"


def steps(shard: int, job_id: JobId) -> str:
    """hash. Step name → kept completion. Deleted when the job is final, but for dead letters, which keep theirs."""
    return f"{tag(shard)}:job:{job_id}:steps"


def job_events(shard: int, job_id: JobId) -> str:
    """stream. The job's event log, capped. Expires after the retention once final."""
    return f"{tag(shard)}:job:{job_id}:events"


def user_events(shard: int, user: UserId) -> str:
    """stream. Everything of this user's, capped; expires a day after the last event. Also the name of the channel on
    which new events are published as they are appended."""
    return f"{tag(shard)}:user:{user}:events"


def live(shard: int, user: UserId, stream: StreamName) -> str:
    """zset. The user's unfinished jobs of one stream by time of submission. Empty means gone."""
    return f"{tag(shard)}:user:{user}:live:{stream}"


def waiting(shard: int, user: UserId, stream: StreamName) -> str:
    """list. Accepted jobs held back by the per-user cap, oldest first. Empty means gone."""
    return f"{tag(shard)}:user:{user}:waiting:{stream}"


def budget(shard: int, user: UserId, window: str) -> str:
    """hash: used, held (tokens), restored (of used: what Postgres gave back). `window` is a `Window.key`. Expires two days after its window ended."""
    return f"{tag(shard)}:user:{user}:budget:{window}"


def requests(shard: int, user: UserId, minute: int) -> str:
    """string. Requests accepted in one minute (Unix minutes). Expires after two."""
    return f"{tag(shard)}:user:{user}:requests:{minute}"


def idempotency(shard: int, user: UserId, key: str) -> str:
    """hash: fingerprint, job. Expires after 24 h."""
    return f"{tag(shard)}:idem:{user}:{key}"


def due(shard: int) -> str:
    """zset. Job id by the time (Unix ms) its retry is due."""
    return f"{tag(shard)}:due"


def holds(shard: int) -> str:
    """zset. Chat hold id by the time (Unix ms) it expires."""
    return f"{tag(shard)}:holds"


def hold(shard: int, hold_id: str) -> str:
    """hash. One chat answer's hold: user, tokens, windows. Deleted by release or by expiry."""
    return f"{tag(shard)}:hold:{hold_id}"


def unsaved(shard: int) -> str:
    """zset. Jobs that a script made final without a worker (cancelled, dead), by time: housekeeping saves their rows."""
    return f"{tag(shard)}:unsaved"


def dead(shard: int) -> str:
    """zset. Dead letters by time of death. A letter leaves by replay, or with its record."""
    return f"{tag(shard)}:dead"


def ledger(shard: int) -> str:
    """hash. How many jobs were ever accepted, succeeded, failed, cancelled, replayed, dead_lettered; and how many stand in
    waiting lists now. Counted by the scripts in the step that makes it so. Never expires."""
    return f"{tag(shard)}:ledger"


def since(shard: int) -> str:
    """hash: at (ms) since when this Redis counts, restored (ms) when what was used before was last fetched from
    Postgres. Missing: everything was lost, budgets too."""
    return f"{tag(shard)}:since"


def sweep(shard: int, stream: StreamName) -> str:
    """string, NX PX. Who sweeps a stream now; its expiry lets the next one in if that one dies."""
    return f"{tag(shard)}:sweep:{stream}"


def sweep_seen(shard: int, stream: StreamName) -> str:
    """hash: at (ms) of the last sweep, claim_from (ms): owners that could not renew are given time until then."""
    return f"{tag(shard)}:sweep:seen:{stream}"


def sweep_cursor(shard: int, stream: StreamName) -> str:
    """string. Where the next XAUTOCLAIM goes on, so that orphans behind live entries are reached."""
    return f"{tag(shard)}:sweep:cursor:{stream}"


def gate(model: str) -> str:
    """hash. What the fleet knows of a model's limits: closed_until, open_until, probe_until (ms), faults, and the two
    buckets of its pace. Not of any shard. Expires an hour after the last call."""
    return f"{{gate}}:{model}"
