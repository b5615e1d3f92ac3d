"""Prometheus, its tool and Alertmanager, where the machine has them."""

import shutil
import subprocess
from pathlib import Path

from tests.servers import NoServer

NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}
"""Where a distribution calls a program otherwise than its authors do."""
SECONDS = 120.0


def program(name: str) -> Path:
    """Raises `NoServer`."""
    for candidate in NAMES.get(name, (name,)):
        if found := shutil.which(candidate):
            return Path(found)
    raise NoServer(f"no {name} on this machine")


def run(name: str, *words: str) -> tuple[int, str]:
    """Exit code, and everything it said."""
    done = subprocess.run(
        [str(program(name)), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout
