import pytest

from shared.domain.text.titles import clean_title


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Water", "Water"),
        (" Two\nlines\tand  more ", "Two lines and more"),
        ("\x1b[31mred\x07", "[31mred"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066שלום\u2069", "שלום"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("line\u2028break\x85here", "line break here"),
    ],
)
def test_a_title_is_one_line_without_direction_marks(title: str, expected: str) -> None:
    assert clean_title(title) == expected
