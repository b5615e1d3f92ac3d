"""A console whose lines a test can wait for."""

import asyncio
import io
from collections.abc import Callable

from tests.deadline import DEADLINE_SECONDS

from local.console import Console


class Lines(Console):
    def __init__(self) -> None:
        super().__init__(io.StringIO(), is_coloured=False)
        self.seen: list[str] = []
        self._grew = asyncio.Event()

    def write(self, name: str, text: str) -> None:
        self.seen.append(text)
        self._grew.set()

    async def wait_for(self, is_there: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not is_there(self.seen):
                self._grew.clear()
                await self._grew.wait()
