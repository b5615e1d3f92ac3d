"""One service as a process: started, started again when it crashes, and never left behind."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct

from local.console import Output
from local.parent_death import die_with_parent

LINE_BYTES = 1 << 20
"""A longer line is cut into several."""


class Program(Struct, frozen=True, kw_only=True):
    """What to run: a module of the workspace, and the environment it is told everything through."""

    name: str
    module: str
    environ: Mapping[str, str]
    stop_seconds: float
    """How long it may take to stop when asked to; then it is killed."""


class Backoff(Struct, frozen=True, kw_only=True):
    """How long to wait before a crashed process is started again."""

    base_seconds: float = 0.5
    cap_seconds: float = 15.0
    stable_seconds: float = 30.0
    """One that lived this long starts counting anew."""

    def delay(self, crashes: int) -> float:
        return min(self.cap_seconds, self.base_seconds * 2.0 ** (crashes - 1))


BACKOFF = Backoff()


class Child:
    """Keeps one program running, from `run` until `stop`."""

    def __init__(
        self,
        program: Program,
        output: Output,
        *,
        backoff: Backoff = BACKOFF,
        on_crash: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`on_crash` is told how many times in a row it crashed."""
        self.program = program
        self._output = output
        self._backoff = backoff
        self._on_crash = on_crash
        self._stopping = asyncio.Event()
        self._process: Process | None = None

    async def run(self) -> None:
        """Returns after `stop`, when the process is gone. Cancelled: kills it at once."""
        crashes = 0
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            started = clock()
            code = await self._live_once()
            if self._stopping.is_set():
                return
            crashes = 1 if clock() - started > self._backoff.stable_seconds else crashes + 1
            self._on_crash(crashes)
            await self._pause(self._backoff.delay(crashes), code)

    async def stop(self) -> None:
        """Ask it to stop; kill it when it takes longer than it may."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self.program.stop_seconds):
                await process.wait()
        except TimeoutError:
            self._output.write(self.program.name, f"did not stop in {self.program.stop_seconds:g} s: killed")
            self.kill()

    def kill(self) -> None:
        self._stopping.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _live_once(self) -> int:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", self.program.module),
            env=self.program.environ,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            limit=LINE_BYTES,
            # Ctrl-C reaches the whole foreground group: a service is to hear of it from the stack, in its turn
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
            self._output.write(self.program.name, line.decode(errors="replace").rstrip())

    async def _pause(self, seconds: float, code: int) -> None:
        self._output.write(
            self.program.name, f"ended unasked ({_ending(code)}): starts again in {seconds:g} s"
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


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
