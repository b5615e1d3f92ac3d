"""What each service may do in Redis: a user for each, with the commands, keys and channels that it needs and no others.

A script runs as the user who calls it, so a user needs what its scripts do too.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

Version = tuple[int, ...]

LATEST: Version = (8, 0)
KEY_DIRECTIONS: Version = (7, 0)
"""Since this version a rule can allow only to read keys, or only to write them. An older server is told to allow both."""
UNKNOWN: Mapping[str, tuple[Version, Version]] = {
    "waitaof": ((6, 0), (7, 2)),
    "client|setinfo": ((7, 0), (7, 2)),
}
"""Command to the versions, from and until, that do not know it and refuse a rule of it."""


class Access(Struct, frozen=True, kw_only=True):
    """What a user may do: commands as ACL rules name them, and patterns of keys and channels."""

    commands: tuple[str, ...]
    keys: tuple[str, ...] = ()
    """Keys that are read and written."""
    reads: tuple[str, ...] = ()
    """Keys that are only read."""
    writes: tuple[str, ...] = ()
    """Keys that are only written."""
    channels: tuple[str, ...] = ()

    def write_rules(self, version: Version = LATEST) -> str:
        """The rules as `ACL SETUSER` and an ACL file take them, without the user's name and password."""
        return " ".join(self._rules(version))

    def _rules(self, version: Version) -> Iterator[str]:
        read, write = ("%R~", "%W~") if version >= KEY_DIRECTIONS else ("~", "~")
        yield "resetchannels"
        yield from (f"~{pattern}" for pattern in self.keys)
        yield from (read + pattern for pattern in self.reads)
        yield from (write + pattern for pattern in self.writes)
        yield from (f"&{pattern}" for pattern in self.channels)
        yield from (f"+{command}" for command in self.commands if _is_known(command, version))


def _is_known(command: str, version: Version) -> bool:
    since, until = UNKNOWN.get(command, (version, version))
    return not since <= version < until


def _words(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(texts).split()))


# -- commands ---------------------------------------------------------------------------------------------------------

CONNECT = "ping select client|setname client|setinfo cluster|slots"
"""Sent when a connection is opened, and by probes. `cluster|slots` finds the nodes of a cluster."""
RUN_SCRIPTS = "evalsha eval time"
END_JOBS = """
    del exists get hdel hget hincrby hmget hset lpop pexpire publish rename type
    xack xadd xdel xrange zadd zrange zrem zremrangebyscore zscore
"""
"""What the scripts do that end a job, remove it, and let the next one of its user in."""
QUEUE_JOBS = "llen lrem pexpireat rpush zcard"
"""What the scripts do besides that queue a job or cancel one."""
LEASE_JOBS = """
    xgroup|create xreadgroup client|id client|list client|unblock
    hgetall hsetnx lpos pexpireat set xautoclaim xclaim xlen zrangebyscore
"""
CALL_MODELS = "get hdel hget hincrby hmget hset pexpire set"
SCHEDULE = """
    dbsize info watch unwatch multi exec
    del exists expire get incrby pexpire psetex zadd zcard zrangebyscore zrem zscore
"""
"""What arq sends."""
MEASURE = "info exists hmget xinfo|consumers xinfo|groups xlen xpending xrange zcard zrange"

# -- keys -------------------------------------------------------------------------------------------------------------

JOBS = """
    {s*}:job:* {s*}:user:* {s*}:idem:* {s*}:hold:* {s*}:holds
    {s*}:due {s*}:unsaved {s*}:dead {s*}:unreadable:* {s*}:ledger
"""
STREAMS = "{s*}:stream:ai {s*}:stream:collection"
ERASED = "{s*}:spent:*"
SINCE = "{s*}:since"
MODELS = "{gate}:*"
EVENTS = ("{s*}:user:*:events",)


def _worker(stream: str, other: str) -> Access:
    """A worker of one stream. It reads only this one, and moves retries that are due into both."""
    sweep = f"{{s*}}:sweep:{stream} {{s*}}:sweep:seen:{stream} {{s*}}:sweep:cursor:{stream}"
    return Access(
        commands=_words(CONNECT, RUN_SCRIPTS, END_JOBS, LEASE_JOBS, CALL_MODELS),
        keys=_words(JOBS, f"{{s*}}:stream:{stream}", sweep, SINCE, MODELS),
        writes=(f"{{s*}}:stream:{other}",),
        channels=EVENTS,
    )


ACCESS: Mapping[str, Access] = {
    "gateway": Access(
        commands=_words(
            *(CONNECT, RUN_SCRIPTS, END_JOBS, QUEUE_JOBS, "hsetnx incr set xlen zscan"),
            *("subscribe unsubscribe", "config|get info wait waitaof"),
        ),
        keys=_words(JOBS, STREAMS, ERASED, SINCE),
        channels=EVENTS,
    ),
    "chat": Access(
        commands=_words(CONNECT, RUN_SCRIPTS, CALL_MODELS, "del exists incr pexpireat rename zadd zrem"),
        keys=_words("{s*}:hold:* {s*}:holds {s*}:user:*:budget:* {s*}:user:*:requests:*", ERASED, MODELS),
        reads=("{s*}:job:*",),
    ),
    "ai-worker": _worker("ai", other="collection"),
    "collection-worker": _worker("collection", other="ai"),
    "cron": Access(
        commands=_words(CONNECT, RUN_SCRIPTS, SCHEDULE, MEASURE, "bgrewriteaof xgroup|delconsumer"),
        keys=_words(STREAMS, "{s*}:ledger arq:* etude:cron*"),
        reads=_words("{s*}:due {s*}:dead"),
    ),
    "operator": Access(
        commands=_words(
            CONNECT, RUN_SCRIPTS, END_JOBS, QUEUE_JOBS, "hgetall persist pttl scan zrevrange zscan"
        ),
        keys=_words(JOBS, STREAMS, ERASED, MODELS),
        channels=EVENTS,
    ),
    "keda": Access(commands=_words(CONNECT, "command xlen"), reads=_words(STREAMS)),
    "probe": Access(commands=("ping",)),
}
"""Service to its access. During an upgrade the services of the last release run with it too: take a rule away one release after
the last call that needs it. `operator` is the command `etude`, `keda` the autoscaler on Kubernetes, `probe` a health check."""
SERVICES = tuple(ACCESS)
