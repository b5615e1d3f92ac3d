"""Shares the processors among readings: whose documents took the least time lately is served first, and a long reading pauses
while others wait.

A reading cannot be told from its file to be long. It is known when it runs, and then it can be stopped and go on later.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

from gateway.documents.reading_turn import WAIT_SECONDS, Turn
from shared.domain.errors import Overloaded

SEATS = 2
"""Readings that run at a time."""
QUANTUM_SECONDS = 0.5
"""Lead in processor time over a waiting user after which a reading pauses."""
MAX_PAUSED = 4
"""Readings that are stopped in memory. A further one takes the place of the one whose user had most."""
HEAVY_SECONDS = 2.0
"""Lead over a waiting user from which a reading may be given up so that no more are stopped."""
RETRY_SECONDS = 5.0
FREE_SECONDS = 4.0
"""Time of a user's minute that is not held against the next reading, so that usual users are equal."""
AGING = 0.25
"""Seconds of a lead that a second of waiting makes up for: a long reading goes on at last though short ones come all the time."""


class ReadingSeats:
    """`used` tells the seconds that the documents of a user took lately."""

    def __init__(self, used: Callable[[str], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._used = used
        self._clock = clock
        self._running: list[Turn] = []
        self._waiting: list[Turn] = []
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncGenerator[Turn]:
        """Wait for a seat and keep it. Raises `Overloaded` when none is free in time."""
        turn = Turn(user)
        turn.since = self._clock()
        self._waiting.append(turn)
        try:
            self.balance()
            await _until_seated(turn)
            yield turn
        finally:
            for turns in (self._running, self._waiting):
                if turn in turns:
                    turns.remove(turn)
            self.balance()

    def balance(self) -> None:
        """Give free seats to those who had least, and seats of those who had much more to them as well."""
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting and len(self._running) < SEATS:
            self._seat(min(self._waiting, key=self._rank))
        if not self._waiting:
            return
        first, most = min(self._waiting, key=self._rank), self._last(self._running)
        lead = self._rank(most) - self._rank(first) if most else 0.0
        if most and lead >= self._needed_lead(first):
            self._pause(most)
            self._seat(first)
            self._drop_surplus()
            self.balance()
        else:
            self._timer = asyncio.get_running_loop().call_later(_delay(lead), self.balance)

    def _rank(self, turn: Turn) -> float:
        """Seconds that the reading ran, and those of its user that are beyond usual, less what it has waited."""
        held = max(0.0, self._used(turn.user) - FREE_SECONDS)
        passed = self._clock() - turn.since
        return held + turn.ran + (passed if turn in self._running else -AGING * passed)

    def _last(self, turns: Iterable[Turn]) -> Turn | None:
        return max((turn for turn in turns if turn.can_pause), key=self._rank, default=None)

    def _needed_lead(self, first: Turn) -> float:
        """More is needed if a further reading would be stopped in memory than may be."""
        paused = sum(turn.is_paused for turn in self._waiting)
        return QUANTUM_SECONDS if first.is_paused or paused < MAX_PAUSED else HEAVY_SECONDS

    def _pause(self, turn: Turn) -> None:
        now = self._clock()
        turn.ran, turn.since = turn.ran + now - turn.since, now
        self._running.remove(turn)
        self._waiting.append(turn)
        turn.pause()

    def _drop_surplus(self) -> None:
        paused = [turn for turn in self._waiting if turn.is_paused]
        if len(paused) > MAX_PAUSED:
            most = max(paused, key=self._rank)
            self._waiting.remove(most)
            most.give_up()

    def _seat(self, turn: Turn) -> None:
        self._waiting.remove(turn)
        turn.since = self._clock()
        self._running.append(turn)
        if turn.is_paused:
            turn.resume()
        turn.seated.set()


async def _until_seated(turn: Turn) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await turn.seated.wait()
    except TimeoutError:
        raise Overloaded(retry_after=RETRY_SECONDS) from None


def _delay(lead: float) -> float:
    """Seconds until a running reading may have the lead after which it pauses."""
    return max(QUANTUM_SECONDS - lead, QUANTUM_SECONDS / 10)
