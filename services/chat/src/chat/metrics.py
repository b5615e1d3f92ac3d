"""Metrics of the chat service: open streams, their duration, and which side interrupted an answer."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from shared.runtime.observability.metrics.meter import Meter

CLIENT, SERVER = "client", "server"


class ChatMetrics:
    def __init__(self, meter: Meter) -> None:
        self._active = meter.gauge("etude_chat_streams_active").of()
        self._seconds = meter.histogram("etude_chat_stream_seconds").of()
        self._disconnects = meter.counter("etude_chat_disconnects_total")
        self._disconnects.expect([CLIENT, SERVER])

    @contextmanager
    def streaming(self) -> Generator[None]:
        """Count and time one streamed answer."""
        started = time.perf_counter()
        self._active.add(1)
        try:
            yield
        finally:
            self._active.add(-1)
            self._seconds.observe(time.perf_counter() - started)

    def interrupted(self, by: str) -> None:
        self._disconnects.of(by).add()
