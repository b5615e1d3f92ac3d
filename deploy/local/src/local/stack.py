"""The services of Etude on one machine: started together, announced when they answer, stopped from the door inwards."""

import asyncio
from collections.abc import Callable

from local.console import Output
from local.readiness import wait_ready
from local.service_specs import Programs
from local.supervised_process import Child

READY_SECONDS = 60.0
"""Five Python processes start slowly on a loaded machine; longer than this, and something is wrong."""
HOPELESS_CRASHES = 4
"""In a row, before the stack was ever ready: a wrong setting, and no accident."""


class Stack:
    """Redis and Postgres are there before it runs, and stay until it ran."""

    def __init__(self, programs: Programs, output: Output, *, ready_seconds: float = READY_SECONDS) -> None:
        self._ready_seconds = ready_seconds
        self._probes = programs.probes
        self._hopeless = asyncio.Event()
        self._waves = [
            [Child(program, output, on_crash=self._count_crash) for program in wave]
            for wave in programs.stop_order
        ]

    async def run(self, stop: asyncio.Event, *, greet: Callable[[], None]) -> bool:
        """Calls `greet` when the services answer; returns when `stop` was set and every process is gone.

        False: they did not get ready, and every process is gone as well.
        """
        async with asyncio.TaskGroup() as group:
            for child in self._children():
                group.create_task(child.run())
            try:
                is_ready = await self._is_ready_before(stop)
                if is_ready:
                    greet()
                    await stop.wait()
            finally:
                await self._stop_in_order()
        return is_ready or stop.is_set()

    def kill(self) -> None:
        """For whoever does not want to wait for `stop`."""
        for child in self._children():
            child.kill()

    def _children(self) -> list[Child]:
        return [child for wave in self._waves for child in wave]

    def _count_crash(self, in_a_row: int) -> None:
        if in_a_row >= HOPELESS_CRASHES:
            self._hopeless.set()

    async def _is_ready_before(self, stop: asyncio.Event) -> bool:
        ready = asyncio.create_task(self._all_answer())
        others = [asyncio.create_task(event.wait()) for event in (stop, self._hopeless)]
        try:
            await asyncio.wait(
                {ready, *others}, timeout=self._ready_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            return ready.done()
        finally:
            for waiting in (ready, *others):
                waiting.cancel()
            await asyncio.wait({ready, *others})

    async def _all_answer(self) -> None:
        async with asyncio.TaskGroup() as group:
            for port, path in self._probes:
                group.create_task(wait_ready(port, path))

    async def _stop_in_order(self) -> None:
        for wave in self._waves:
            await asyncio.gather(*(child.stop() for child in wave))
