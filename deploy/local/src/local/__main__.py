"""`python -m local`: runs all of Etude on this machine until Ctrl-C."""

# ruff: noqa: TID251 - a composition root reads the environment

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

from local.console import Console
from local.credentials import Credentials, open_credentials
from local.data_dir import DataDir, StackFile
from local.errors import CannotRun
from local.parent_death import stop_with_parent
from local.ports import LOOPBACK, free_ports, require_free
from local.servers.postgres_roles import create_service_roles
from local.servers.postgres_server import PostgresServer
from local.servers.redis_server import RedisServer
from local.servers.server_supervisor import restart_on_exit
from local.services.service_specs import Addresses, assign_metrics_ports, list_services
from local.settings import LocalSettings
from local.stack import Stack
from shared.adapters.postgres.migrations import migrate
from shared.runtime.config.settings import InvalidSettings, read_settings, variable
from shared.runtime.observability.metrics.server import PATH

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    if "MAKELEVEL" in os.environ:
        # make cannot forward SIGKILL, so the kernel reports its end
        stop_with_parent()
    console = Console(sys.stdout, is_coloured=sys.stdout.isatty())
    try:
        settings = read_settings(LocalSettings, os.environ)
        asyncio.run(run(settings, console, environ=os.environ, now=datetime.now(UTC)))
    except (CannotRun, InvalidSettings) as refusal:
        sys.exit(f"etude: {refusal}")


async def run(
    settings: LocalSettings, console: Console, *, environ: Mapping[str, str], now: datetime
) -> None:
    """Start everything, serve until a signal arrives, and stop everything. Raises `CannotRun`."""
    stop = asyncio.Event()
    kill = asyncio.Event()
    _listen_for_signals(console, stop, kill)
    data = DataDir(settings.folder)
    with ExitStack() as opened:
        opened.enter_context(data.claimed())
        require_free(settings.port, variable("port"))
        metrics_ports = assign_metrics_ports(settings)
        for port in metrics_ports.values():
            require_free(port, variable("metrics_base_port"))
        credentials = open_credentials(data, now=now)
        redis = opened.enter_context(RedisServer(data.redis))
        postgres = opened.enter_context(PostgresServer(data.postgres))
        postgres_urls = await create_service_roles(postgres.url)
        await asyncio.to_thread(migrate, postgres.url)
        (chat_port,) = free_ports(1)
        redis_urls = {service: redis.url_of(service) for service in postgres_urls}
        addresses = Addresses(redis_urls=redis_urls, postgres_urls=postgres_urls, chat_port=chat_port)
        opened.callback(data.unpublish)
        data.publish(
            StackFile(
                url=settings.url,
                redis_url=redis.url,
                postgres_url=postgres.url,
                pid=os.getpid(),
                metrics={name: f"http://{LOOPBACK}:{port}{PATH}" for name, port in metrics_ports.items()},
            )
        )
        stack = Stack(list_services(settings, addresses, credentials, environ), console)
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(restart_on_exit("redis", redis, console)),
                group.create_task(restart_on_exit("postgres", postgres, console)),
                group.create_task(_kill_on_second_signal(stack, kill)),
            ]
            became_ready = await stack.run(
                stop, on_ready=lambda: _print_welcome(console, settings, credentials)
            )
            for other in background:
                other.cancel()
        if not became_ready:
            raise CannotRun("the services did not get ready: the log above says why")


def _listen_for_signals(console: Console, stop: asyncio.Event, kill: asyncio.Event) -> None:
    def on_signal() -> None:
        if stop.is_set():
            kill.set()
        else:
            console.say("stopping: workers finish their jobs or hand them back; a second signal kills them")
            stop.set()

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, on_signal)


async def _kill_on_second_signal(stack: Stack, kill: asyncio.Event) -> None:
    await kill.wait()
    stack.kill()


def _print_welcome(console: Console, settings: LocalSettings, credentials: Credentials) -> None:
    console.say(f"ready: {settings.url}")
    console.say(f"token: {credentials.token}")
    where = (
        f"ETUDE_DATA_DIR={shlex.quote(settings.data_dir)} "
        if settings.data_dir != LocalSettings().data_dir
        else ""
    )
    console.say(f"try:   {where}.venv/bin/etude collection README.md")


if __name__ == "__main__":
    main()
