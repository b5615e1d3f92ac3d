"""One run: a fleet, its users, what befalls them, and the history of it all."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from msgspec import Struct
from tests.chaos.faults.drills import Drill, run_drill
from tests.chaos.fleet.fleet import Fleet, running_fleet
from tests.chaos.history.final_state import (
    has_holds,
    is_at_rest,
    last_events,
    let_holds_expire,
    read_aftermath,
    read_process_logs,
)
from tests.chaos.history.history import Line, Started
from tests.chaos.load.load import Load
from tests.chaos.load.users import Users

POLL_SECONDS = 0.2
NO_TLS = ssl.create_default_context()
"""Made once: every client would make its own."""
HOLD_SECONDS = 30.0
"""For the sweep to find holds that are over."""
HEAR_SECONDS = 30.0
"""For the last listeners to hear the last events."""
LISTENERS = 0.2
"""Share of the users who listen to everything of theirs."""


class Plan(Struct, frozen=True, kw_only=True):
    """What a run consists of."""

    seed: int
    jobs: int
    drill: Drill
    per_second: float = 25.0
    rest_seconds: float = 240.0
    """How long the fleet may take to finish what is left when nothing is broken any more."""


class Watch(Struct):
    """How far a run is, for whoever looks."""

    asked: int = 0
    accepted: int = 0
    faults: int = 0
    now: str = ""
    tell: Callable[["Watch"], None] = lambda _: None

    def say(self, now: str, *, is_fault: bool = False) -> None:
        self.now = now
        self.faults += is_fault
        self.tell(self)


async def run(plan: Plan, folder: Path, *, clock: Callable[[], float], watch: Watch) -> list[Line]:
    """The history. Everything it started is gone when it returns."""
    lines: list[Line] = [Started(seed=plan.seed, jobs=plan.jobs, drill=plan.drill.name)]
    load = plan.drill.plan_load(plan.seed, jobs=plan.jobs, per_second=plan.per_second)
    watch.say("starting")
    async with AsyncExitStack() as opened:
        fleet = await opened.enter_async_context(running_fleet(folder, plan.drill.size, clock=clock))
        clients = {user: await opened.enter_async_context(_client()) for user in load.plans}
        tokens = {user: fleet.token(user, name) for user, name in load.plans.items()}
        users = Users(clients, list(fleet.gateways), tokens, lines.append, seed=plan.seed, clock=clock)
        opened.push_async_callback(users.hang_up)
        for user in list(tokens)[: max(1, int(LISTENERS * len(tokens)))]:
            users.follow(f"user {user}", user)
        await _live(plan, load, fleet, users, lines, watch)
        watch.say("coming to rest")
        await _until(lambda: is_at_rest(fleet.redis), plan.rest_seconds)
        await let_holds_expire(fleet.redis)
        await _until(lambda: _is_free(fleet), HOLD_SECONDS)
        await users.hear_out(await last_events(fleet.redis, list(tokens)), seconds=HEAR_SECONDS)
        watch.say("looking at what is left")
        await users.look_at_all()
        async for line in read_aftermath(fleet, list(tokens)):
            lines.append(line)
    lines += read_process_logs(fleet)
    return lines


def _client() -> httpx.AsyncClient:
    """Each user's own: one pool of all connections is looked through whole for every request."""
    return httpx.AsyncClient(verify=NO_TLS, trust_env=False, limits=httpx.Limits(max_connections=None))


async def _live(
    plan: Plan, load: Load, fleet: Fleet, users: Users, lines: list[Line], watch: Watch
) -> None:  # fmt: skip
    """The load arrives, while things break."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_arrive(load, users, watch))
        group.create_task(
            run_drill(
                plan.drill,
                fleet,
                lines.append,
                seed=plan.seed,
                seconds=load.seconds,
                say=lambda name: watch.say(name, is_fault=True),
            )
        )


async def _arrive(load: Load, users: Users, watch: Watch) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        for wish in load.wishes:
            await asyncio.sleep(max(0.0, begun + wish.at - loop.time()))
            group.create_task(users.ask(wish))
            watch.asked += 1
            watch.accepted = len(users.accepted)
            watch.tell(watch)


async def _is_free(fleet: Fleet) -> bool:
    return not await has_holds(fleet.redis)


async def _until(is_so: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """What does not come to rest is the checker's to find."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until and not await is_so():  # noqa: ASYNC110 - servers send no signal
        await asyncio.sleep(POLL_SECONDS)
