"""The gate: what the whole fleet knows of a model's limits. One worker's `Retry-After` closes it for all of them."""

import asyncio
from enum import IntEnum, StrEnum

from msgspec import Struct

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import Arg, RedisClient
from shared.adapters.redis.connection import RETRY_AFTER_SECONDS
from shared.domain.errors import StoreUnavailable

IN_PLACE_SECONDS = 3.0
"""Up to here a call waits where it is; a longer wait sends its job back, and its slot is free meanwhile."""
ENTER_SECONDS = 4.0
"""A call that waited longer for Redis' leave is not made: its job may have another owner by now. The time-out of one
command is no bound, as many calls wait in line for a connection."""
PROBE_SECONDS = 30.0
"""How long one call may probe a provider that failed before the next one may."""


class LimiterPolicy(Struct, frozen=True, kw_only=True):
    requests_per_minute: int = 0
    """Of the account; 0: not known, only what the provider says closes the gate."""
    tokens_per_minute: int = 0
    faults_that_open: int = 5
    """In a row, over the whole fleet: one bad answer is chance, five are an outage."""
    rejections_that_open: int = 3
    """In a row, of different senders and with one status: a server that takes no request is misconfigured."""
    open_seconds: float = 10.0
    """Then one call probes."""


class Reason(IntEnum):
    """Why a call may not go at once; as in enter.lua."""

    NONE = 0
    ASKED_TO_WAIT = 1
    BREAKER = 2
    PACE = 3
    PACE_TOO_LONG = 4


class Circuit(IntEnum):
    """The breaker of a model."""

    CLOSED = 0
    HALF_OPEN = 1
    """One call probes."""
    OPEN = 2


class Permit(Struct, frozen=True):
    """Leave to call, after `wait` seconds."""

    wait: float
    reason: Reason
    is_probe: bool = False

    @property
    def circuit(self) -> Circuit:
        if self.is_probe:
            return Circuit.HALF_OPEN
        return Circuit.OPEN if self.reason is Reason.BREAKER else Circuit.CLOSED


class CallOutcome(StrEnum):
    OK = "ok"
    BUSY = "busy"
    FAULT = "fault"
    REJECTED = "rejected"
    """The server did not take this one request."""


class ProviderLimiter:
    """The gate of one model. Raises `StoreUnavailable` when Redis is away: no unmetered call is made."""

    def __init__(self, redis: RedisClient, model: str, policy: LimiterPolicy) -> None:
        self._redis = redis
        self._key = keys.gate(model)
        self._policy = policy

    async def enter(self, tokens: int, *, has_share: bool = False) -> Permit:
        """`tokens`: the larger of the prompt and the longest answer, as providers count. `has_share`: asked before,
        and waited."""
        try:
            async with asyncio.timeout(ENTER_SECONDS):
                return await self._ask(tokens, has_share=has_share)
        except TimeoutError:
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from None

    async def _ask(self, tokens: int, *, has_share: bool) -> Permit:
        policy = self._policy
        reply = await scripts.run(
            self._redis,
            scripts.LIMITER_ACQUIRE,
            self._key,
            *(policy.requests_per_minute, policy.tokens_per_minute, tokens),
            *(int(IN_PLACE_SECONDS * 1000), int(PROBE_SECONDS * 1000), int(has_share)),
        )
        return Permit(reply.wait / 1000, Reason(reply.reason), is_probe=reply.is_probe)

    async def leave(
        self, outcome: CallOutcome, *, retry_after: float = 0.0, open_seconds: float | None = None
    ) -> int:
        """Report how the call went. 2: this opened the breaker, 1: this closed it."""
        policy = self._policy
        faults = policy.faults_that_open if open_seconds is None else 0
        seconds = policy.open_seconds if open_seconds is None else open_seconds
        return await self._report(outcome, int(retry_after * 1000), faults, int(seconds * 1000), "", "")

    async def reject(self, *, status: int, sender: str, open_seconds: float) -> int:
        """Report that the server did not take a request of `sender`. 2: it was the last of several different senders, which
        opened the breaker."""
        rejections = self._policy.rejections_that_open
        return await self._report(
            CallOutcome.REJECTED, 0, rejections, int(open_seconds * 1000), status, sender
        )

    async def _report(self, *args: Arg) -> int:
        return await scripts.run(self._redis, scripts.LIMITER_REPORT, self._key, *args)
