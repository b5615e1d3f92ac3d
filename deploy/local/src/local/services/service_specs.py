"""The processes of the stack and the environment of each. These variables are all that they agree on."""

from collections.abc import Mapping

from msgspec import Struct

from local.credentials import Credentials
from local.ports import LOOPBACK
from local.services.supervised_process import ServiceSpec
from local.settings import LocalSettings

HTTP_STOP_SECONDS = 10.0
"""Gateway and chat: open responses end, or are cut."""
WORKER_STOP_SECONDS = 30.0
"""Longer than a worker's own grace period, in which it finishes its jobs or hands them back."""

WORKERS_WITH_METRICS = 20
"""Workers of each kind that have a metrics port: each kind has a range of so many ports."""


class Addresses(Struct, frozen=True, kw_only=True):
    """Addresses that are chosen anew at each start."""

    redis_urls: Mapping[str, str]
    """Service to the URL of its own user."""
    postgres_urls: Mapping[str, str]
    """Service to the URL of its own role."""
    chat_port: int


class ServiceSpecs(Struct, frozen=True, kw_only=True):
    gateway: ServiceSpec
    chat: ServiceSpec
    workers: tuple[ServiceSpec, ...]
    """All workers and cron."""
    probes: tuple[tuple[int, str], ...]
    """Ports and paths that respond with 200 when the stack is ready."""

    @property
    def stop_order(self) -> tuple[tuple[ServiceSpec, ...], ...]:
        """The gateway stops first, so that no new requests come in; then the services behind it."""
        return ((self.gateway,), (self.chat,), self.workers)


def list_services(
    settings: LocalSettings, addresses: Addresses, credentials: Credentials, environ: Mapping[str, str]
) -> ServiceSpecs:
    """All services. Each gets the environment of the caller, overridden by what only this stack knows."""
    common = {
        "ETUDE_LOG_FORMAT": "lines",
        **environ,
        "PYTHONUNBUFFERED": "1",
    }
    internal = {"ETUDE_INTERNAL_SECRET_FILE": str(credentials.internal_secret)}
    gateway = {
        "ETUDE_HOST": LOOPBACK,
        "ETUDE_PORT": str(settings.port),
        "ETUDE_CHAT_URL": f"http://{LOOPBACK}:{addresses.chat_port}",
        "ETUDE_JWT_PUBLIC_KEY_FILE": str(credentials.public_key),
    }
    chat = {"ETUDE_HOST": LOOPBACK, "ETUDE_PORT": str(addresses.chat_port)}
    ports = assign_metrics_ports(settings)

    def metrics(name: str) -> Mapping[str, str]:
        return {"ETUDE_METRICS_HOST": LOOPBACK, "ETUDE_METRICS_PORT": str(ports.get(name, 0))}

    def stores(service: str) -> Mapping[str, str]:
        return {
            "ETUDE_REDIS_URL": addresses.redis_urls[service],
            "ETUDE_POSTGRES_URL": addresses.postgres_urls[service],
        }

    def http_service(name: str, environ: Mapping[str, str]) -> ServiceSpec:
        return ServiceSpec(
            name=name,
            module=name,
            environ={**common, **internal, **environ, **metrics(name), **stores(name)},
            stop_seconds=HTTP_STOP_SECONDS,
        )

    def worker(name: str, module: str, service: str) -> ServiceSpec:
        return ServiceSpec(
            name=name,
            module=module,
            environ={**common, **metrics(name), **stores(service)},
            stop_seconds=WORKER_STOP_SECONDS,
        )

    return ServiceSpecs(
        probes=((settings.port, "/readyz"), (addresses.chat_port, "/readyz")),
        gateway=http_service("gateway", gateway),
        chat=http_service("chat", chat),
        workers=(
            *(worker(name, "ai_worker", "ai-worker") for name in _numbered("ai-worker", settings.ai_workers)),
            *(
                worker(name, "collection_worker", "collection-worker")
                for name in _numbered("collection-worker", settings.collection_workers)
            ),
            worker("cron", "collection_worker.cron", "cron"),
        ),
    )


def assign_metrics_ports(settings: LocalSettings) -> dict[str, int]:
    """Service name to metrics port. The ports are the same at every start, so that Prometheus can list them.

    Workers beyond the range of their kind have none.
    """
    if not settings.metrics_base_port:
        return {}
    rows = {
        0: ["gateway", "chat"],
        10: _numbered("ai-worker", settings.ai_workers)[:WORKERS_WITH_METRICS],
        30: _numbered("collection-worker", settings.collection_workers)[:WORKERS_WITH_METRICS],
        50: ["cron"],
    }
    return {
        name: settings.metrics_base_port + row + number
        for row, names in rows.items()
        for number, name in enumerate(names)
    }


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
