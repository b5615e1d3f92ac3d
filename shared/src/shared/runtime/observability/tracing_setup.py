"""Creates the tracer of a process, from its settings."""

from importlib.metadata import version

from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.config.settings import CommonSettings


def open_tracer(settings: CommonSettings, *, service: str) -> Tracer:
    """The tracer of this process, which the caller closes. Without an endpoint it records nothing."""
    endpoint = settings.otlp_endpoint
    if not endpoint:
        return NO_TRACER
    # imported only here, so that a process without traces does not load the SDK
    from shared.adapters.otel.tracer import OpenTelemetryTracer

    return OpenTelemetryTracer(
        endpoint, service=service, version=version("shared"), ratio=settings.trace_ratio
    )
