"""When a client tries again, and after how long. Deciding is pure: the clients sleep and send."""

import httpx
from msgspec import Struct

from etude.errors import ApiError, Unreachable
from etude.request import Request

BASE_SECONDS = 1.0
MAX_SECONDS = 8.0
RECONNECTIONS = 10
"""Connections of a listener that fail in a row before it gives up: about a minute with the pauses between them."""


class RetryPolicy(Struct, frozen=True, kw_only=True):
    retries: int = 2
    """Further tries of a request after the first one."""
    max_wait_seconds: float = 30.0
    """A refusal with a longer `Retry-After`, such as a budget that resets tomorrow, is raised at once."""

    def delay(
        self, request: Request[object], error: httpx.TransportError | ApiError, retry: int
    ) -> float | None:
        """Seconds until the `retry`-th retry (from 1) of `request`; None when it shall not be tried again.

        The first retry after a lost connection is immediate: mostly the server has closed an idle one.
        """
        if retry > self.retries or not request.is_repeatable:
            return None
        if isinstance(error, httpx.TransportError):
            return backoff(retry - 1)
        wait = error.retry_after if error.retryable else None
        return None if wait is None or wait > self.max_wait_seconds else float(wait)


DEFAULT_RETRIES = RetryPolicy()


def backoff(failures: int) -> float:
    """Seconds of pause after so many failures in a row: 0, 1, 2, 4, 8, 8 …"""
    return min(BASE_SECONDS * 2 ** (failures - 1), MAX_SECONDS) if failures else 0.0


def translated(error: httpx.TransportError | ApiError, url: str) -> Exception:
    """What a caller sees of an error that is not retried."""
    return Unreachable(url) if isinstance(error, httpx.TransportError) else error
