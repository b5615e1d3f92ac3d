"""Sends spans to a collector over OTLP. Says once that it is away, and once that it is back."""

from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

log = structlog.get_logger()

SEND_SECONDS = 5.0
"""For one batch, with everything that is tried for it."""
PATH = "/v1/traces"


class SpanExporter(OTLPSpanExporter):
    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint.rstrip("/") + PATH, timeout=SEND_SECONDS)
        self._is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away:
            log.warning("traces.collector_away", count=len(spans))
        elif self._is_away and not is_away:
            log.info("traces.collector_back")
        self._is_away = is_away
        return result
