"""Group commit: items that arrive while one batch is being written share the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """One batch at a time by default. Every caller waits for the fate of its own item only."""

    def __init__(
        self,
        write: Callable[[list[T]], Awaitable[Sequence[R | BaseException]]],
        *,
        count: Callable[[Sequence[T]], int] = len,
        in_flight: int = 1,
        linger_seconds: float = 0.0,
        fails_waiting: bool = False,
    ) -> None:
        """`write` returns a result or an exception for each item; what it raises is the fate of the whole batch, and
        with `fails_waiting` of every item that arrived meanwhile, which would only run into the same time-out.

        `count` says how many of the waiting items the next batch takes. With `in_flight` above 1 a batch does not wait
        for the one before it longer than `linger_seconds`.
        """
        self._write = write
        self._count = count
        self._max_in_flight = in_flight
        self._linger_seconds = linger_seconds
        self._fails_waiting = fails_waiting
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._in_flight: set[asyncio.Task[None]] = set()
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: T) -> R:
        """Returns the item's result once its batch is written; raises its exception."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await future

    async def close(self) -> None:
        """Return when everything that has arrived is written."""
        if self._writer is not None:
            await asyncio.wait([self._writer, *self._in_flight])

    async def _write_all(self) -> None:
        while self._waiting:
            size = self._count([item for item, _ in self._waiting])
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            if self._max_in_flight == 1:
                await self._write_batch(batch)
            else:
                await self._start_batch(batch)

    async def _start_batch(self, batch: list[tuple[T, "asyncio.Future[R]"]]) -> None:
        writing = asyncio.create_task(self._write_batch(batch))
        self._in_flight.add(writing)
        writing.add_done_callback(self._in_flight.discard)
        await asyncio.wait([writing], timeout=self._linger_seconds)
        if len(self._in_flight) >= self._max_in_flight:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)

    async def _write_batch(self, batch: list[tuple[T, "asyncio.Future[R]"]]) -> None:
        results: Sequence[R | BaseException]
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, each caller is told
            if self._fails_waiting:
                batch, self._waiting = [*batch, *self._waiting], []
            results = [error for _ in batch]
        for (_, future), result in zip(batch, results, strict=True):
            _resolve(future, result)


def _resolve(future: "asyncio.Future[R]", result: R | BaseException) -> None:
    if future.done():  # its caller was cancelled; the item is written all the same
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
