"""Waiting for a store that is away: the work is kept, and goes on when the store is back."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.domain.errors import StoreUnavailable

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0


async def until_available(call: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Make a call that may be repeated until the store answers; raises `StoreUnavailable` after `seconds`."""
    try:
        return await call()  # nearly always: without the machinery
    except StoreUnavailable:
        pass

    async def again() -> T:
        return await call()

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(StoreUnavailable),
        wait=wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        stop=stop_after_delay(seconds),
        reraise=True,
    )
    return await retrying(again)
