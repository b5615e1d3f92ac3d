"""Work ends with the connection that it is for."""

import asyncio
from typing import Any

import pytest
from tests.deadline import DEADLINE_SECONDS

from shared.runtime.http.disconnect import until_disconnect


async def connected() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def disconnected() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def test_a_disconnect_ends_the_block_without_an_error():
    async with asyncio.timeout(DEADLINE_SECONDS), until_disconnect(disconnected) as connection:
        await asyncio.Event().wait()

    assert connection.expired()


async def test_a_closing_process_ends_the_block():
    closing = asyncio.Event()
    closing.set()

    async with asyncio.timeout(DEADLINE_SECONDS), until_disconnect(connected, closing=closing) as connection:
        await asyncio.Event().wait()

    assert connection.expired()


async def test_a_block_that_ends_by_itself_has_not_expired():
    async with until_disconnect(connected) as connection:
        pass

    assert not connection.expired()


async def test_a_time_out_of_the_block_itself_is_raised():
    with pytest.raises(TimeoutError):
        async with until_disconnect(connected):
            raise TimeoutError


async def test_nothing_keeps_watching_afterwards():
    before = asyncio.all_tasks()

    async with until_disconnect(connected, closing=asyncio.Event()):
        pass

    assert asyncio.all_tasks() == before
