"""Which faults befall a run, and when: drawn from the seed, side by side in lanes, each lane one fault at a time."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

from msgspec import Struct
from tests.chaos.faults.fault import Fault, FaultEffect, MakeFault
from tests.chaos.faults.server_faults import (
    CutConnections,
    FillRedis,
    FlushRedis,
    KillChat,
    KillGateway,
    KillRedis,
    LockPostgres,
    PausePostgres,
    PauseRedis,
    ProviderFault,
    RestartPostgres,
)
from tests.chaos.faults.worker_faults import (
    POINTS,
    BlockLoop,
    KillOneOfSeveral,
    KillWorker,
    KillWorkerAt,
    PauseWorker,
    PoisonJob,
    RestartWorkers,
    SilenceWorker,
)
from tests.chaos.fleet.fleet import Fleet, Size
from tests.chaos.history.history import Record, Struck
from tests.chaos.load.load import CHATTY, PlanLoad, plan_crowd, plan_load

Lane = tuple[MakeFault, ...]


class Drill(Struct, frozen=True, kw_only=True):
    """A sort of trouble."""

    name: str
    lanes: tuple[Lane, ...]
    plan_load: PlanLoad = plan_load
    size: Size = Size()
    shortest_pause: float = 1.0
    """Seconds between two faults of a lane."""
    longest_pause: float = 4.0


PATIENCE = 120.0
"""Seconds, as in production: no call is given up while its worker sleeps."""
QUICK = 0.05
"""Seconds of a provider call, for a user with thousands of jobs to come to their end."""
OFTEN = {"shortest_pause": 0.5, "longest_pause": 2.0}


def _provider(kind: str, rate: float, seconds: float = 4.0) -> MakeFault:
    return partial(ProviderFault, kind, rate=rate, seconds=seconds)


PROVIDER_FAULTS: dict[str, MakeFault] = {
    "429 storm": _provider("rate_limited", 0.9),
    "5xx": _provider("server_error", 0.5),
    "503": _provider("overloaded", 0.5),
    "hang": _provider("hang", 0.2),
    "drip": _provider("drip", 0.5),
    "cut": _provider("cut", 0.4),
    "reset": _provider("reset", 0.4),
    "invalid JSON": _provider("invalid_json", 0.4),
    "HTML": _provider("html", 0.4),
    "too long": _provider("too_long", 0.3),
    "rejected": _provider("rejected", 0.3),
    "impossible usage": _provider("impossible_usage", 0.5),
    "wrapped": _provider("wrapped", 0.5),
    "empty": _provider("empty", 0.3),
    "ten years": _provider("ten_years", 0.02, 2.0),
    "out of credit": _provider("out_of_credit", 0.02, 2.0),
}
RARE = ("out of credit", "ten years")
"""Faults that close the limiter for a minute, which no other drill has time for."""


def _drill(name: str, *faults: MakeFault, **more: Any) -> Drill:
    return Drill(name=name, lanes=(faults,), **more)


def list_drills(*, is_short: bool) -> dict[str, Drill]:
    """By name. Short ones last as long as they must to show what they are for."""
    pause, zombie = (10.0, 14.0) if is_short else (30.0, 30.0)
    points = tuple(partial(KillWorkerAt, point) for point in POINTS)
    workers: Lane = (
        KillWorker,
        *points,
        partial(PauseWorker, zombie),
        partial(SilenceWorker, zombie),
        PoisonJob,
    )
    stores: Lane = (
        KillRedis,
        FillRedis,
        LockPostgres,
        partial(PauseRedis, pause),
        CutConnections,
        RestartPostgres,
        partial(PausePostgres, pause),
    )
    provider: Lane = tuple(make for name, make in PROVIDER_FAULTS.items() if name not in RARE)
    singles = [
        _drill("none"),
        _drill("kill", KillOneOfSeveral, **OFTEN),
        *(_drill(f"kill {point}", partial(KillWorkerAt, point), **OFTEN) for point in POINTS),
        _drill("zombie", partial(PauseWorker, zombie), size=Size(provider_timeout_seconds=PATIENCE)),
        _drill("blocked loop", BlockLoop, size=Size(block_seconds=25.0 if is_short else 60.0, provider_timeout_seconds=PATIENCE)),
        _drill("clocks", KillWorker, PROVIDER_FAULTS["5xx"], size=Size(clock_ahead=300.0)),
        _drill("silence", partial(SilenceWorker, zombie)),
        _drill("poison", PoisonJob),
        _drill("rolling restart", RestartWorkers),
        _drill("big user", plan_load=plan_crowd, size=Size(latency_seconds=QUICK)),
        _drill("gateway", KillGateway),
        _drill("chat", KillChat, KillGateway, plan_load=partial(plan_load, kinds=CHATTY), **OFTEN),
        _drill("redis kill", KillRedis),
        _drill("redis pause", partial(PauseRedis, pause)),
        _drill("redis full", FillRedis),
        _drill("flush", FlushRedis, shortest_pause=6.0, longest_pause=6.0),
        _drill("client kill", CutConnections, shortest_pause=0.3, longest_pause=1.5),
        _drill("postgres restart", RestartPostgres),
        _drill("postgres pause", partial(PausePostgres, pause)),
        _drill("postgres starved", LockPostgres),
        *(_drill(f"provider {name}", make) for name, make in PROVIDER_FAULTS.items()),
    ]  # fmt: skip
    mixed = [
        Drill(
            name="short",
            lanes=((KillWorker, *points), (CutConnections, KillRedis), (KillGateway, KillChat, _provider("server_error", 0.3, 2.0))),
            shortest_pause=2.0,
        ),
        Drill(name="workers", lanes=(workers, (RestartWorkers,))),
        Drill(name="all", lanes=(workers, stores, (KillGateway, KillChat, *provider))),
    ]  # fmt: skip
    return {drill.name: drill for drill in (*singles, *mixed)}


async def run_drill(
    drill: Drill,
    fleet: Fleet,
    record: Record,
    *,
    seed: int,
    seconds: float,
    say: Callable[[str], None],
) -> None:
    """Break things for so long. Returns when everything is healed."""

    async def run_lane(number: int, lane: Lane) -> None:
        chance = Random(f"{seed} {drill.name} {number}")
        until = asyncio.get_running_loop().time() + seconds
        for fault in _in_turn(lane, chance):
            await asyncio.sleep(chance.uniform(drill.shortest_pause, drill.longest_pause))
            if asyncio.get_running_loop().time() > until:
                return
            say(fault.name)
            for struck in await _befall(fault, fleet, chance):
                record(struck)

    async with asyncio.TaskGroup() as group:
        for number, lane in enumerate(drill.lanes):
            if lane:
                group.create_task(run_lane(number, lane))


def _in_turn(lane: Sequence[MakeFault], chance: Random) -> Iterator[Fault]:
    """Each fault once, in random order, and again."""
    while True:
        for make in chance.sample(lane, len(lane)):
            yield make()


async def _befall(fault: Fault, fleet: Fleet, chance: Random) -> list[Struck]:
    at = fleet.clock()
    blows = await fault.apply(fleet, chance)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await fault.heal(fleet)
    healed_at = fleet.clock()
    return [
        Struck(
            at=blow.at,
            healed_at=healed_at,
            name=fault.name,
            target=blow.target,
            jobs=blow.jobs,
            poison=blow.poison,
            note=blow.note,
        )
        for blow in blows or [FaultEffect(at=at)]
    ]
