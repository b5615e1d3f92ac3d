"""The whole stack as a person starts it: `python -m local` in a folder of its own, driven from outside."""

import os
import queue
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import httpx
import psutil
from tests.deadline import DEADLINE_SECONDS
from tests.event_streams import iterate_events

from local.errors import CannotRun
from local.ports import FIRST_PORT, require_free

FIRST_ROW, ROW = 10_000, 20
"""Linux gives out ports from 32,768 on."""


class RunningStack:
    """A context manager; leaving it kills whatever is left."""

    def __init__(self, folder: Path, port: int, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self._incoming: queue.Queue[str | None] = queue.Queue()
        self._process = start_local(folder, port, environ)
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self._descendants: set[psutil.Process] = set()

    def __enter__(self) -> Self:
        try:
            self.wait_for_line(lambda line: line == f"ready: {self.url}", DEADLINE_SECONDS)
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()

    @property
    def client(self) -> httpx.Client:
        token = (self.folder / "token").read_text().strip()
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=DEADLINE_SECONDS,
            trust_env=False,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def descendants(self) -> set[psutil.Process]:
        """Every process it started so far, grandchildren included."""
        self._descendants |= set(psutil.Process(self.pid).children(recursive=True))
        return self._descendants

    def process_of(self, module: str) -> psutil.Process:
        (found,) = (
            process
            for process in psutil.Process(self.pid).children(recursive=True)
            if process.cmdline()[1:] == ["-m", module]
        )
        return found

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(DEADLINE_SECONDS)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(DEADLINE_SECONDS)

    def wait_for_line(self, is_wanted: Callable[[str], bool], seconds: float) -> str:
        """The next line like that; fails with the log when none comes in time."""
        try:
            while (line := self._incoming.get(timeout=seconds)) is not None:
                self.lines.append(line)
                if is_wanted(line):
                    return line
        except queue.Empty:
            pass
        raise AssertionError("the stack never said what was waited for; it said:\n" + "\n".join(self.lines))

    def all_lines(self) -> list[str]:
        """Of its whole life, which is over."""
        while (line := self._incoming.get(timeout=DEADLINE_SECONDS)) is not None:
            self.lines.append(line)
        return self.lines

    def _read(self, stream: TextIO) -> None:
        for line in stream:
            self._incoming.put(line.rstrip("\n"))
        self._incoming.put(None)

    def _abandon(self) -> None:
        if self._process.poll() is None:
            self.descendants()
            self.kill()
        assert self._process.stdout is not None
        self._reader.join(DEADLINE_SECONDS)
        self._process.stdout.close()


def free_row() -> int:
    """A base port with a row of free ones: below those that `free_ports` picks, so that no other test takes one meanwhile."""
    bases = random.sample(range(FIRST_ROW, FIRST_PORT, ROW), 50)
    return next(base for base in bases if all(map(_is_free, range(base, base + ROW))))


def _is_free(port: int) -> bool:
    try:
        require_free(port, "")
    except CannotRun:
        return False
    return True


def start_local(folder: Path, port: int, environ: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "local"],
        env={
            **_inherited(),
            "ETUDE_DATA_DIR": str(folder),
            "ETUDE_PORT": str(port),
            "ETUDE_METRICS_BASE_PORT": "0",
            **(environ or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        # a signal of the test run is not for it; one the test sends is for it alone
        start_new_session=True,
    )


def refused(folder: Path, port: int, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and output of a start that is expected to fail."""
    process = start_local(folder, port, environ)
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, output


def events_until_done(client: httpx.Client, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and data of each event; the last one is `done`."""
    with client.stream("GET", path) as answer:
        assert answer.status_code == 200, answer.read()
        for event in iterate_events(answer):
            yield event.name, event.data
            if event.name == "done":
                return


def _inherited() -> dict[str, str]:
    """What the test run was given, but for settings and keys: no test depends on whose machine it runs on."""
    return {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - handed on to a process, not read as settings
        if not name.startswith(("ETUDE_", "OPENAI_"))
    }
