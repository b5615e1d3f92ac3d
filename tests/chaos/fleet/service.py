"""One process of Etude, which may be killed, paused, stopped and started again."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.chaos.fleet.misbehaving_worker import BLOCK

from local.parent_death import die_with_parent
from local.services.supervised_process import ServiceSpec

READING = b'"worker.ready"'
FIRST_BYTES = 65_536
"""Of a life's log, among which a worker says that it reads."""


class LogLine(Struct, kw_only=True):
    """What the checker wants of a line of a log."""

    event: str
    ts: datetime = datetime.fromtimestamp(0, UTC)
    level: str = ""
    request_id: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Service:
    """Its log, of all its lives, is in one file of JSON lines."""

    def __init__(self, program: ServiceSpec, folder: Path, *, launcher: Sequence[str] = ()) -> None:
        """`launcher`: a module that runs the program's, and its arguments."""
        self.name = program.name
        self.module = program.module
        self._launcher = launcher
        self._program = program
        self._log = folder / f"{program.name}.log"
        self._process: Process | None = None
        self._begin = 0
        """Where the log of its present life begins."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def is_reading(self) -> bool:
        """Of a worker: whether it lives, and said so."""
        with self._log.open("rb") as log:
            log.seek(self._begin)
            return self.is_running and READING in log.read(FIRST_BYTES)

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._begin = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self._launcher, self._program.module),
                env=self._program.environ,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    def send_kill(self) -> None:
        """As a crash would end it; `gone` waits until it has."""
        self._send(signal.SIGKILL)

    def pause(self) -> None:
        self._send(signal.SIGSTOP)

    def block_loop(self) -> None:
        """Of a worker that is run by `tests.chaos.fleet.misbehaving_worker`."""
        self._send(BLOCK)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    async def gone(self) -> int:
        """Its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop, and kill it when it takes longer than it may; its exit code."""
        self._send(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._program.stop_seconds):
                return await self.gone()
        except TimeoutError:
            self.send_kill()
            return await self.gone()

    def count_lines(self) -> Counter[str]:
        """How often it said what."""
        return Counter(line.event for line in self.read_lines())

    def read_lines(self) -> Iterator[LogLine]:
        """What is no JSON, a traceback say, comes as the event `not json`."""
        for line in self._log.read_bytes().splitlines():
            try:
                yield msgspec.json.decode(line, type=LogLine)
            except msgspec.DecodeError:
                yield LogLine(event="not json")

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
