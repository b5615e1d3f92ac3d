"""The HTTP server of a process: logs when it listens, and stops on a signal without ending the process."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.runtime.http.connection_guard import ConnectionGuard
from shared.runtime.http.guarded_protocol import GuardedConfig


class UvicornServer(uvicorn.Server):
    """uvicorn would raise the signal again after serving, and the process would die before it has closed anything."""

    def __init__(
        self, config: GuardedConfig, *, on_ready: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._guard = config.guard
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second."""
        if counter % 10 == 0:
            self._guard.expire_all()
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        yield

    def _stop(self, number: int) -> None:
        self._on_stop()
        self.handle_exit(number, None)


def configure(
    app: ASGIApp, guard: ConnectionGuard, *, stop_seconds: int, host: str = "127.0.0.1", port: int = 0
) -> GuardedConfig:
    return GuardedConfig(
        app,
        guard,
        host=host,
        port=port,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=stop_seconds,
    )


async def serve(
    app: ASGIApp,
    guard: ConnectionGuard,
    *,
    host: str,
    port: int,
    stop_seconds: int,
    on_ready: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` is called once the port listens, `on_stop` at the signal; requests under way then have `stop_seconds`."""
    config = configure(app, guard, stop_seconds=stop_seconds, host=host, port=port)
    gc.freeze()
    await UvicornServer(config, on_ready=on_ready, on_stop=on_stop).serve()
