"""Refuses callers who send too many requests of any kind, and addresses that send too many without a valid token.

Jobs are limited in Redis, exactly and for the whole fleet. These limits bound what refused requests cost, so each process
counts for itself and asks nobody.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager

from starlette.types import Scope

from gateway.auth.authenticator import Caller
from gateway.limits.token_buckets import TokenBuckets
from gateway.metrics import GatewayMetrics
from shared.domain.errors import TooManyFailures, TooManyRequests, TooManyUploads
from shared.runtime.http.client_address import TrustedProxies, group_of

BURST_SECONDS = 6.0
"""What may come at once: the requests of so many seconds."""
FAILURES_PER_MINUTE = 120
"""Requests without a valid token per client address: room for a school whose tokens expire together."""
FAILURES_BURST_SECONDS = 30.0
DELAY_SECONDS = 1.0
"""Longest pause before a refusal is sent."""
BYTES_PER_REQUEST = 131_072
"""So many bytes of a large body count as one more request."""
LARGE_BODY_BYTES = 65_536
MAX_LARGE_BODIES = 6
"""Most JSON bodies above `LARGE_BODY_BYTES` that arrive from one user at a time: up to 6 MiB wait for the last bytes."""
RETRY_SECONDS = 2.0


class RequestLimits:
    def __init__(
        self,
        proxies: TrustedProxies,
        *,
        monotonic: Callable[[], float],
        metrics: GatewayMetrics,
        delay_seconds: float = DELAY_SECONDS,
    ) -> None:
        self._delay_seconds = delay_seconds
        self._proxies = proxies
        self._metrics = metrics
        self._requests = TokenBuckets(burst_seconds=BURST_SECONDS, monotonic=monotonic)
        self._large_bodies = Counter[str]()
        self._failures = TokenBuckets(burst_seconds=FAILURES_BURST_SECONDS, monotonic=monotonic)

    async def count_request(self, caller: Caller) -> None:
        """Raises `TooManyRequests`, after a while."""
        limit = caller.plan.all_requests_per_minute
        if wait := self._requests.take(caller.user, limit):
            await self._slow_down("user", wait)
            raise TooManyRequests(limit=limit, retry_after=wait)

    @contextmanager
    def large_body(self, user: str) -> Generator[None]:
        """While a large body of the user arrives and waits in memory. Raises `TooManyUploads`."""
        if self._large_bodies[user] >= MAX_LARGE_BODIES:
            raise TooManyUploads(limit=MAX_LARGE_BODIES, retry_after=RETRY_SECONDS)
        self._large_bodies[user] += 1
        try:
            yield
        finally:
            self._large_bodies[user] -= 1
            if not self._large_bodies[user]:
                del self._large_bodies[user]

    async def count_failure(self, scope: Scope) -> None:
        """Count a request without a valid token. Raises `TooManyFailures`, after a while."""
        address = group_of(self._proxies.client_of(scope))
        if wait := self._failures.take(address, FAILURES_PER_MINUTE):
            await self._slow_down("address", wait)
            raise TooManyFailures(retry_after=wait)

    def count_bytes(self, caller: Caller, size: int) -> None:
        """Count a large body as several requests: reading it takes as long."""
        self._requests.charge(caller.user, caller.plan.all_requests_per_minute, size / BYTES_PER_REQUEST)

    async def _slow_down(self, by: str, wait: float) -> None:
        """Keep the connection waiting, so that a sender that does not wait by itself needs many."""
        self._metrics.limited(by)
        await asyncio.sleep(min(wait, self._delay_seconds))
