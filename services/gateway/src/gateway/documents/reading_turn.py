"""A reading that has a seat or waits for one, at first or paused in the middle."""

import asyncio
import os
import signal
from contextlib import suppress
from typing import Protocol

WAIT_SECONDS = 30.0
"""Longest time that a reading waits for a seat, at first and when it is paused."""
LOW_PRIORITY = 19
"""Niceness of a reading that has paused: it leaves the processor to those that are new."""


class Process(Protocol):
    """What a turn needs of a reading process."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int, /) -> None: ...


class Turn:
    """A reading that has a seat or waits for one."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.seated = asyncio.Event()
        self.is_paused = False
        self.ran = 0.0
        """Seconds on a seat, before `since`."""
        self.since = 0.0
        """When it last got a seat or began to wait."""
        self._process: Process | None = None
        self._deadline: asyncio.Timeout | None = None
        self._left = 0.0

    @property
    def can_pause(self) -> bool:
        is_running = self._process is not None and self._process.returncode is None
        return is_running and self._deadline is not None and not self._deadline.expired()

    def hold(self, process: Process, deadline: asyncio.Timeout) -> None:
        """Make known what is stopped in a pause. The deadline is extended by it."""
        self._process, self._deadline = process, deadline

    def pause(self) -> None:
        assert self._process is not None
        assert self._deadline is not None
        self._process.send_signal(signal.SIGSTOP)
        now = asyncio.get_running_loop().time()
        self._left = (self._deadline.when() or now) - now
        self._deadline.reschedule(now + WAIT_SECONDS)
        self.is_paused = True

    def resume(self) -> None:
        assert self._process is not None
        assert self._deadline is not None
        if self._deadline.expired():
            return
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._left)
        self._process.send_signal(signal.SIGCONT)
        with suppress(OSError):  # it has ended meanwhile
            os.setpriority(os.PRIO_PROCESS, self._process.pid, LOW_PRIORITY)
        self.is_paused = False

    def give_up(self) -> None:
        """End the pause by the deadline."""
        assert self._deadline is not None
        self._deadline.reschedule(asyncio.get_running_loop().time())
