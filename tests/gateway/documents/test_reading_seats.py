import asyncio
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from tests.deadline import DEADLINE_SECONDS

from gateway.documents.reading_seats import (
    FREE_SECONDS,
    HEAVY_SECONDS,
    MAX_PAUSED,
    QUANTUM_SECONDS,
    SEATS,
    ReadingSeats,
)

NO_PROCESS = 2**30
"""The id of no process on any system."""


class Process:
    """Notes the signals that a reading process gets."""

    pid = NO_PROCESS
    returncode: int | None = None

    def __init__(self) -> None:
        self.signals: list[int] = []

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


class Readings:
    """Readings that last until they are told to end, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = Counter[str]()
        self.seats = ReadingSeats(lambda user: float(self.used[user]), lambda: self.now)
        self.seated: list[str] = []
        self.processes: dict[str, Process] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, *users: str) -> None:
        for user in users:
            self._ends[user] = asyncio.Event()
            self._tasks[user] = asyncio.create_task(self._read(user))
        await self.settle()

    async def end(self, user: str) -> None:
        self._ends[user].set()
        await self._tasks[user]
        await self.settle()

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.seats.balance()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def ended(self) -> list[str]:
        return [user for user, task in self._tasks.items() if task.done()]

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _read(self, user: str) -> None:
        async with self.seats.turn(user) as turn:
            self.seated.append(user)
            process = self.processes[user] = Process()
            with suppress(TimeoutError):
                async with asyncio.timeout(DEADLINE_SECONDS) as deadline:
                    turn.hold(process, deadline)
                    await self._ends[user].wait()


@asynccontextmanager
async def readings() -> AsyncGenerator[Readings]:
    found = Readings()
    try:
        yield found
    finally:
        await found.close()


async def test_a_reading_waits_for_a_seat_while_others_are_as_short():
    async with readings() as found:
        await found.begin("ann", "ben", "cid")
        assert found.seated == ["ann", "ben"]

        await found.end("ben")
        assert found.seated == ["ann", "ben", "cid"]


async def test_a_long_reading_pauses_for_a_new_one_and_goes_on_after_it():
    async with readings() as found:
        await found.begin("ann", "ben", "cid")
        await found.pass_time(QUANTUM_SECONDS)
        assert found.seated == ["ann", "ben", "cid"]
        assert found.processes["ann"].signals == [signal.SIGSTOP]

        await found.end("cid")
        assert found.processes["ann"].signals == [signal.SIGSTOP, signal.SIGCONT]
        await found.end("ann")


async def test_the_seat_of_a_user_who_had_much_is_given_away_at_once():
    async with readings() as found:
        found.used.update(eve=int(FREE_SECONDS) + 8)
        await found.begin("ann", "eve", "ben")

        assert found.seated == ["ann", "eve", "ben"]
        assert found.processes["eve"].signals == [signal.SIGSTOP]


async def test_users_who_had_much_wait_behind_others():
    async with readings() as found:
        found.used.update(eve=int(FREE_SECONDS) + 8)
        await found.begin("ann", "ben", "eve", "cid")
        await found.end("ann")
        await found.end("ben")

        assert found.seated == ["ann", "ben", "cid", "eve"]


async def test_a_paused_reading_goes_on_though_short_ones_come_all_the_time():
    async with readings() as found:
        await found.begin("ann", "ben", "cid")
        await found.pass_time(QUANTUM_SECONDS)
        for number in range(20):
            await found.begin(f"new-{number}")
            await found.pass_time(QUANTUM_SECONDS)
        assert signal.SIGCONT in found.processes["ann"].signals


async def test_few_readings_are_paused_and_the_longest_is_given_up_for_a_further_one():
    async with readings() as found:
        heavy = [f"eve-{number}" for number in range(SEATS + MAX_PAUSED)]
        await found.begin(*heavy)
        for _ in range(2 * len(heavy)):
            await found.pass_time(QUANTUM_SECONDS)
        assert sum(one.signals[-1:] == [signal.SIGSTOP] for one in found.processes.values()) == MAX_PAUSED

        found.now += 2 * HEAVY_SECONDS
        await found.begin("ann")
        assert found.seated[-1] == "ann"
        assert len(found.ended) == 1


async def test_who_hangs_up_leaves_the_queue():
    async with readings() as found:
        await found.begin("ann", "ben", "cid")
        await found.close()
        await found.begin("dan")
        assert found.seated[-1] == "dan"
