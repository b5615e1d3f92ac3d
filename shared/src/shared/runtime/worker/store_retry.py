"""Retries a call to a store until the store is reachable, so that work survives an outage."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.domain.errors import StoreUnavailable

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
"""Upper bound of the first, random wait; it doubles with every try."""
LONGEST_WAIT_SECONDS = 2.0
"""Upper bound of all later waits: work goes on within two seconds of a recovery."""


async def until_available(call: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Repeat an idempotent call until the store is reachable. Raises `StoreUnavailable` after `seconds`."""
    try:
        return await call()  # the usual case needs no retry machinery
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
