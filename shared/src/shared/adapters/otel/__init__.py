"""Traces by OpenTelemetry. No other package imports its SDK."""
