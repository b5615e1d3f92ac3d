"""The services of Etude on one machine: started together, announced when ready, stopped in order."""

import asyncio
from collections.abc import Callable

from local.console import Console
from local.services.readiness import wait_ready
from local.services.service_specs import ServiceSpecs
from local.services.supervised_process import SupervisedProcess

READY_SECONDS = 60.0
"""Five Python processes start slowly on a loaded machine. After this the stack gives up."""
CRASHES_BEFORE_GIVING_UP = 4
"""Crashes of one service in a row, before the stack was ever ready: the cause is a wrong setting."""


class Stack:
    """Runs the services. Redis and Postgres are up before `run` and stay up until it returns."""

    def __init__(
        self, services: ServiceSpecs, console: Console, *, ready_seconds: float = READY_SECONDS
    ) -> None:
        self._ready_seconds = ready_seconds
        self._probes = services.probes
        self._gave_up = asyncio.Event()
        self._waves = [
            [SupervisedProcess(spec, console, on_crash=self._count_crash) for spec in wave]
            for wave in services.stop_order
        ]

    async def run(self, stop: asyncio.Event, *, on_ready: Callable[[], None]) -> bool:
        """Call `on_ready` when the services respond; return when `stop` is set and every process has ended.

        Returns False when they did not become ready; every process has ended then too.
        """
        async with asyncio.TaskGroup() as group:
            for process in self._processes():
                group.create_task(process.run())
            try:
                is_ready = await self._becomes_ready_before(stop)
                if is_ready:
                    on_ready()
                    await stop.wait()
            finally:
                await self._stop_in_order()
        return is_ready or stop.is_set()

    def kill(self) -> None:
        """End all services at once, without waiting for their jobs."""
        for process in self._processes():
            process.kill()

    def _processes(self) -> list[SupervisedProcess]:
        return [process for wave in self._waves for process in wave]

    def _count_crash(self, in_a_row: int) -> None:
        if in_a_row >= CRASHES_BEFORE_GIVING_UP:
            self._gave_up.set()

    async def _becomes_ready_before(self, stop: asyncio.Event) -> bool:
        ready = asyncio.create_task(self._all_answer())
        background = [asyncio.create_task(event.wait()) for event in (stop, self._gave_up)]
        try:
            await asyncio.wait(
                {ready, *background}, timeout=self._ready_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            return ready.done()
        finally:
            for waiting in (ready, *background):
                waiting.cancel()
            await asyncio.wait({ready, *background})

    async def _all_answer(self) -> None:
        async with asyncio.TaskGroup() as group:
            for port, path in self._probes:
                group.create_task(wait_ready(port, path))

    async def _stop_in_order(self) -> None:
        for wave in self._waves:
            await asyncio.gather(*(process.stop() for process in wave))
