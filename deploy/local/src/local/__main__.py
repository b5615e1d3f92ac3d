"""`python -m local`: the whole of Etude on this machine, until Ctrl-C."""

# ruff: noqa: TID251 - a composition root reads the environment

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

from local.console import Output
from local.credentials import Credentials, open_credentials
from local.data_dir import DataDir, StackFile
from local.errors import CannotRun
from local.parent_death import stop_with_parent
from local.ports import LOOPBACK, free_ports, require_free
from local.postgres_server import PostgresServer
from local.redis_server import RedisServer
from local.server_supervisor import guard
from local.service_specs import Places, list_metrics_ports, list_programs
from local.settings import LocalSettings
from local.stack import Stack
from shared.adapters.postgres.migrations import migrate
from shared.runtime.config.settings import InvalidSettings, read_settings, variable
from shared.runtime.observability.metrics.server import PATH

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    if "MAKELEVEL" in os.environ:
        # a killed make could not pass on that it was
        stop_with_parent()
    output = Output(sys.stdout, is_coloured=sys.stdout.isatty())
    try:
        settings = read_settings(LocalSettings, os.environ)
        asyncio.run(run(settings, output, environ=os.environ, now=datetime.now(UTC)))
    except (CannotRun, InvalidSettings) as refusal:
        sys.exit(f"etude: {refusal}")


async def run(settings: LocalSettings, output: Output, *, environ: Mapping[str, str], now: datetime) -> None:
    """From nothing to everything and back, when a signal says so. Raises `CannotRun`."""
    stop = asyncio.Event()
    kill = asyncio.Event()
    _listen_for_signals(output, stop, kill)
    data = DataDir(settings.folder)
    with ExitStack() as opened:
        opened.enter_context(data.claimed())
        require_free(settings.port, variable("port"))
        metrics_ports = list_metrics_ports(settings)
        for port in metrics_ports.values():
            require_free(port, variable("metrics_base_port"))
        credentials = open_credentials(data, now=now)
        redis = opened.enter_context(RedisServer(data.redis))
        postgres = opened.enter_context(PostgresServer(data.postgres))
        await asyncio.to_thread(migrate, postgres.url)
        (chat_port,) = free_ports(1)
        places = Places(redis_url=redis.url, postgres_url=postgres.url, chat_port=chat_port)
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
        stack = Stack(list_programs(settings, places, credentials, environ), output)
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(guard("redis", redis, output)),
                group.create_task(guard("postgres", postgres, output)),
                group.create_task(_kill_when_told(stack, kill)),
            ]
            did_run = await stack.run(stop, greet=lambda: _greet(output, settings, credentials))
            for other in others:
                other.cancel()
        if not did_run:
            raise CannotRun("the services did not get ready: the log above says why")


def _listen_for_signals(output: Output, stop: asyncio.Event, kill: asyncio.Event) -> None:
    def heard() -> None:
        if stop.is_set():
            kill.set()
        else:
            output.say("stopping: jobs are finished or handed back; once more to kill")
            stop.set()

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, heard)


async def _kill_when_told(stack: Stack, kill: asyncio.Event) -> None:
    await kill.wait()
    stack.kill()


def _greet(output: Output, settings: LocalSettings, credentials: Credentials) -> None:
    output.say(f"ready: {settings.url}")
    output.say(f"token: {credentials.token}")
    where = (
        f"ETUDE_DATA_DIR={shlex.quote(settings.data_dir)} "
        if settings.data_dir != LocalSettings().data_dir
        else ""
    )
    output.say(f"try:   {where}.venv/bin/etude collection README.md")


if __name__ == "__main__":
    main()
