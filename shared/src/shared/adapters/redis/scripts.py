"""The Lua scripts: loaded from files and called by hash. The source is sent only to a server that does not know it.

Every state change of a job is one script. The header of each file describes its keys, arguments and reply.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from redis.exceptions import NoScriptError

from shared.adapters.redis.client import Arg, RedisClient, SyncRedisClient
from shared.adapters.redis.connection import call, call_each, observed

R = TypeVar("R")

ALL: "list[Script[Any]]" = []
"""All scripts, in the order in which this module declares them."""


class Script(Generic[R]):
    """The prelude followed by one script. `read` converts its raw reply to the type `R`."""

    def __init__(self, path: str, read: Callable[[Any], R]) -> None:
        self.folder, _, self.name = path.rpartition("/")
        files = resources.files("shared.adapters.redis") / "lua"
        prelude = (files / "prelude.lua").read_text(encoding="utf-8")
        self.source = prelude + (files / f"{path}.lua").read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        self.read = read
        ALL.append(self)


def named(reply: Sequence[Any]) -> dict[str, Any]:
    """Read a reply of alternating names and values."""
    return {name.decode(): value for name, value in zip(reply[::2], reply[1::2], strict=True)}


def to_struct(reply_type: type[R]) -> Callable[[Any], R]:
    """Read a reply of alternating names and values into a `Struct` whose fields have these names."""
    return lambda reply: msgspec.convert(named(reply), reply_type, strict=False)


class HoldReply(Struct, frozen=True):
    code: int
    counts: list[int]
    """Tokens used and tokens held, alternating, for each window."""


class SubmitReply(HoldReply, frozen=True):
    job: bytes
    requests: int


class LeasedReply(Struct, frozen=True):
    now_ms: int
    jobs: Sequence[Mapping[bytes, Any]]


class SweepReply(Struct, frozen=True):
    """What there is to do for the sweeper of a stream."""

    entries: int
    """Length of the work stream."""
    has_waiting: bool
    """Whether the shard has retries, holds or unsaved rows."""
    may_claim: bool
    lost_at_ms: int
    """Unix time (ms) since which budgets are counted, if earlier usage must be restored; otherwise 0."""
    now_ms: int
    """Server time (Unix ms), or 0 if there is nothing to do."""


class LimiterReply(Struct, frozen=True):
    wait: int
    reason: int
    is_probe: bool


def _to_leased(reply: Sequence[Any]) -> LeasedReply:
    now_ms, names, *rows = reply
    return LeasedReply(now_ms, [dict(zip(names, row, strict=True)) for row in rows])


def _to_sweep(reply: Sequence[Any]) -> SweepReply | None:
    return to_struct(SweepReply)(reply) if reply else None


def _bytes_or_int(reply: bytes | int) -> bytes | int:
    return reply


SUBMIT = Script("jobs/submit", to_struct(SubmitReply))
LEASE = Script("jobs/lease", _to_leased)
RENEW = Script("jobs/renew", list[int])
CLAIM = Script("jobs/claim", _to_leased)
SETTLE = Script("jobs/settle", list[int])
CANCEL = Script("jobs/cancel", bool)
KEEP_STEP = Script("jobs/keep_step", bool)
RESERVE_STEP = Script("jobs/reserve_step", _bytes_or_int)
RELEASE_STEP = Script("jobs/release_step", bool)
KEEP_RESPONSE = Script("jobs/keep_response", bool)
APPEND_EVENTS = Script("jobs/append_events", bool)
TELL_CHANGE = Script("jobs/tell_change", bool)
REPLAY = Script("jobs/replay", bool)
SET_ASIDE = Script("jobs/set_aside", int)
REMOVE = Script("erasure/remove", int)
FORGET_EVENTS = Script("erasure/forget_events", bytes.decode)
FORGET_USER = Script("erasure/forget_user", int)
HOLD_TOKENS = Script("budgets/hold_tokens", to_struct(HoldReply))
RELEASE_HOLD = Script("budgets/release_hold", bool)
EXPIRE_HOLDS = Script("budgets/expire_holds", int)
RESTORE_BUDGETS = Script("budgets/restore_budgets", bool)
LIMITER_ACQUIRE = Script("limiter/limiter_acquire", to_struct(LimiterReply))
LIMITER_REPORT = Script("limiter/limiter_report", int)
SWEEP = Script("maintenance/sweep", _to_sweep)
PROMOTE = Script("maintenance/promote", int)
REMOVE_IDLE_CONSUMERS = Script("maintenance/remove_idle_consumers", int)
STATS = Script("maintenance/stats", named)


async def run(redis: RedisClient, script: Script[R], key: str, *args: Arg) -> R:
    """Run one script on the node of `key`. Raises `StoreUnavailable` when Redis is unreachable."""
    with observed(redis, script.name):
        try:
            reply = await call(redis, "EVALSHA", script.sha, 1, key, *args)
        except NoScriptError:
            reply = await call(redis, "EVAL", script.source, 1, key, *args)
    return script.read(reply)


async def run_many(
    redis: RedisClient,
    script: Script[Any],
    calls: Sequence[tuple[str, Sequence[Arg]]],
    *,
    confirm: Sequence[Arg] = (),
) -> list[Any]:
    """Run one script for many pairs of key and arguments in one round trip, and return the replies unread. A reply may
    be an exception, which concerns its own call only, or `Unconfirmed`.

    Raises `StoreUnavailable` when Redis is unreachable; if one node of a cluster is, its calls get that as their reply.
    """
    sent = [("EVALSHA", script.sha, 1, key, *args) for key, args in calls]
    with observed(redis, script.name):
        replies = await call_each(redis, sent, confirm=confirm)
        unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            again = [("EVAL", script.source, 1, calls[i][0], *calls[i][1]) for i in unknown]
            for i, reply in zip(unknown, await call_each(redis, again, confirm=confirm), strict=True):
                replies[i] = reply
    return replies


def run_sync(redis: SyncRedisClient, script: Script[R], key: str, *args: Arg) -> R:
    """Run one script from a thread. Raises what redis-py raises."""
    with observed(redis, script.name):
        try:
            reply = redis.execute_command("EVALSHA", script.sha, 1, key, *args)
        except NoScriptError:
            reply = redis.execute_command("EVAL", script.source, 1, key, *args)
    return script.read(reply)
