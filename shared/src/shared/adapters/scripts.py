"""The Lua scripts: loaded from files, called by their hash, sent whole only to a server that does not know them yet.

Every state change of a job goes through one of them; each file's header is its contract.
"""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any, cast

from redis.exceptions import NoScriptError

from shared.adapters.redis_client import Arg, RedisClient, SyncRedisClient, call, call_each, observed


class Script:
    """One script and its hash. The prelude comes first."""

    def __init__(self, name: str) -> None:
        files = resources.files("shared.adapters") / "lua"
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
KEEP = Script("keep")
APPEND = Script("append")
REPLAY = Script("replay")
HOLD = Script("hold")
RELEASE = Script("release")
EXPIRE = Script("expire")
FORGET = Script("forget")
ENTER = Script("enter")
LEAVE = Script("leave")
SURVEY = Script("survey")
RESTORE = Script("restore")

ALL = (
    SUBMIT,
    LEASE,
    RENEW,
    SWEEP,
    CLAIM,
    SETTLE,
    PROMOTE,
    CANCEL,
    KEEP,
    APPEND,
    REPLAY,
    HOLD,
    RELEASE,
    EXPIRE,
    FORGET,
    ENTER,
    LEAVE,
    SURVEY,
    RESTORE,
)


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
            return cast(Any, redis).execute_command("EVALSHA", script.sha, 1, key, *args)
        except NoScriptError:
            return cast(Any, redis).execute_command("EVAL", script.source, 1, key, *args)
