"""Group commit."""

import asyncio

import pytest

from shared.adapters.batcher import Batcher


async def test_items_that_arrive_while_a_batch_is_written_share_the_next() -> None:
    written: list[list[int]] = []

    async def write(items: list[int]) -> list[int]:
        written.append(items)
        await asyncio.sleep(0)
        return [2 * item for item in items]

    batcher = Batcher(write)
    first = asyncio.create_task(batcher.add(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await asyncio.gather(batcher.add(2), batcher.add(3), first) == [4, 6, 2]
    assert written == [[1], [2, 3]]


async def test_a_batch_takes_no_more_items_than_its_count_allows() -> None:
    written: list[list[int]] = []

    async def write(items: list[int]) -> list[None]:
        written.append(items)
        return [None for _ in items]

    batcher = Batcher(write, count=lambda _: 2)
    await asyncio.gather(*(batcher.add(item) for item in range(5)))
    assert written == [[0, 1], [2, 3], [4]]


async def test_an_exception_is_raised_for_its_own_item_only() -> None:
    async def write(items: list[int]) -> list[int | BaseException]:
        return [ValueError() if item < 0 else item for item in items]

    batcher = Batcher(write)
    refused, kept = await asyncio.gather(batcher.add(-1), batcher.add(1), return_exceptions=True)
    assert isinstance(refused, ValueError)
    assert kept == 1


@pytest.mark.parametrize("fails_waiting", [False, True])
async def test_a_failed_write_fails_the_waiting_items_only_if_told_to(fails_waiting: bool) -> None:
    has_begun, may_fail = asyncio.Event(), asyncio.Event()

    async def write(items: list[int]) -> list[int]:
        if items == [1]:
            has_begun.set()
            await may_fail.wait()
            raise OSError
        return items

    batcher = Batcher(write, fails_waiting=fails_waiting)
    first = asyncio.create_task(batcher.add(1))
    await has_begun.wait()
    second = asyncio.create_task(batcher.add(2))
    await asyncio.sleep(0)
    may_fail.set()
    fates = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(fates[0], OSError)
    assert isinstance(fates[1], OSError) is fails_waiting


async def test_a_slow_batch_does_not_delay_the_next_if_several_may_run() -> None:
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def write(items: list[int]) -> list[int]:
        if items == [1]:
            has_begun.set()
            await may_end.wait()
        return items

    batcher = Batcher(write, in_flight=2)
    slow = asyncio.create_task(batcher.add(1))
    await has_begun.wait()
    assert await batcher.add(2) == 2
    assert not slow.done()
    may_end.set()
    await batcher.close()
    assert await slow == 1


async def test_a_cancelled_caller_does_not_affect_the_batch() -> None:
    may_end = asyncio.Event()

    async def write(items: list[int]) -> list[int]:
        await may_end.wait()
        return items

    batcher = Batcher(write)
    gone, kept = asyncio.create_task(batcher.add(1)), asyncio.create_task(batcher.add(2))
    await asyncio.sleep(0)
    gone.cancel()
    may_end.set()
    assert await kept == 2
