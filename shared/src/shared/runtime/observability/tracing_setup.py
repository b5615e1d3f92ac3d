"""Whether this process writes traces, and where to."""

from importlib.metadata import version

from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.config.settings import CommonSettings


def open_tracer(settings: CommonSettings, *, service: str) -> Tracer:
    """Closed by who opened it."""
    endpoint = settings.otlp_endpoint
    if not endpoint:
        return NO_TRACER
    # Imported here alone: who wants no traces does not load the SDK.
    from shared.adapters.otel.tracer import OpenTelemetryTracer

    return OpenTelemetryTracer(
        endpoint, service=service, version=version("shared"), ratio=settings.trace_ratio
    )
