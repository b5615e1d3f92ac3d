"""Bounds what documents cost a gateway's process: open uploads and their bytes, and processor time of a user's minute.

What arrives is kept in memory and on a small disk, and what is read needs a processor, before any budget or queue is asked.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager

from shared.domain.errors import Overloaded, TooManyUploads, TooMuchReading

MAX_USER_UPLOADS = 4
MAX_UPLOADS = 32
"""Uploads that a process has open at a time, of all users."""
MAX_USER_BYTES = 24 * 1_048_576
MAX_BYTES = 48 * 1_048_576
"""Bytes of all open uploads. A container has 64 MB for temporary files."""
RETRY_SECONDS = 2.0
READING_SECONDS = 20.0
"""Processor time for the documents of one user in a minute: a hundred usual ones, or two that are over every limit."""


class OpenUploads:
    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def open(self, user: str) -> Generator[Callable[[int], None]]:
        """Count an upload while it is open. Yields what is told of bytes as they arrive.

        Both raise `TooManyUploads` when the user has too much open, and `Overloaded` when all users have.
        """
        if self._open[user] >= MAX_USER_UPLOADS:
            raise TooManyUploads(limit=MAX_USER_UPLOADS, retry_after=1.0)
        if self._open.total() >= MAX_UPLOADS:
            raise Overloaded(retry_after=RETRY_SECONDS)
        received = 0

        def receive(count: int) -> None:
            nonlocal received
            received += count
            self._bytes[user] += count
            if self._bytes[user] > MAX_USER_BYTES:
                raise TooManyUploads(limit=MAX_USER_UPLOADS, retry_after=RETRY_SECONDS)
            if self._bytes.total() > MAX_BYTES:
                raise Overloaded(retry_after=RETRY_SECONDS)

        self._open[user] += 1
        try:
            yield receive
        finally:
            self._open -= Counter({user: 1})
            self._bytes -= Counter({user: received})

    def has_open(self, user: str) -> bool:
        return self._open[user] > 0


class ReadingTime:
    """Processor time that documents took, by user, in the minute that is passing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._minute = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def require(self, user: str) -> None:
        """Raises `TooMuchReading` once the user's minute is spent."""
        if self.used(user) >= READING_SECONDS:
            raise TooMuchReading(limit=int(READING_SECONDS), retry_after=60 - self._clock() % 60)

    def used(self, user: str) -> float:
        return self._this_minute().get(user, 0.0)

    def add(self, user: str, seconds: float) -> None:
        self._this_minute()[user] += seconds

    def _this_minute(self) -> defaultdict[str, float]:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._seconds.clear()
        return self._seconds
