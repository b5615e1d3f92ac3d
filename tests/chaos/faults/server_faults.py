"""What can befall everything around the workers: the doors, Redis, Postgres, the provider."""

import asyncio
from collections.abc import Sequence
from random import Random

import psutil
from tests.chaos.faults.fault import FaultEffect
from tests.chaos.fleet.fleet import Fleet, until_ready
from tests.chaos.fleet.held_jobs import AWAY_SECONDS

from local.services.readiness import wait_ready
from shared.adapters.postgres.connection import UNAVAILABLE, Connection
from shared.adapters.postgres.connection import connect as connect_postgres
from shared.adapters.redis.connection import call
from shared.domain.errors import StoreUnavailable
from shared.runtime.worker.store_retry import until_available


class KillGateway:
    """SIGKILL of one door; its listeners and submitters go to the other."""

    name = "gateway killed"
    seconds = 1.0

    def __init__(self) -> None:
        self._url = ""

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        at, self._url = fleet.clock(), chance.choice(list(fleet.gateways))
        service = fleet.gateways[self._url]
        service.send_kill()
        await service.gone()
        return [FaultEffect(at=at, target=service.name)]

    async def heal(self, fleet: Fleet) -> None:
        await fleet.gateways[self._url].start()
        await until_ready(self._url)


class KillChat:
    """SIGKILL of one chat service, mostly in the middle of answers: what they held comes back by itself."""

    name = "chat killed"
    seconds = 1.0

    def __init__(self) -> None:
        self._port = 0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        at, self._port = fleet.clock(), chance.choice(list(fleet.chats))
        service = fleet.chats[self._port]
        service.send_kill()
        await service.gone()
        return [FaultEffect(at=at, target=service.name)]

    async def heal(self, fleet: Fleet) -> None:
        await fleet.chats[self._port].start()
        await wait_ready(self._port, "/healthz")


class KillRedis:
    """SIGKILL, and a new one with its file."""

    name = "Redis killed"
    seconds = 0.5

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        fleet.redis_server.process.kill()
        return []

    async def heal(self, fleet: Fleet) -> None:
        fleet.redis_server.start()


class PauseRedis:
    """SIGSTOP: connections stay open, and nothing answers."""

    name = "Redis paused"

    def __init__(self, seconds: float = 30.0) -> None:
        self.seconds = seconds

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        fleet.redis_server.process.pause()
        return []

    async def heal(self, fleet: Fleet) -> None:
        fleet.redis_server.process.resume()


class CutConnections:
    """CLIENT KILL of every connection to Redis."""

    name = "connections cut"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        for sort in ("normal", "pubsub"):
            try:
                await call(fleet.redis, "CLIENT", "KILL", "TYPE", sort, "SKIPME", "yes")
            except StoreUnavailable:
                return []  # another fault has it
        return []

    async def heal(self, fleet: Fleet) -> None:
        pass


class FillRedis:
    """At `maxmemory`: it reads, and writes nothing new."""

    name = "Redis full"
    seconds = 6.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        return await self._set(fleet, "1")

    async def heal(self, fleet: Fleet) -> None:
        await self._set(fleet, "0")

    async def _set(self, fleet: Fleet, maxmemory: str) -> Sequence[FaultEffect]:
        await until_available(
            lambda: call(fleet.redis, "CONFIG", "SET", "maxmemory", maxmemory), seconds=AWAY_SECONDS
        )
        return []


class FlushRedis:
    """FLUSHALL: what was accepted and not final is gone. A drill of its own."""

    name = "FLUSHALL"
    seconds = 0.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        await call(fleet.redis, "FLUSHALL")
        return [FaultEffect(at=fleet.clock(), target="redis")]

    async def heal(self, fleet: Fleet) -> None:
        pass


class LockPostgres:
    """Somebody holds the table: every connection of every pool is soon stuck in a statement."""

    name = "Postgres pool starved"

    def __init__(self, seconds: float = 15.0) -> None:
        self.seconds = seconds
        self._connection: Connection | None = None

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        try:
            self._connection = await connect_postgres(fleet.postgres_server.url)
            await self._connection.execute("BEGIN; LOCK TABLE async_jobs IN ACCESS EXCLUSIVE MODE")
        except UNAVAILABLE:
            pass  # another fault has it
        return []

    async def heal(self, fleet: Fleet) -> None:
        if self._connection is not None:
            await self._connection.close()


class RestartPostgres:
    """A restart, as for an update: every connection ends."""

    name = "Postgres restarted"
    seconds = 2.0

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
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

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
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

    async def apply(self, fleet: Fleet, chance: Random) -> Sequence[FaultEffect]:
        await asyncio.to_thread(fleet.provider.set_rates, self._rates, seed=chance.randrange(1 << 30))
        return []

    async def heal(self, fleet: Fleet) -> None:
        await asyncio.to_thread(fleet.provider.set_rates, {}, seed=0)
