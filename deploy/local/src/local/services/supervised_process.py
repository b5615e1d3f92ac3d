"""One service as a process: restarted after a crash, and never left behind."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct

from local.backoff import BACKOFF, Backoff
from local.console import Console
from local.parent_death import die_with_parent

LINE_BYTES = 1 << 20
"""Longest line, in bytes. A longer one is cut into several."""


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """A module of the workspace to run, and its whole environment."""

    name: str
    module: str
    environ: Mapping[str, str]
    stop_seconds: float
    """Grace period between SIGTERM and SIGKILL."""


class SupervisedProcess:
    """Keeps one service running from `run` until `stop`."""

    def __init__(
        self,
        spec: ServiceSpec,
        console: Console,
        *,
        backoff: Backoff = BACKOFF,
        on_crash: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`on_crash` gets the number of crashes in a row."""
        self._spec = spec
        self._console = console
        self._backoff = backoff
        self._on_crash = on_crash
        self._stopping = asyncio.Event()
        self._process: Process | None = None

    async def run(self) -> None:
        """Run and restart it until `stop`; return when the process has ended. Cancellation kills it at once."""
        crashes = 0
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            started = clock()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            crashes = self._backoff.count(crashes, run_seconds=clock() - started)
            self._on_crash(crashes)
            await self._pause(self._backoff.delay(crashes), code)

    async def stop(self) -> None:
        """Send SIGTERM, and SIGKILL after the grace period."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self._spec.stop_seconds):
                await process.wait()
        except TimeoutError:
            self._console.write(self._spec.name, f"did not stop in {self._spec.stop_seconds:g} s: killed")
            self.kill()

    def kill(self) -> None:
        self._stopping.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _run_once(self) -> int:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", self._spec.module),
            env=self._spec.environ,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            limit=LINE_BYTES,
            # Ctrl-C reaches the whole foreground process group, but the stack stops its services in order
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        try:
            if self._stopping.is_set():
                process.terminate()
            await self._copy_lines(process)
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _copy_lines(self, process: Process) -> None:
        assert process.stdout is not None
        while line := await _read_line(process.stdout):
            self._console.write(self._spec.name, line.decode(errors="replace").rstrip())

    async def _pause(self, seconds: float, code: int) -> None:
        self._console.write(
            self._spec.name, f"exited unexpectedly ({_describe_exit(code)}): restarts in {seconds:g} s"
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as ended:
        return ended.partial
    except asyncio.LimitOverrunError as overrun:
        return await stream.readexactly(overrun.consumed)


def _describe_exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
