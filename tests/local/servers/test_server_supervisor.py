"""A server that exits unexpectedly is restarted, until the supervisor is cancelled."""

import asyncio
import io
import signal
import subprocess
import sys

import psutil
import pytest
from tests.deadline import DEADLINE_SECONDS

from local.backoff import Backoff
from local.console import Console
from local.errors import CannotRun
from local.servers.server_supervisor import restart_on_exit

AT_ONCE = Backoff(base_seconds=0.0)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process ended")


class Server:
    """A process that waits, started as often as asked, but for a refusal in between."""

    def __init__(self, *, refusals: int = 0) -> None:
        self.starts = 0
        self.is_up = asyncio.Event()
        self._refusals = refusals

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        if self.starts == 1 and self._refusals:
            self._refusals -= 1
            raise CannotRun("Redis does not start: disk full")
        self._process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        self.starts += 1
        self.is_up.set()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    async def crash(self) -> None:
        self.is_up.clear()
        psutil.Process(self.pid).send_signal(signal.SIGKILL)
        await asyncio.wait_for(self.is_up.wait(), DEADLINE_SECONDS)


async def run_guarded(server: Server, crashes: int) -> str:
    stream = io.StringIO()
    server.start()
    restarting = asyncio.create_task(
        restart_on_exit("redis", server, Console(stream, is_coloured=False), backoff=AT_ONCE)
    )
    for _ in range(crashes):
        await server.crash()
    restarting.cancel()
    await asyncio.wait({restarting})
    server.stop()
    return stream.getvalue()


async def test_a_server_is_restarted_after_every_exit_and_reported() -> None:
    server = Server()
    said = await run_guarded(server, crashes=2)
    assert server.starts == 3
    assert said.count("redis │ exited unexpectedly: restarts in 0 s") == 2


async def test_a_server_that_cannot_start_is_reported_and_tried_again() -> None:
    server = Server(refusals=2)
    said = await run_guarded(server, crashes=1)
    assert server.starts == 2
    assert said.count("redis │ Redis does not start: disk full") == 2
