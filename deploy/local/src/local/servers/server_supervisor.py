"""Restarts Redis or Postgres after an unexpected exit, on the same port, with the same password and data."""

import asyncio
import os
import sys
from typing import Protocol

from local.backoff import BACKOFF, Backoff
from local.console import Console
from local.errors import CannotRun


class RestartableServer(Protocol):
    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


async def restart_on_exit(
    name: str, server: RestartableServer, console: Console, *, backoff: Backoff = BACKOFF
) -> None:
    """Restart `server` whenever it exits, until cancelled. Does nothing on other systems than Linux, which lack pidfd."""
    clock = asyncio.get_running_loop().time
    crashes = 0
    while sys.platform == "linux":
        started = clock()
        await _ended(server.pid)
        crashes = backoff.count(crashes, run_seconds=clock() - started)
        seconds = backoff.delay(crashes)
        console.write(name, f"exited unexpectedly: restarts in {seconds:g} s")
        server.stop()  # ends processes that the server left behind
        await asyncio.sleep(seconds)
        try:
            # in the main thread: the kernel ends the server with the thread that starts it
            server.start()
        except CannotRun as refusal:
            console.write(name, str(refusal))


async def _ended(pid: int) -> None:
    """Return when the process has exited. Its parent still has to reap it."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
