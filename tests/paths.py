"""Folders of the repository that tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXTS = ROOT / "tests" / "texts"


def read_text(name: str) -> str:
    """The sample text of this file name."""
    return (TEXTS / name).read_text(encoding="utf-8")
