"""Starts Redis or Postgres again when it ends unasked: same port, same password, same data."""

import asyncio
import os
import sys
from typing import Protocol

from local.console import Output
from local.errors import CannotRun
from local.supervised_process import BACKOFF, Backoff


class Guarded(Protocol):
    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


async def guard(name: str, server: Guarded, output: Output, *, backoff: Backoff = BACKOFF) -> None:
    """Until cancelled. Where the kernel does not tell that a process ended, it guards nothing."""
    clock = asyncio.get_running_loop().time
    crashes = 0
    while sys.platform == "linux":
        started = clock()
        await _ended(server.pid)
        crashes = 1 if clock() - started > backoff.stable_seconds else crashes + 1
        seconds = backoff.delay(crashes)
        output.write(name, f"ended unasked: starts again in {seconds:g} s")
        server.stop()  # what is left of it
        await asyncio.sleep(seconds)
        try:
            # not in a thread: it dies with the thread that starts it
            server.start()
        except CannotRun as refusal:
            output.write(name, str(refusal))


async def _ended(pid: int) -> None:
    """Return when the process has ended; it is left to its parent to reap."""
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
