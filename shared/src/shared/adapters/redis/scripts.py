"""The Lua scripts: loaded from files, called by their hash, sent whole only to a server that does not know them yet.

Every state change of a job goes through one of them; each file's header is its contract.
"""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError

from shared.adapters.redis.client import Arg, RedisClient, SyncRedisClient
from shared.adapters.redis.connection import call, call_each, observed


class Script:
    """One script and its hash. The prelude comes first."""

    def __init__(self, name: str) -> None:
        files = resources.files("shared.adapters.redis") / "lua"
        prelude = (files / "prelude.lua").read_text(encoding="utf-8")
        self.name = name
        self.source = prelude + (files / f"{name}.lua").read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


SUBMIT = Script("submit")
LEASE = Script("lease")
RENEW = Script("renew")
SWEEP = Script("sweep")
CLAIM = Script("claim")
SETTLE = Script("settle")
PROMOTE = Script("promote")
CANCEL = Script("cancel")
KEEP_STEP = Script("keep_step")
APPEND_EVENTS = Script("append_events")
REPLAY = Script("replay")
HOLD_TOKENS = Script("hold_tokens")
RELEASE_HOLD = Script("release_hold")
EXPIRE_HOLDS = Script("expire_holds")
REMOVE_IDLE_CONSUMERS = Script("remove_idle_consumers")
LIMITER_ACQUIRE = Script("limiter_acquire")
LIMITER_REPORT = Script("limiter_report")
STATS = Script("stats")
RESTORE_BUDGETS = Script("restore_budgets")

ALL = (
    SUBMIT,
    LEASE,
    RENEW,
    SWEEP,
    CLAIM,
    SETTLE,
    PROMOTE,
    CANCEL,
    KEEP_STEP,
    APPEND_EVENTS,
    REPLAY,
    HOLD_TOKENS,
    RELEASE_HOLD,
    EXPIRE_HOLDS,
    REMOVE_IDLE_CONSUMERS,
    LIMITER_ACQUIRE,
    LIMITER_REPORT,
    STATS,
    RESTORE_BUDGETS,
)


def named(reply: Sequence[Any]) -> dict[str, Any]:
    """A reply of names and values, in turn."""
    return {name.decode(): value for name, value in zip(reply[::2], reply[1::2], strict=True)}


async def run(redis: RedisClient, script: Script, key: str, *args: Arg) -> Any:
    """One script, routed by `key`. Raises `StoreUnavailable` when Redis is away."""
    with observed(redis, script.name):
        try:
            return await call(redis, "EVALSHA", script.sha, 1, key, *args)
        except NoScriptError:
            return await call(redis, "EVAL", script.source, 1, key, *args)


async def run_many(
    redis: RedisClient,
    script: Script,
    calls: Sequence[tuple[str, Sequence[Arg]]],
    *,
    confirm: Sequence[Arg] = (),
) -> list[Any]:
    """Many calls (key, args) of one script in one round trip; an answer may be an exception, for its caller alone, or
    `Unconfirmed`.

    Raises `StoreUnavailable` when Redis is away; when one node of a cluster is, that is the answer of its calls.
    """
    sent = [("EVALSHA", script.sha, 1, key, *args) for key, args in calls]
    with observed(redis, script.name):
        answers = await call_each(redis, sent, confirm=confirm)
        unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = [("EVAL", script.source, 1, calls[i][0], *calls[i][1]) for i in unknown]
            for i, answer in zip(unknown, await call_each(redis, again, confirm=confirm), strict=True):
                answers[i] = answer
    return answers


def run_sync(redis: SyncRedisClient, script: Script, key: str, *args: Arg) -> Any:
    """For the renewal thread. Raises what redis-py raises."""
    with observed(redis, script.name):
        try:
            return redis.execute_command("EVALSHA", script.sha, 1, key, *args)
        except NoScriptError:
            return redis.execute_command("EVAL", script.source, 1, key, *args)
