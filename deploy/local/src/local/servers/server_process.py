"""A database server as a child process: it locks its folder, logs to a file, and ends with its parent."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from local.errors import CannotRun
from local.parent_death import die_with_parent

START_SECONDS = 60.0
"""Generous enough for recovery after a power cut."""
STOP_SECONDS = 20.0
POLL_SECONDS = 0.01
LOG_LINES_SHOWN = 5


class ServerSpec(Struct, frozen=True, kw_only=True):
    """How to run a server."""

    name: str
    folder: Path
    """Also its working directory, so that its configuration needs no path, whose characters might need quoting."""
    stop_signal: signal.Signals
    """Asks it to stop without losing data. The kernel sends it too when the parent ends."""
    assume: Callable[[], None] | None = None
    """Called in the child between fork and exec, to become another user."""


class ServerProcess:
    def __init__(self, server: ServerSpec) -> None:
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None
        self._log = server.folder / "log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        is_ready: Callable[[], bool],
        prepare: Callable[[], None] = lambda: None,
        stdin: bytes = b"",
    ) -> None:
        """Start it and return when it is ready. `prepare` runs with the folder locked.

        Raises `CannotRun`, with the end of its log, when it exits or takes longer than `START_SECONDS`.
        """
        claim = _claim(self._server)
        try:
            prepare()
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=self._server.folder,
                    env=environ,
                    # the server inherits the lock, which ends with its last process
                    pass_fds=(claim,),
                    start_new_session=True,
                    preexec_fn=self._in_child(),
                )
        finally:
            os.close(claim)
        self._feed(stdin)
        self._wait_ready(is_ready)

    def stop(self) -> None:
        """Ask it to stop, and kill it after `STOP_SECONDS`."""
        process = self._process
        if process is None:
            return
        process.send_signal(self._server.stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a crash would, and return when its last process is gone.

        The backends of a killed Postgres outlive it for a moment, and one with a connection would still answer.
        """
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            os.close(_claim(self._server))

    def pause(self) -> None:
        """Make it hang with its connections open, until `resume`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _in_child(self) -> Callable[[], None]:
        assume, die = self._server.assume, die_with_parent(self._server.stop_signal)

        def prepare() -> None:
            if assume:
                assume()
            if die:  # after the change of user, which would reset it
                die()

        return prepare

    def _feed(self, stdin: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(stdin)

    def _wait_ready(self, is_ready: Callable[[], bool]) -> None:
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise CannotRun(f"{self._server.name} does not start: {self._end_of_log()}")
            _pause()

    def _end_of_log(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-LOG_LINES_SHOWN:]) or "its log is empty"


def _claim(server: ServerSpec) -> int:
    """Lock the folder and return the descriptor of the lock. Waits for a predecessor that is still stopping."""
    descriptor = os.open(server.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + STOP_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                raise CannotRun(f"another {server.name} runs in {server.folder}") from None
        _pause()


def _pause() -> None:
    time.sleep(POLL_SECONDS)  # noqa: TID251 - another process sends no signal when it is ready or gone
