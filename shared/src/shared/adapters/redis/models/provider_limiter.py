"""Rate limiter and circuit breaker of a model, shared by the fleet: one worker's `Retry-After` closes it for all workers."""

import asyncio
from enum import IntEnum, StrEnum

from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import Arg, RedisClient
from shared.adapters.redis.connection import RETRY_AFTER_SECONDS
from shared.domain.errors import StoreUnavailable

IN_PLACE_SECONDS = 3.0
"""Longest wait, in seconds, that a call sleeps in its slot. A longer one sends the job back, so that the slot is free."""
ACQUIRE_SECONDS = 4.0
"""Timeout of asking Redis for a permit, in seconds. After it the call is not made, because its job may have another owner by
now. The timeout of one command is not enough: calls also wait in line for a connection."""
PROBE_SECONDS = 30.0
"""Timeout of a probe, in seconds. After it another call may probe the provider."""


class LimiterPolicy(Struct, frozen=True, kw_only=True):
    requests_per_minute: int = 0
    """Rate limit of the account. 0 means unknown: then no pace is kept, and only the provider's responses close the limiter."""
    tokens_per_minute: int = 0
    """Token limit of the account; 0 means unknown."""
    faults_that_open: int = 5
    """Consecutive faults over the whole fleet that open the breaker: one may be chance, five are an outage."""
    rejections_that_open: int = 3
    """Different senders, rejected in a row with the same status, that open the breaker: the server is misconfigured."""
    open_seconds: float = 10.0
    """Seconds for which the breaker stays open after faults. Then one call probes the provider."""


class Reason(IntEnum):
    """Why a call has to wait. The numbers are those of limiter_acquire.lua."""

    NONE = 0
    ASKED_TO_WAIT = 1
    BREAKER = 2
    PACE = 3
    PACE_TOO_LONG = 4


class Circuit(IntEnum):
    """State of a model's circuit breaker. The numbers are values of a metric."""

    CLOSED = 0
    HALF_OPEN = 1
    """One call probes the provider; the others wait."""
    OPEN = 2


class Permit(Struct, frozen=True):
    """Result of `acquire`. `wait`: seconds to wait before asking again; 0 means call now."""

    wait: float
    reason: Reason
    is_probe: bool = False

    @property
    def circuit(self) -> Circuit:
        if self.is_probe:
            return Circuit.HALF_OPEN
        return Circuit.OPEN if self.reason is Reason.BREAKER else Circuit.CLOSED


class CallOutcome(StrEnum):
    """How a call went. The values are those of limiter_report.lua."""

    OK = "ok"
    BUSY = "busy"
    FAULT = "fault"
    REJECTED = "rejected"
    """The server refused this one request."""


class ProviderLimiter:
    """The limiter of one model. Every method raises `StoreUnavailable` when Redis is unreachable, so no unmetered call is made."""

    def __init__(self, redis: RedisClient, model: str, policy: LimiterPolicy) -> None:
        self._redis = redis
        self._key = keys.gate(model)
        self._policy = policy

    async def acquire(self, tokens: int, *, has_share: bool = False) -> Permit:
        """Ask for a permit. `tokens`: the larger of the prompt's tokens and the output limit, because providers count so.
        `has_share`: this call waited for an earlier permit, which took its share of the rate limits."""
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
                return await self._run_acquire(tokens, has_share=has_share)
        except TimeoutError:
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from None

    async def _run_acquire(self, tokens: int, *, has_share: bool) -> Permit:
        policy = self._policy
        reply = await scripts.run(
            self._redis,
            scripts.LIMITER_ACQUIRE,
            self._key,
            *(policy.requests_per_minute, policy.tokens_per_minute, tokens),
            *(int(IN_PLACE_SECONDS * 1000), int(PROBE_SECONDS * 1000), int(has_share)),
        )
        return Permit(reply.wait / 1000, Reason(reply.reason), is_probe=reply.is_probe)

    async def report(
        self,
        outcome: CallOutcome,
        *,
        retry_after: float = 0.0,
        open_seconds: float | None = None,
        sender: str = "",
    ) -> int:
        """Report how the call went. Returns 2 if that opened the breaker, 1 if it closed it, 0 otherwise.

        `retry_after`: seconds that the provider asked to wait. With `open_seconds` a single fault opens the breaker, for that
        long. The faults of one sender in a row count once.
        """
        policy = self._policy
        faults = policy.faults_that_open if open_seconds is None else 0
        seconds = policy.open_seconds if open_seconds is None else open_seconds
        return await self._run_report(
            outcome, int(retry_after * 1000), faults, int(seconds * 1000), "", sender
        )

    async def reject(self, *, status: int, sender: str, open_seconds: float) -> int:
        """Report that the server refused a request of `sender`. Returns as `report` does: 2 if so many different senders were
        refused that the breaker opened."""
        rejections = self._policy.rejections_that_open
        return await self._run_report(
            CallOutcome.REJECTED, 0, rejections, int(open_seconds * 1000), status, sender
        )

    async def _run_report(self, *args: Arg) -> int:
        return await scripts.run(self._redis, scripts.LIMITER_REPORT, self._key, *args)
