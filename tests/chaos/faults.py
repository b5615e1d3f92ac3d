"""What can be done to a fleet, and undone: each fault a small object with a name, `apply` and `heal`."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

import psutil
from msgspec import Struct
from tests.chaos.fleet import Fleet, Worker, until_ready
from tests.chaos.pending import jobs_of
from tests.chaos.proxy import Trap

from shared.adapters import scripts
from shared.adapters.redis_client import call
from shared.domain.errors import StoreUnavailable

LEASE_SECONDS = 10.0
POLL_SECONDS = 0.05


class Blow(Struct, frozen=True, kw_only=True):
    """What a fault did, once."""

    at: float
    target: str = ""
    jobs: tuple[str, ...] = ()
    """Those whose worker it took away."""
    note: str = ""
    """What was wrong with how it went."""


class Fault(Protocol):
    """Applied once, then healed once."""

    @property
    def name(self) -> str: ...

    @property
    def seconds(self) -> float:
        """Between the two."""
        ...

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]: ...

    async def heal(self, fleet: Fleet) -> None: ...


MakeFault = Callable[[], Fault]


class _WorkerFault:
    """One that befalls a worker."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds
        self._worker: Worker | None = None

    @property
    def worker(self) -> Worker:
        assert self._worker is not None
        return self._worker

    def _choose(self, fleet: Fleet, chance: Random) -> Worker:
        self._worker = chance.choice([worker for worker in fleet.workers if worker.service.is_running])
        return self._worker


async def _strike(fleet: Fleet, worker: Worker, at: float) -> Blow:
    """What a worker that is gone since then had its hands on."""
    return Blow(at=at, target=worker.service.name, jobs=await jobs_of(fleet.redis, worker))


async def _kill(fleet: Fleet, worker: Worker) -> Blow:
    at = fleet.clock()
    worker.service.send_kill()
    await worker.service.gone()
    return await _strike(fleet, worker, at)


class KillWorker(_WorkerFault):
    """SIGKILL, whatever it is doing; a new one after a second."""

    def __init__(self, seconds: float = 1.0) -> None:
        super().__init__("worker killed", seconds)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        return [await _kill(fleet, self._choose(fleet, chance))]

    async def heal(self, fleet: Fleet) -> None:
        await self.worker.service.start()


POINTS = {
    "killed after read": (scripts.LEASE, True),
    "killed before save": (scripts.KEEP, False),
    "killed before settle": (scripts.SETTLE, True),
    "killed after settle": (scripts.SETTLE, False),
}
"""The script at which a worker dies, and whether before Redis sees it or when its answer comes."""


class KillWorkerAt(KillWorker):
    """SIGKILL at a chosen point of a job's life; in the call it is `KillWorker` that mostly hits."""

    WAIT_SECONDS = 10.0
    """For the worker to come to that point; without work it never does."""

    def __init__(self, point: str) -> None:
        super().__init__()
        self.name = f"worker {point}"
        self._script, self._is_before = POINTS[point]

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        worker = self._choose(fleet, chance)
        worker.redis.set_trap(Trap(self._script.sha.encode(), self._is_before, worker.service.send_kill))
        try:
            async with asyncio.timeout(self.WAIT_SECONDS):
                await worker.service.gone()
        except TimeoutError:
            worker.redis.set_trap(None)
            return [await _kill(fleet, worker)]
        return [await _strike(fleet, worker, fleet.clock())]


class PauseWorker(_WorkerFault):
    """SIGSTOP for longer than its leases live, then SIGCONT: a zombie that believes it owns them."""

    def __init__(self, seconds: float = 3 * LEASE_SECONDS) -> None:
        super().__init__("worker paused", seconds)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        worker, at = self._choose(fleet, chance), fleet.clock()
        worker.service.pause()
        return [await _strike(fleet, worker, at)]

    async def heal(self, fleet: Fleet) -> None:
        self.worker.service.resume()


class SilenceWorker(_WorkerFault):
    """Its connections to Redis carry nothing any more, and nobody is told."""

    def __init__(self, seconds: float = 2 * LEASE_SECONDS) -> None:
        super().__init__("worker cut off silently", seconds)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        worker, at = self._choose(fleet, chance), fleet.clock()
        worker.redis.silence()
        return [await _strike(fleet, worker, at)]

    async def heal(self, fleet: Fleet) -> None:
        self.worker.redis.hear()


class RestartWorkers:
    """SIGTERM to each in turn, and a new one in its place: nothing is lost, repeated or taken over."""

    name = "rolling restart"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        return [await self._restart(fleet, worker) for worker in fleet.workers if worker.service.is_running]

    async def _restart(self, fleet: Fleet, worker: Worker) -> Blow:
        at = fleet.clock()
        code = await worker.service.stop()
        await worker.service.start()
        return Blow(at=at, target=worker.service.name, note=f"exit code {code}" if code else "")

    async def heal(self, fleet: Fleet) -> None:
        pass


class KillGateway:
    """SIGKILL of one door; its listeners and submitters go to the other."""

    name = "gateway killed"
    seconds = 1.0

    def __init__(self) -> None:
        self._url = ""

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        at, self._url = fleet.clock(), chance.choice(list(fleet.gateways))
        service = fleet.gateways[self._url]
        service.send_kill()
        await service.gone()
        return [Blow(at=at, target=service.name)]

    async def heal(self, fleet: Fleet) -> None:
        await fleet.gateways[self._url].start()
        await until_ready(self._url)


class KillRedis:
    """SIGKILL, and a new one with its file."""

    name = "Redis killed"
    seconds = 0.5

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        fleet.redis_server.process.kill()
        return []

    async def heal(self, fleet: Fleet) -> None:
        fleet.redis_server.start()


class PauseRedis:
    """SIGSTOP: connections stay open, and nothing answers."""

    name = "Redis paused"

    def __init__(self, seconds: float = 30.0) -> None:
        self.seconds = seconds

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        fleet.redis_server.process.pause()
        return []

    async def heal(self, fleet: Fleet) -> None:
        fleet.redis_server.process.resume()


class CutConnections:
    """CLIENT KILL of every connection to Redis."""

    name = "connections cut"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        for sort in ("normal", "pubsub"):
            try:
                await call(fleet.redis, "CLIENT", "KILL", "TYPE", sort, "SKIPME", "yes")
            except StoreUnavailable:
                return []  # another fault has it
        return []

    async def heal(self, fleet: Fleet) -> None:
        pass


class RestartPostgres:
    """A restart, as for an update: every connection ends."""

    name = "Postgres restarted"
    seconds = 2.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        fleet.postgres_server.stop()
        return []

    async def heal(self, fleet: Fleet) -> None:
        fleet.postgres_server.start()


class PausePostgres:
    """SIGSTOP of the server and all its backends."""

    name = "Postgres paused"

    def __init__(self, seconds: float = 30.0) -> None:
        self.seconds = seconds
        self._processes: list[psutil.Process] = []

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        postmaster = psutil.Process(fleet.postgres_server.pid)
        postmaster.suspend()
        self._processes = [*postmaster.children(), postmaster]
        for process in self._processes[:-1]:
            process.suspend()
        return []

    async def heal(self, fleet: Fleet) -> None:
        for process in self._processes:
            process.resume()


class ProviderFault:
    """Calls go wrong by chance, for a while."""

    def __init__(self, kind: str, *, rate: float, seconds: float) -> None:
        self.name = f"provider: {kind}"
        self.seconds = seconds
        self._rates = {kind: rate}

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        await asyncio.to_thread(fleet.provider.set_rates, self._rates, seed=chance.randrange(1 << 30))
        return []

    async def heal(self, fleet: Fleet) -> None:
        await asyncio.to_thread(fleet.provider.set_rates, {}, seed=0)


class PoisonJob:
    """A job that takes every owner down with it, until it is given up. Its neighbours are struck as well."""

    OWNERS = 3
    WAIT_SECONDS = 40.0
    """For the next owner: a lease, the sweep, and what goes wrong elsewhere."""

    name = "poison job"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[Blow]:
        jobs = [job_id for worker in fleet.workers for job_id in await jobs_of(fleet.redis, worker)]
        if not jobs:
            return []
        poison, blows = chance.choice(jobs), list[Blow]()
        while len(blows) < self.OWNERS and (owner := await self._owner_of(fleet, poison)):
            blows.append(await _kill(fleet, owner))
            await owner.service.start()
        return blows

    async def heal(self, fleet: Fleet) -> None:
        pass

    async def _owner_of(self, fleet: Fleet, poison: str) -> Worker | None:
        """Whoever has it next; None when it ended before."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.WAIT_SECONDS
        while loop.time() < until:
            for worker in fleet.workers:
                if worker.service.is_running and poison in await jobs_of(fleet.redis, worker):
                    return worker
            await asyncio.sleep(POLL_SECONDS)
        return None
