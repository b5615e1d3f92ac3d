"""Everything that runs in a run: real servers, real services, the provider simulator; each where a fault can reach it."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from msgspec import Struct
from tests.chaos.faults.proxy import Proxy
from tests.chaos.fleet.service import Service
from tests.simulators.provider_process import ProviderProcess

from etude.cli.token_signing import sign_token
from local.credentials import Credentials, open_credentials
from local.data_dir import DataDir
from local.ports import LOOPBACK, free_ports
from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer
from local.services.readiness import wait_ready
from local.services.supervised_process import ServiceSpec
from shared.adapters.postgres.migrations import migrate
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import connect

PLANS_FILE = Path(__file__).parent / "plans.json"
READY_SECONDS = 60.0
STOP_SECONDS = 40.0
"""More than a worker's own grace."""
TOKEN_LIFE = timedelta(days=1)
SHARDS = 2
SETTINGS = {
    "PYTHONUNBUFFERED": "1",
    "ETUDE_SHARDS": str(SHARDS),
    "ETUDE_PLANS_FILE": str(PLANS_FILE),
}
"""Of every process."""
POLL_SECONDS = 0.1


class Size(Struct, frozen=True, kw_only=True):
    """How many of each there are."""

    gateways: int = 2
    """Each with a chat service of its own."""
    ai_workers: int = 2
    collection_workers: int = 2
    latency_seconds: float = 0.4
    """Of every provider call."""
    piece_seconds: float = 0.02
    """Between two pieces of a streamed answer: long enough for chat to be struck in the middle."""
    clock_ahead: float = 0.0
    """Seconds by which the clocks of the first worker of each kind are ahead; those of the second are behind."""
    block_seconds: float = 60.0
    """For which an event loop stands still, when one is made to."""
    provider_timeout_seconds: float = 6.0
    """Short, so that a call that hangs is given up while the run still lasts."""


class Worker(Struct, frozen=True):
    """A worker and its own way to Redis."""

    service: Service
    redis: Proxy
    block_seconds: float
    """For which its event loop stands still, when it is made to."""


class Fleet(Struct, frozen=True, kw_only=True):
    """What faults are done to, and users talk to."""

    folder: Path
    redis_server: RedisServer
    postgres_server: PostgresServer
    redis: RedisClient
    """Straight to the server, for whoever looks on."""
    provider: ProviderProcess
    gateways: Mapping[str, Service]
    """By URL."""
    chats: Mapping[int, Service]
    """By port."""
    workers: tuple[Worker, ...]
    data: DataDir
    clock: Callable[[], float]

    @property
    def services(self) -> list[Service]:
        return [*self.gateways.values(), *self.chats.values(), *(worker.service for worker in self.workers)]

    def peers_of(self, worker: Worker) -> list[Worker]:
        """Others of its kind."""
        return [
            one for one in self.workers if one is not worker and one.service.module == worker.service.module
        ]

    def token(self, user: str, plan: str) -> str:
        return sign_token(self.data.private_key, user=user, plan=plan, now=datetime.now(UTC), ttl=TOKEN_LIFE)


@asynccontextmanager
async def running_fleet(folder: Path, size: Size, *, clock: Callable[[], float]) -> AsyncGenerator[Fleet]:
    """From nothing, and to nothing; only `folder` stays."""
    data = DataDir(folder)
    credentials = open_credentials(data, now=datetime.now(UTC))
    async with AsyncExitStack() as opened:
        redis_server = opened.enter_context(RedisServer(data.redis))
        postgres_server = opened.enter_context(PostgresServer(data.postgres, is_durable=False))
        await asyncio.to_thread(migrate, postgres_server.url)
        provider = opened.enter_context(ProviderProcess(latency_seconds=size.latency_seconds))
        redis = connect(redis_server.url, name="onlooker")
        opened.push_async_callback(redis.aclose)
        common = {
            **inherited_environ(),
            **provider.environ,
            **SETTINGS,
            "ETUDE_REDIS_URL": redis_server.url,
            "ETUDE_POSTGRES_URL": postgres_server.url,
            "ETUDE_PROVIDER_TIMEOUT_SECONDS": str(size.provider_timeout_seconds),
            "ETUDE_INTERNAL_SECRET_FILE": str(credentials.internal_secret),
        }
        provider.set_pace(piece_seconds=size.piece_seconds)
        workers = [
            await _make_worker(opened, program, folder, block_seconds=size.block_seconds, clock_ahead=ahead)
            for program, ahead in _worker_programs(size, common)
        ]
        ports = free_ports(2 * size.gateways)
        gateway_ports, chat_ports = ports[: size.gateways], ports[size.gateways :]
        chats = {port: _chat(number, port, common, folder) for number, port in enumerate(chat_ports)}
        gateways = {
            f"http://{LOOPBACK}:{port}": _gateway(
                number, port, chat_ports[number], common, credentials, folder
            )
            for number, port in enumerate(gateway_ports)
        }
        fleet = Fleet(
            folder=folder,
            redis_server=redis_server,
            postgres_server=postgres_server,
            redis=redis,
            provider=provider,
            gateways=gateways,
            chats=chats,
            workers=tuple(workers),
            data=data,
            clock=clock,
        )
        opened.push_async_callback(_stop, fleet)
        await _start(fleet)
        yield fleet


def _worker_programs(size: Size, environ: Mapping[str, str]) -> list[tuple[ServiceSpec, float]]:
    """Each with the seconds by which its clock is ahead."""
    modules = {"ai_worker": size.ai_workers, "collection_worker": size.collection_workers}
    clocks = {0: size.clock_ahead, 1: -size.clock_ahead}
    return [
        (
            ServiceSpec(name=f"{module}-{number}", module=module, environ=environ, stop_seconds=STOP_SECONDS),
            clocks.get(number, 0.0),
        )
        for module, count in modules.items()
        for number in range(count)
    ]


async def _make_worker(
    opened: AsyncExitStack, program: ServiceSpec, folder: Path, *, block_seconds: float, clock_ahead: float
) -> Worker:
    url = urlsplit(program.environ["ETUDE_REDIS_URL"])
    assert url.port is not None
    proxy = await opened.enter_async_context(Proxy(url.port))
    own = url._replace(netloc=url.netloc.replace(f":{url.port}", f":{proxy.port}")).geturl()
    environ = {**program.environ, "ETUDE_REDIS_URL": own}
    behind = ServiceSpec(
        name=program.name, module=program.module, environ=environ, stop_seconds=program.stop_seconds
    )
    launcher = (
        "tests.chaos.fleet.misbehaving_worker",
        "--block",
        str(block_seconds),
        "--clock",
        str(clock_ahead),
    )
    return Worker(Service(behind, folder, launcher=launcher), proxy, block_seconds)


def _chat(number: int, port: int, common: Mapping[str, str], folder: Path) -> Service:
    environ = {**common, "ETUDE_HOST": LOOPBACK, "ETUDE_PORT": str(port)}
    return Service(
        ServiceSpec(name=f"chat-{number}", module="chat", environ=environ, stop_seconds=STOP_SECONDS), folder
    )


def _gateway(
    number: int, port: int, chat_port: int, common: Mapping[str, str], credentials: Credentials, folder: Path
) -> Service:
    environ = {
        **common,
        "ETUDE_HOST": LOOPBACK,
        "ETUDE_PORT": str(port),
        "ETUDE_CHAT_URL": f"http://{LOOPBACK}:{chat_port}",
        "ETUDE_HEARTBEAT_SECONDS": "2",
        "ETUDE_JWT_PUBLIC_KEY_FILE": str(credentials.public_key),
    }
    return Service(
        ServiceSpec(name=f"gateway-{number}", module="gateway", environ=environ, stop_seconds=STOP_SECONDS),
        folder,
    )


async def _start(fleet: Fleet) -> None:
    for service in fleet.services:
        await service.start()
    async with asyncio.timeout(READY_SECONDS):
        await asyncio.gather(*map(until_ready, fleet.gateways))
        await asyncio.gather(*(wait_ready(port, "/readyz") for port in fleet.chats))
        for worker in fleet.workers:
            await until_reading(worker.service)


async def until_reading(service: Service) -> None:
    while not service.is_reading:  # noqa: ASYNC110 - another process sends no signal
        await asyncio.sleep(POLL_SECONDS)


async def until_ready(gateway_url: str) -> None:
    port = httpx.URL(gateway_url).port
    assert port is not None
    await wait_ready(port, "/readyz")


async def _stop(fleet: Fleet) -> None:
    for service in fleet.services:
        if service.is_running:
            service.resume()
    await asyncio.gather(*(service.stop() for service in fleet.services if service.is_running))


def inherited_environ() -> dict[str, str]:
    """What this process was given, but for settings and keys."""
    return {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - handed on to processes, not read as settings
        if not name.startswith(("ETUDE_", "OPENAI_"))
    }
