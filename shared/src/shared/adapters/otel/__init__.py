"""OpenTelemetry: the one place that knows it."""
