"""What can befall workers: killed anywhere, paused, cut off, restarted, poisoned."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import Random

from msgspec.structs import replace
from tests.chaos.faults.fault import FaultEffect
from tests.chaos.faults.proxy import Trap
from tests.chaos.fleet.fleet import Fleet, Worker, until_reading
from tests.chaos.fleet.held_jobs import jobs_of

from shared.adapters.redis import scripts

LEASE_SECONDS = 10.0
POLL_SECONDS = 0.05
CALL_SECONDS = 1.0
"""In which a few calls begin."""


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


async def _strike(fleet: Fleet, worker: Worker, at: float) -> FaultEffect:
    """What a worker that is gone since then had its hands on."""
    return FaultEffect(at=at, target=worker.service.name, jobs=await jobs_of(fleet.redis, worker))


async def _kill(fleet: Fleet, worker: Worker) -> FaultEffect:
    at = fleet.clock()
    worker.service.send_kill()
    await worker.service.gone()
    return await _strike(fleet, worker, at)


class KillWorker(_WorkerFault):
    """SIGKILL, whatever it is doing; a new one after a second."""

    def __init__(self, seconds: float = 1.0) -> None:
        super().__init__("worker killed", seconds)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        return [await _kill(fleet, self._choose(fleet, chance))]

    async def heal(self, fleet: Fleet) -> None:
        await self.worker.service.start()


class KillOneOfSeveral(KillWorker):
    """The same to one whose work somebody else can do: how long that takes is a matter of the lease then, not of how
    fast a process starts."""

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        while not (spare := [worker for worker in fleet.workers if self._is_spare(fleet, worker)]):  # noqa: ASYNC110 - another process sends no signal
            await asyncio.sleep(POLL_SECONDS)
        self._worker = chance.choice(spare)
        return [await _kill(fleet, self.worker)]

    def _is_spare(self, fleet: Fleet, worker: Worker) -> bool:
        return worker.service.is_reading and any(one.service.is_reading for one in fleet.peers_of(worker))


POINTS = {
    "after read": (scripts.LEASE, True),
    "before save": (scripts.KEEP_STEP, False),
    "before settle": (scripts.SETTLE, True),
    "after settle": (scripts.SETTLE, False),
}
"""The script at which a worker dies, and whether before Redis sees it or when its answer comes."""


class KillWorkerAt(KillWorker):
    """SIGKILL at a chosen point of a job's life; in the call it is `KillWorker` that mostly hits."""

    WAIT_SECONDS = 10.0
    """For the worker to come to that point; without work it never does."""

    def __init__(self, point: str) -> None:
        super().__init__()
        self.name = f"worker killed {point}"
        self._script, self._is_before = POINTS[point]

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
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
    """SIGSTOP for longer than its leases live, then SIGCONT: a zombie that believes it owns them, and is in the middle
    of calls that take longer than it sleeps."""

    SLOW_CALLS = 12
    """Of the whole fleet."""
    LONGER_SECONDS = 10.0

    def __init__(self, seconds: float = 3 * LEASE_SECONDS) -> None:
        super().__init__("worker paused", seconds)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        seconds = self.seconds + self.LONGER_SECONDS
        await asyncio.to_thread(fleet.provider.let_next_calls_drip, self.SLOW_CALLS, seconds=seconds)
        await asyncio.sleep(CALL_SECONDS)
        worker, at = self._choose(fleet, chance), fleet.clock()
        worker.service.pause()
        return [await _strike(fleet, worker, at)]

    async def heal(self, fleet: Fleet) -> None:
        self.worker.service.resume()


class BlockLoop(_WorkerFault):
    """Its event loop stands still for longer than leases live, as under a handler that computes: it loses none of them."""

    def __init__(self) -> None:
        super().__init__("event loop blocked", 0.0)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        worker, at = self._choose(fleet, chance), fleet.clock()
        worker.service.block_loop()
        await asyncio.sleep(worker.block_seconds)
        return [FaultEffect(at=at, target=worker.service.name)]

    async def heal(self, fleet: Fleet) -> None:
        pass


class SilenceWorker(_WorkerFault):
    """Its connections to Redis carry nothing any more, and nobody is told."""

    def __init__(self, seconds: float = 2 * LEASE_SECONDS) -> None:
        super().__init__("worker cut off silently", seconds)

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        worker, at = self._choose(fleet, chance), fleet.clock()
        worker.redis.silence()
        return [await _strike(fleet, worker, at)]

    async def heal(self, fleet: Fleet) -> None:
        self.worker.redis.hear()


class RestartWorkers:
    """SIGTERM to each in turn, and a new one in its place, the next when that one reads: nothing is lost, repeated or
    taken over."""

    READY_SECONDS = 20.0
    name = "rolling restart"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        blows: list[FaultEffect] = []
        for worker in fleet.workers:
            if worker.service.is_running and await self._reads(worker):
                blows.append(await self._restart(fleet, worker))
                await self._reads(worker)
        return blows

    async def _reads(self, worker: Worker) -> bool:
        """Wait for it; one that another fault strikes meanwhile may never come to it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.READY_SECONDS):
                await until_reading(worker.service)
                return True
        return False

    async def _restart(self, fleet: Fleet, worker: Worker) -> FaultEffect:
        at = fleet.clock()
        code = await worker.service.stop()
        await worker.service.start()
        return FaultEffect(at=at, target=worker.service.name, note=f"exit code {code}" if code else "")

    async def heal(self, fleet: Fleet) -> None:
        pass


class PoisonJob:
    """A job that takes every owner down with it, until it is given up. Its neighbours are struck as well."""

    OWNERS = 3
    WAIT_SECONDS = 40.0
    """For the next owner: a lease, the sweep, and what goes wrong elsewhere."""

    name = "poison job"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        jobs = await self._jobs_at_work(fleet)
        if not jobs:
            return []
        poison, blows = chance.choice(jobs), list[FaultEffect]()
        while len(blows) < self.OWNERS and (owner := await self._owner_of(fleet, poison)):
            blows.append(replace(await _kill(fleet, owner), poison=poison))
            await owner.service.start()
        return blows

    async def heal(self, fleet: Fleet) -> None:
        pass

    async def _jobs_at_work(self, fleet: Fleet) -> list[str]:
        """Of all workers; none, when nobody comes by any for a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.WAIT_SECONDS / 4
        while loop.time() < until:
            jobs = [job_id for worker in fleet.workers for job_id in await jobs_of(fleet.redis, worker)]
            if jobs:
                return jobs
            await asyncio.sleep(POLL_SECONDS)
        return []

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
