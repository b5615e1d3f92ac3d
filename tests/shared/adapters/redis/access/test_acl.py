"""Each service's user can do the work of its service, nothing of the others', and has no right that is not needed."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from msgspec.structs import asdict, replace
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.job_harness import JobHarness
from tests.servers import (
    MACHINE,
    OLDEST_CLUSTER,
    VALKEY,
    WHEEL,
    ClusterPlace,
    RealRedis,
    RedisPlace,
    Servers,
    UserRedis,
)
from tests.shared.adapters.redis.access.script_commands import commands_of
from tests.shared.adapters.redis.access.service_work import Desk, do_work

from shared.adapters.redis import scripts
from shared.adapters.redis.acl import ACCESS, KEY_DIRECTIONS, SERVICES, Access
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call, nodes
from shared.domain.errors import StoreUnavailable

PASSWORD = "secret"
LEAVES_CONNECTIONS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""arq and redis-py leave a connection open when what they sent is refused."""
ON_A_CLUSTER = [service for service in SERVICES if service not in ("cron", "probe")]
"""Services that see a cluster as a whole."""
WORKER_SCRIPTS = {
    *(scripts.LEASE, scripts.CLAIM, scripts.RENEW, scripts.SETTLE, scripts.SET_ASIDE),
    *(scripts.KEEP_STEP, scripts.RESERVE_STEP, scripts.RELEASE_STEP),
    *(scripts.KEEP_RESPONSE, scripts.APPEND_EVENTS),
    *(scripts.SWEEP, scripts.PROMOTE, scripts.EXPIRE_HOLDS, scripts.RESTORE_BUDGETS),
    *(scripts.REMOVE, scripts.FORGET_EVENTS, scripts.LIMITER_ACQUIRE, scripts.LIMITER_REPORT),
}
ERASING = {scripts.CANCEL, scripts.REMOVE, scripts.RELEASE_HOLD, scripts.FORGET_USER}
RUNS: dict[str, set[scripts.Script[Any]]] = {
    "gateway": {scripts.SUBMIT, scripts.TELL_CHANGE, scripts.FORGET_EVENTS, *ERASING},
    "chat": {
        *(scripts.HOLD_TOKENS, scripts.RELEASE_HOLD),
        *(scripts.LIMITER_ACQUIRE, scripts.LIMITER_REPORT),
    },
    "ai-worker": WORKER_SCRIPTS,
    "collection-worker": WORKER_SCRIPTS,
    "cron": {scripts.STATS, scripts.REMOVE_IDLE_CONSUMERS},
    "operator": {scripts.REPLAY, *ERASING},
}
FORBIDDEN = (
    *("FLUSHALL", "FLUSHDB", "KEYS *", "SWAPDB 0 1", "MIGRATE h 1 k 0 1"),
    *("CONFIG SET maxmemory 1", "SHUTDOWN ABORT", "REPLICAOF NO ONE", "MONITOR"),
    *("ACL LIST", "ACL WHOAMI", "CLIENT KILL ID 1", "CLIENT PAUSE 1", "SCRIPT FLUSH", "FUNCTION FLUSH"),
    "PSUBSCRIBE *",
)


@asynccontextmanager
async def opened(place: RealRedis, service: str, access: Access) -> AsyncGenerator[Desk]:
    version = place.server.version
    user = UserRedis(place.url, service, PASSWORD)
    async with _opened(place, user, service, access.write_rules(version), version) as desk:
        yield desk


@asynccontextmanager
async def opened_on_cluster(place: ClusterPlace, service: str) -> AsyncGenerator[Desk]:
    user, rules = UserRedis(place.url, service, PASSWORD), ACCESS[service].write_rules(OLDEST_CLUSTER)
    async with _opened(place, user, service, rules, OLDEST_CLUSTER) as desk:
        yield desk


@asynccontextmanager
async def _opened(
    place: RedisPlace, user: UserRedis, service: str, rules: str, version: tuple[int, ...]
) -> AsyncGenerator[Desk]:
    redis, own_redis = place.connect(), user.connect()
    admin, own = JobHarness(place, redis), JobHarness(user, own_redis)
    for node in await nodes(redis):
        await call(node, "ACL", "SETUSER", service, "reset", "on", f">{PASSWORD}", *rules.split())
        await call(node, "FLUSHALL")
        await call(node, "SCRIPT FLUSH")
        await call(node, "ACL LOG", "RESET")
    try:
        yield Desk(admin, own, version)
    finally:
        for each in (own, admin):
            await each.close()
        for client in (own_redis, redis):
            await client.aclose()


async def refusals(desk: Desk) -> list[tuple[str, str]]:
    """What was refused since the desk was opened: commands, keys and channels."""
    return await refusals_at(desk.admin.redis)


async def refusals_at(node: RedisClient) -> list[tuple[str, str]]:
    rows = await call(node, "ACL", "LOG")
    named = [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
    return [(row[b"reason"].decode(), row[b"object"].decode()) for row in named]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", [WHEEL, MACHINE, VALKEY])
async def test_a_user_can_do_the_work_of_its_service(servers: Servers, kind: str, service: str) -> None:
    with skipped_without_server():
        place = servers.redis(kind)
    assert isinstance(place, RealRedis)
    async with opened(place, service, ACCESS[service]) as desk:
        await do_work(service, desk)
        assert await refusals(desk) == []


@LEAVES_CONNECTIONS
@pytest.mark.parametrize("service", [service for service in SERVICES if service != "collection-worker"])
async def test_no_right_is_granted_without_need(servers: Servers, service: str) -> None:
    """The rights of the collection-worker are the ai-worker's, with the streams exchanged."""
    with skipped_without_server():
        place = servers.redis(VALKEY)
    assert isinstance(place, RealRedis)
    for field, granted in asdict(ACCESS[service]).items():
        for right in granted:
            rest = tuple(each for each in granted if each != right)
            async with opened(place, service, replace(ACCESS[service], **{field: rest})) as desk:
                with suppress(Exception):
                    await do_work(service, desk)
                assert await refusals(desk), f"{service} does not need {right} in {field}"


@LEAVES_CONNECTIONS
@pytest.mark.parametrize("service", [service for service in SERVICES if service != "probe"])
async def test_a_user_cannot_do_the_work_of_another_service(servers: Servers, service: str) -> None:
    place = servers.real_redis()
    for other in SERVICES:
        if other in (service, "probe"):  # everybody may ping
            continue
        async with opened(place, service, ACCESS[service]) as desk:
            with suppress(Exception):
                await do_work(other, desk)
            assert await refusals(desk), f"{service} can do the work of {other}"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_user_is_refused_what_no_service_does(redis_server: RealRedis, service: str) -> None:
    async with opened(redis_server, service, ACCESS[service]) as desk:
        for command in FORBIDDEN:
            with pytest.raises(StoreUnavailable):
                await desk.own.command(*command.split())


@pytest.mark.parametrize(
    ("service", "command"),
    [
        ("chat", "HSET {s0}:job:1 state failed"),
        ("chat", "HGETALL {s0}:user:ada:events"),
        ("ai-worker", "XRANGE {s0}:stream:collection - +"),
        ("ai-worker", "SET {s0}:sweep:collection 1"),
        ("collection-worker", "XREADGROUP GROUP workers c STREAMS {s0}:stream:ai >"),
        ("gateway", "HGET {gate}:model-1 faults"),
        ("gateway", "GET arq:job:1"),
        ("cron", "HGETALL {s0}:job:1"),
        ("cron", "ZREM {s0}:dead 1"),
        ("keda", "XADD {s0}:stream:ai * a b"),
        ("keda", "XLEN {s0}:user:ada:events"),
        ("operator", "SUBSCRIBE {s0}:user:ada:events"),
        ("probe", "GET {s0}:since"),
    ],
)
async def test_keys_of_others_are_refused(redis_server: RealRedis, service: str, command: str) -> None:
    if redis_server.server.version < KEY_DIRECTIONS:
        pytest.skip("this server has no rules for reading alone")
    async with opened(redis_server, service, ACCESS[service]) as desk:
        with pytest.raises(StoreUnavailable):
            await desk.own.command(*command.split())


@pytest.mark.parametrize("service", sorted(RUNS))
def test_every_command_of_a_service_s_scripts_is_granted(service: str) -> None:
    """Also in branches that no test takes: a script that is refused in its midst has done half of its work."""
    needed = set[str]().union(*map(commands_of, RUNS[service]))
    assert needed - set(ACCESS[service].commands) == set()


def test_each_script_is_run_by_a_service() -> None:
    run = {script.name for scripts_of_one in RUNS.values() for script in scripts_of_one}
    assert {script.name for script in scripts.ALL} == run


@pytest.mark.parametrize("kind", [WHEEL, MACHINE, VALKEY])
async def test_a_refusal_within_a_script_counts_as_an_unreachable_store(servers: Servers, kind: str) -> None:
    with skipped_without_server():
        place = servers.redis(kind)
    assert isinstance(place, RealRedis)
    lacking = replace(ACCESS["gateway"], commands=tuple(set(ACCESS["gateway"].commands) - {"hincrby"}))
    async with opened(place, "gateway", lacking) as desk:
        with pytest.raises(StoreUnavailable):
            await desk.own.submit()
        assert await refusals(desk) == [("command", "hincrby")]


@pytest.mark.parametrize("service", ON_A_CLUSTER)
async def test_a_user_can_do_its_work_on_a_cluster(servers: Servers, service: str) -> None:
    with skipped_without_server():
        place = servers.cluster()
    async with opened_on_cluster(place, service) as desk:
        await do_work(service, desk)
        for node in await nodes(desk.admin.redis):
            assert await refusals_at(node) == []


def test_an_old_server_is_given_no_rule_that_it_does_not_know() -> None:
    access = Access(commands=("ping", "waitaof", "client|setinfo"), reads=("a",), writes=("b",))
    assert access.write_rules((6, 2)) == "resetchannels ~a ~b +ping +client|setinfo"
    assert access.write_rules((7, 0)) == "resetchannels %R~a %W~b +ping"
    assert access.write_rules() == "resetchannels %R~a %W~b +ping +waitaof +client|setinfo"


def test_the_command_prints_rules_that_the_server_takes(servers: Servers) -> None:
    server = servers.real_redis().server
    version = ".".join(map(str, server.version))
    command = [sys.executable, "-m", "shared.runtime.cli.redis_rules", version]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS)
    lines = printed.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(SERVICES)
    client = servers.real_redis().connect_sync()
    for line in lines:
        assert client.execute_command("ACL", "SETUSER", *line.split()) in (True, b"OK")
    client.close()
