"""The one format of times in the API: RFC 3339 in UTC, with milliseconds."""

from datetime import UTC, datetime


def to_rfc3339(moment: float) -> str:
    """Unix seconds as text, such as `2026-12-01T00:00:00.000Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
