"""Times of the API."""

import pytest

from shared.domain.timestamps import to_rfc3339


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_796_083_200.0, "2026-12-01T00:00:00.000Z"),
        (1_796_083_200.25, "2026-12-01T00:00:00.250Z"),
    ],
)
def test_a_time_always_has_milliseconds_and_is_in_utc(moment: float, text: str):
    assert to_rfc3339(moment) == text
