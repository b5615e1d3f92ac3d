"""Releases that are not there: copies of the packages with patches, run as processes beside each other."""

import shutil
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("shared", "gateway", "ai_worker")
Patch = tuple[str, str, str]
"""A file below the packages, what is in it once, and what is there instead."""

QUICK: tuple[Patch, ...] = (
    ("shared/domain/jobs/job_policy.py", "park_seconds: float = 30.0", "park_seconds: float = 0.5"),
)
"""Of every release here: what is parked is looked at again soon."""
OLDER: tuple[Patch, ...] = (
    # a kind it does not know …
    ("shared/domain/jobs/job.py", 'OUTLINE = "outline"', 'OUTLINE = "sketch"'),
    # … an option …
    (
        "shared/domain/study/material.py",
        "difficulty: Difficulty = Difficulty.MEDIUM\n    level:",
        "grade: Difficulty = Difficulty.MEDIUM\n\n    @property\n    def difficulty(self) -> Difficulty:\n        return self.grade\n\n    level:",
    ),
    # … and fields of the record that came later
    ("shared/adapters/redis/lua/jobs/submit.lua", "'request', ARGV[8], 'title', ARGV[9], ", ""),
)
NEWER: tuple[Patch, ...] = (
    ("shared/domain/jobs/payload.py", "WIRE_VERSION = 1", "WIRE_VERSION = 2"),
    (
        "shared/domain/jobs/payload.py",
        "frozenset({WIRE_VERSION})",
        "frozenset({WIRE_VERSION - 1, WIRE_VERSION})",
    ),
)


def make_release(folder: Path, *patches: Patch) -> Path:
    """A folder to be put on the path before everything else."""
    for package in PACKAGES:
        found = find_spec(package)
        assert found is not None
        assert found.origin is not None
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(found.origin).parent, folder / package, ignore=ignored)
    for name, now, then in (*QUICK, *patches):
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(now) == 1, f"{name} changed: the patch for it has to"
        (folder / name).write_text(text.replace(now, then), encoding="utf-8")
    return folder
