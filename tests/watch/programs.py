"""Prometheus, its tool and Alertmanager, where the machine has them."""

import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.deadline import DEADLINE_SECONDS
from tests.servers import NoServer
from tests.watch.rule_files import ROOT

from local.ports import LOOPBACK, free_ports
from local.servers.server_process import ServerProcess, ServerSpec

ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"

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


@contextmanager
def serving(name: str, folder: Path, *words: str) -> Generator[httpx.Client]:
    """A server while the block runs, and how to ask it. Raises `NoServer`."""
    binary = program(name)
    folder.mkdir(parents=True, exist_ok=True)
    address = f"{LOOPBACK}:{free_ports(1)[0]}"
    process = ServerProcess(ServerSpec(name=name, folder=folder, stop_signal=signal.SIGTERM))
    with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=DEADLINE_SECONDS) as client:
        command = [str(binary), *words, f"--web.listen-address={address}"]
        process.start(command, environ={}, is_ready=lambda: is_ready(client))
        try:
            yield client
        finally:
            process.stop()


@contextmanager
def serving_alertmanager(folder: Path) -> Generator[httpx.Client]:
    """With our configuration."""
    words = (f"--config.file={ALERTMANAGER}", "--storage.path=.", "--cluster.listen-address=")
    with serving("alertmanager", folder, *words) as client:
        yield client


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False
