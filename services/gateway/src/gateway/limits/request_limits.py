"""Refuses callers who send too many requests of any kind, and addresses that send too many without a valid token.

Jobs are limited in Redis, exactly and for the whole fleet. These limits bound what refused requests cost, so each process
counts for itself and asks nobody.
"""

from collections.abc import Callable

from starlette.types import Scope

from gateway.auth.authenticator import Caller
from gateway.limits.token_buckets import TokenBuckets
from gateway.metrics import GatewayMetrics
from shared.domain.errors import TooManyFailures, TooManyRequests
from shared.runtime.http.client_address import TrustedProxies, group_of

BURST_SECONDS = 6.0
"""What may come at once: the requests of so many seconds."""
FAILURES_PER_MINUTE = 120
"""Requests without a valid token per client address: room for a school whose tokens expire together."""
FAILURES_BURST_SECONDS = 30.0


class RequestLimits:
    def __init__(
        self, proxies: TrustedProxies, *, monotonic: Callable[[], float], metrics: GatewayMetrics
    ) -> None:
        self._proxies = proxies
        self._metrics = metrics
        self._requests = TokenBuckets(burst_seconds=BURST_SECONDS, monotonic=monotonic)
        self._failures = TokenBuckets(burst_seconds=FAILURES_BURST_SECONDS, monotonic=monotonic)

    def count_request(self, caller: Caller) -> None:
        """Raises `TooManyRequests`."""
        limit = caller.plan.all_requests_per_minute
        if wait := self._requests.take(caller.user, limit):
            self._metrics.limited("user")
            raise TooManyRequests(limit=limit, retry_after=wait)

    def count_failure(self, scope: Scope) -> None:
        """Count a request without a valid token. Raises `TooManyFailures`."""
        address = group_of(self._proxies.client_of(scope))
        if wait := self._failures.take(address, FAILURES_PER_MINUTE):
            self._metrics.limited("address")
            raise TooManyFailures(retry_after=wait)
