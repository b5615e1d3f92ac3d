"""Which processes make up Etude, and what each is told. Nothing is agreed on outside these variables."""

from collections.abc import Mapping

from msgspec import Struct

from local.credentials import Credentials
from local.ports import LOOPBACK
from local.settings import LocalSettings
from local.supervised_process import Program

FRONT_STOP_SECONDS = 10.0
"""Open answers are finished or cut."""
WORKER_STOP_SECONDS = 30.0
"""More than a worker's own grace, in which it finishes its jobs or hands them back."""

WORKERS_MEASURED = 20
"""Of each kind: their ports lie between those of others."""


class Places(Struct, frozen=True, kw_only=True):
    """Where things are this time."""

    redis_url: str
    postgres_url: str
    chat_port: int


class Programs(Struct, frozen=True, kw_only=True):
    gateway: Program
    chat: Program
    workers: tuple[Program, ...]
    """Cron included."""
    probes: tuple[tuple[int, str], ...]
    """Port and path that answer 200 when the stack is ready."""

    @property
    def stop_order(self) -> tuple[tuple[Program, ...], ...]:
        """First the door, so that nothing new comes in; then what is behind it."""
        return ((self.gateway,), (self.chat,), self.workers)


def list_programs(
    settings: LocalSettings, places: Places, credentials: Credentials, environ: Mapping[str, str]
) -> Programs:
    """Every program with its environment: what the caller's has, and over it what only this stack knows."""
    common = {
        "ETUDE_LOG_FORMAT": "lines",
        **environ,
        "PYTHONUNBUFFERED": "1",
        "ETUDE_REDIS_URL": places.redis_url,
        "ETUDE_POSTGRES_URL": places.postgres_url,
    }
    inside = {"ETUDE_INTERNAL_SECRET_FILE": str(credentials.internal_secret)}
    gateway = {
        "ETUDE_HOST": LOOPBACK,
        "ETUDE_PORT": str(settings.port),
        "ETUDE_CHAT_URL": f"http://{LOOPBACK}:{places.chat_port}",
        "ETUDE_JWT_PUBLIC_KEY_FILE": str(credentials.public_key),
    }
    chat = {"ETUDE_HOST": LOOPBACK, "ETUDE_PORT": str(places.chat_port)}
    ports = list_metrics_ports(settings)

    def measured(name: str) -> Mapping[str, str]:
        return {"ETUDE_METRICS_HOST": LOOPBACK, "ETUDE_METRICS_PORT": str(ports.get(name, 0))}

    def front(name: str, environ: Mapping[str, str]) -> Program:
        return Program(
            name=name,
            module=name,
            environ={**common, **inside, **environ, **measured(name)},
            stop_seconds=FRONT_STOP_SECONDS,
        )

    def worker(name: str, module: str) -> Program:
        return Program(
            name=name,
            module=module,
            environ={**common, **measured(name)},
            stop_seconds=WORKER_STOP_SECONDS,
        )

    return Programs(
        probes=((settings.port, "/readyz"), (places.chat_port, "/readyz")),
        gateway=front("gateway", gateway),
        chat=front("chat", chat),
        workers=(
            *(worker(name, "ai_worker") for name in _numbered("ai-worker", settings.ai_workers)),
            *(
                worker(name, "collection_worker")
                for name in _numbered("collection-worker", settings.collection_workers)
            ),
            worker("cron", "collection_worker.cron"),
        ),
    )


def list_metrics_ports(settings: LocalSettings) -> dict[str, int]:
    """By the name of the program. The same at each start, so that Prometheus may be told them once; a kind of worker has
    room for twenty, and what is beyond tells none."""
    if not settings.metrics_base_port:
        return {}
    rows = {
        0: ["gateway", "chat"],
        10: _numbered("ai-worker", settings.ai_workers)[:WORKERS_MEASURED],
        30: _numbered("collection-worker", settings.collection_workers)[:WORKERS_MEASURED],
        50: ["cron"],
    }
    return {
        name: settings.metrics_base_port + row + number
        for row, names in rows.items()
        for number, name in enumerate(names)
    }


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
