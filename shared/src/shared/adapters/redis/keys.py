"""Names of all Redis keys. Each docstring gives the key's type, its content and its expiry.

All keys of a user carry the hash tag of the user's shard, so that each script touches one slot and the same code
runs on Redis Cluster. `lua/prelude.lua` builds the same names; a test compares the two.
"""

import hashlib
import zlib

from shared.domain.jobs.job import JobId, StreamName, UserId

GROUP = "workers"
"""Consumer group of every work stream. It is created at id `0`, so that entries added before it are delivered too."""


def shard_of(user: UserId, shards: int) -> int:
    """Return the user's shard. It uses CRC-32, because `hash` differs from one process to the next."""
    return zlib.crc32(user.encode()) % shards


def tag(shard: int) -> str:
    return f"{{s{shard}}}"


def work_stream(shard: int, stream: StreamName) -> str:
    """stream. Each entry holds job id, kind and wire version. Scripts add and delete entries. Never trimmed, never expires."""
    return f"{tag(shard)}:stream:{stream}"


def record(shard: int, job_id: JobId) -> str:
    """hash. The authoritative state of a job. Expires one hour after the job is final; a dead letter after a week; a removed job
    a minute after its row is written."""
    return f"{tag(shard)}:job:{job_id}"


def steps(shard: int, job_id: JobId) -> str:
    """hash. Maps a step name to its saved completion. Deleted when the job is final; kept a week for a dead letter."""
    return f"{tag(shard)}:job:{job_id}:steps"


def contents(shard: int, user: UserId) -> str:
    """hash. What the user's unfinished jobs buy or have bought: digest of a content → job, attempt, cards and questions asked
    for, step name, separated by spaces. A job's entries are deleted when it is final. Expires a day after the last purchase
    began."""
    return f"{tag(shard)}:user:{user}:contents"


def job_events(shard: int, job_id: JobId) -> str:
    """stream. The job's event log, capped at about 2,000 entries. Expires together with the record."""
    return f"{tag(shard)}:job:{job_id}:events"


def user_events(shard: int, user: UserId) -> str:
    """stream. Events of all the user's jobs, capped at about 10,000 entries. Expires a day after the last submission or
    end of a job. New events are also published on the channel of the same name."""
    return f"{tag(shard)}:user:{user}:events"


def live(shard: int, user: UserId, stream: StreamName) -> str:
    """zset. The user's unfinished jobs of one stream, scored by submission time (Unix ms). Does not exist when empty."""
    return f"{tag(shard)}:user:{user}:live:{stream}"


def waiting(shard: int, user: UserId, stream: StreamName) -> str:
    """list. Accepted jobs held back by the per-user cap, oldest first. Does not exist when empty."""
    return f"{tag(shard)}:user:{user}:waiting:{stream}"


def budget(shard: int, user: UserId, window: str) -> str:
    """hash: used and held, in tokens; restored, the part of used that was restored from Postgres. `window` is a
    `Window.key`. Expires two days after its window ended."""
    return f"{tag(shard)}:user:{user}:budget:{window}"


def requests(shard: int, user: UserId, minute: int) -> str:
    """string. Number of requests accepted in one minute; `minute` is Unix time in minutes. Expires after two minutes."""
    return f"{tag(shard)}:user:{user}:requests:{minute}"


def idempotency(shard: int, user: UserId, key: str) -> str:
    """hash: fingerprint of the body, id of the job. Expires after 24 hours."""
    return f"{tag(shard)}:idem:{user}:{key}"


def job_idempotency(shard: int, job_id: JobId) -> str:
    """string. The idempotency key with which the job was submitted, so that it can be forgotten with the job. Expires after
    24 hours."""
    return f"{tag(shard)}:job:{job_id}:idem"


def pseudonym(user: UserId) -> str:
    """What stands for an erased user: a hash of their id, by which nobody finds the id who does not guess it."""
    return hashlib.sha256(user.encode()).hexdigest()[:32]


def spent(shard: int, pseudonym: str, window: str) -> str:
    """hash: used. The budget of a window of a user who was erased. It is the user's budget again when they come back, and
    expires with it."""
    return f"{tag(shard)}:spent:{pseudonym}:{window}"


def due(shard: int) -> str:
    """zset. Jobs that wait for their retry, scored by the time it is due (Unix ms)."""
    return f"{tag(shard)}:due"


def holds(shard: int) -> str:
    """zset. Ids of chat holds, scored by the time they expire (Unix ms)."""
    return f"{tag(shard)}:holds"


def hold(shard: int, hold_id: str) -> str:
    """hash: user, tokens, windows of one chat answer's hold. Deleted when the hold is released or expires."""
    return f"{tag(shard)}:hold:{hold_id}"


def unsaved(shard: int) -> str:
    """zset. Jobs made final by a script without a worker (cancelled or dead), scored by that time (Unix ms). Maintenance
    saves their rows in Postgres."""
    return f"{tag(shard)}:unsaved"


def dead(shard: int) -> str:
    """zset. Dead letters, scored by time of death (Unix ms). A replay removes its member; members older than a week
    are removed when another job dies."""
    return f"{tag(shard)}:dead"


def ledger(shard: int) -> str:
    """hash. Totals of jobs accepted, succeeded, failed, cancelled, replayed and dead_lettered, and the current number in
    waiting lists. The script that changes a job's state also counts it. Never expires."""
    return f"{tag(shard)}:ledger"


def since(shard: int) -> str:
    """hash: at, since when budgets are counted here; restored, when earlier usage was last restored from Postgres (both
    Unix ms). If the key is missing, Redis has lost its data, budgets included. Never expires."""
    return f"{tag(shard)}:since"


def sweep(shard: int, stream: StreamName) -> str:
    """string. Lock of a stream's sweeper: its consumer name, set with NX and PX. Expiry frees it if the sweeper dies."""
    return f"{tag(shard)}:sweep:{stream}"


def sweep_seen(shard: int, stream: StreamName) -> str:
    """hash: at, the time of the last sweep; claim_from, before which nothing is claimed, so that owners who could not
    renew get time to (both Unix ms). Never expires."""
    return f"{tag(shard)}:sweep:seen:{stream}"


def sweep_cursor(shard: int, stream: StreamName) -> str:
    """string. Cursor of the next XAUTOCLAIM, so that stale entries behind many live ones are reached."""
    return f"{tag(shard)}:sweep:cursor:{stream}"


def gate(model: str) -> str:
    """hash. What the fleet knows of a model's limits: closed_until, open_until, probe_until (ms), faults, and the two
    buckets of its pace. Not of any shard. Expires an hour after the last call."""
    return f"{{gate}}:{model}"


def abilities(server: str, model: str) -> str:
    """string, JSON. What one model of one server accepts, as the fleet learned it. Not of any shard. Expires a day after it
    was learned."""
    return f"{{gate}}:abilities:{server}:{model}"
