"""Sends spans to a collector over OTLP, and logs once when it goes away and once when it is back."""

from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

log = structlog.get_logger()

SEND_SECONDS = 5.0
"""Time limit for sending one batch, retries included."""
PATH = "/v1/traces"


class SpanExporter(OTLPSpanExporter):
    """An OTLP exporter that logs changes of the collector's availability instead of each failure."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint.rstrip("/") + PATH, timeout=SEND_SECONDS)
        self._is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away:
            log.warning("traces.collector_unreachable", count=len(spans))
        elif self._is_away and not is_away:
            log.info("traces.collector_reachable")
        self._is_away = is_away
        return result
