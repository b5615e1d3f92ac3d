"""The HTTP server of a process: logs when it listens, and stops on a signal without ending the process."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

log = structlog.get_logger()


class UvicornServer(uvicorn.Server):
    """uvicorn would raise the signal again after serving, and the process would die before it has closed anything."""

    def __init__(self, config: uvicorn.Config, *, service: str, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready_event = f"{service}.ready"
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info(self._ready_event, port=self.config.port, pid=os.getpid())

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        yield

    def _stop(self, number: int) -> None:
        self._on_stop()
        self.handle_exit(number, None)


async def serve(
    app: ASGIApp, *, service: str, host: str, port: int, stop_seconds: int, on_stop: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT, which calls `on_stop`; requests under way then have `stop_seconds`."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=stop_seconds,
    )
    gc.freeze()
    await UvicornServer(config, service=service, on_stop=on_stop).serve()
