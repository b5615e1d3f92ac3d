"""A gateway as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def running(**environ: str) -> Generator[subprocess.Popen[str]]:
    """A gateway process, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway"],
        env={"PATH": os.defpath, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
