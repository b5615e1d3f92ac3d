"""A real HTTP server around an application, for what cannot be seen without one: streams, and clients that leave."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from shared.runtime.http.connection_guard import ConnectionGuard, ConnectionLimits
from shared.runtime.http.uvicorn_server import UvicornServer, configure
from shared.runtime.observability.metrics.meter import Meter

STOP_SECONDS = 5
LIMITS = ConnectionLimits()


@asynccontextmanager
async def serving(
    app: Any, *, port: int = 0, limits: ConnectionLimits = LIMITS, meter: Meter | None = None
) -> AsyncGenerator[str]:
    """Serve `app` on `port` of loopback, or a free one; gives its URL. Connections made before it is up wait in the backlog."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    guard = ConnectionGuard(limits, meter or Meter("tests"))
    config = configure(app, guard, stop_seconds=STOP_SECONDS)
    server = UvicornServer(config, on_ready=lambda: None, on_stop=lambda: None)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
