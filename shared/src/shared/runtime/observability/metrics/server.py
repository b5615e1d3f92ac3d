"""The metrics port. Its own threads serve it, so that a busy event loop and a slow scraper do not delay each other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any

from shared.runtime.config.settings import CommonSettings, InvalidSettings
from shared.runtime.observability.metrics.instruments import Histogram
from shared.runtime.observability.metrics.meter import Meter

PATH = "/metrics"
CLIENT_SECONDS = 10.0
"""A client that neither sends nor receives for this long is dropped."""
POLL_SECONDS = 0.1
"""How long the server's thread takes to notice the shutdown."""
SAMPLE_SECONDS = 0.5


@asynccontextmanager
async def serving_metrics(meter: Meter, settings: CommonSettings) -> AsyncGenerator[None]:
    """Serve the metrics while the block runs, if a port is set. Raises `InvalidSettings` if the port cannot be used."""
    if not settings.metrics_port:
        yield
        return
    server = _listen(meter, settings)
    Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="metrics", daemon=True).start()
    sampling = asyncio.create_task(_sample_lag(meter.histogram("etude_event_loop_lag_seconds").of()))
    try:
        yield
    finally:
        sampling.cancel()
        await asyncio.wait([sampling])
        await asyncio.to_thread(server.shutdown)
        server.server_close()


def _listen(meter: Meter, settings: CommonSettings) -> ThreadingHTTPServer:
    try:
        return _Server((settings.metrics_host, settings.metrics_port), partial(_ScrapeHandler, meter))
    except OSError as error:
        raise InvalidSettings(
            f"ETUDE_METRICS_PORT: port {settings.metrics_port} cannot be used ({error.strerror})"
        ) from None


async def _sample_lag(lag: Histogram) -> None:
    """Measure how late a timer fires: everything else waits for the loop as long."""
    time = asyncio.get_running_loop().time
    while True:
        due = time() + SAMPLE_SECONDS
        await asyncio.sleep(SAMPLE_SECONDS)
        lag.observe(max(0.0, time() - due))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Skip the look-up of the host name, which may take seconds and is not used."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not log a client that disconnects."""


class _ScrapeHandler(BaseHTTPRequestHandler):
    """Serves one request."""

    timeout = CLIENT_SECONDS

    def __init__(self, meter: Meter, *args: Any) -> None:
        self._meter = meter
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404)
            return
        content_type, body = self._meter.expose(self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Do not log scrapes."""
