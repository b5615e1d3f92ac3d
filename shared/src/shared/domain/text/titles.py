"""Titles and the words of items as they may be shown: on one line, in the direction of their surroundings."""

import re
import unicodedata

DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Unicode's bidirectional controls, with which a title would turn around what is shown beside it."""
_BLANKS = re.compile(r"[^\S\u00a0\u202f]+")


def tidy_line(text: str) -> str:
    """One line without control or invisible characters. The narrow spaces of French typography stay."""
    kept = "".join(char for char in text if char.isprintable() or char.isspace())
    return _BLANKS.sub(" ", kept).strip()


def clean_title(title: str) -> str:
    """Remove direction marks, and replace control characters and runs of white space by one space."""
    shown = DIRECTION_MARKS.sub("", title)
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in shown).split())
