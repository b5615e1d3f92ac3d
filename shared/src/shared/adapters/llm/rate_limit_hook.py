"""The hook that asks the fleet's rate limiter for a permit before a call, and reports the outcome after it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import structlog

from shared.adapters.llm.model import CHAT, ModelCall
from shared.adapters.redis.connection import RETRY_AFTER_SECONDS
from shared.adapters.redis.models.provider_limiter import (
    IN_PLACE_SECONDS,
    CallOutcome,
    Circuit,
    ProviderLimiter,
    Reason,
)
from shared.domain.errors import StoreUnavailable
from shared.domain.provider_errors import (
    Blame,
    ProviderBusy,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
)

log = structlog.get_logger()

BUSY_SECONDS = 1.0
"""Seconds for which a 429 without a `Retry-After` closes the limiter."""
MAX_BUSY_SECONDS = 60.0
"""Longest time, in seconds, for which one response closes the limiter for the fleet. Then the next call asks again."""
ACCOUNT_SECONDS = 60.0
"""Seconds for which an empty or misconfigured account opens the breaker. Waiting repairs nothing, but an operator may."""
STATUSES_OF_CONFIGURATION = frozenset({404, 405, 410})
"""Statuses that mean that the address or the model does not exist."""
OPENED, CLOSED = 2, 1
"""Results of a report: it opened or closed the breaker."""
PERMIT_TRIES = 3
"""Number of times a call asks for a permit, with a wait in place after each, before its job is sent back."""
CHARACTERS_PER_TOKEN = 3
"""Fewer characters than a token has on average, so that the estimate is too high rather than too low. The provider's own count
is rough too, so a tokenizer is not worth its time here."""


class RateLimitHook:
    """Surrounds each call with a permit and a report. Raises `ProviderBusy`, which does not count as an attempt, if the wait
    for the permit exceeds IN_PLACE_SECONDS or PERMIT_TRIES are used up, and `StoreUnavailable` if the limiter is unreachable
    or the attempt may have lost its lease."""

    def __init__(
        self,
        limiter: ProviderLimiter,
        *,
        model: str,
        on_circuit: Callable[[Circuit], None] = lambda _: None,
    ) -> None:
        """`on_circuit` is called with the state of the model's circuit: with each permit, and when a report changes it."""
        self._limiter = limiter
        self._model = model
        self._on_circuit = on_circuit
        self._is_limiter_unreachable = False

    @asynccontextmanager
    async def __call__(self, call: ModelCall) -> AsyncGenerator[None]:
        """Make the call between a permit and a report. A cancelled call reports nothing, because it says nothing of the provider."""
        await self._acquire(call)
        try:
            yield
        except ProviderError as error:
            if await self._report(call, error) and isinstance(error, ProviderRejected):
                raise ProviderMisconfigured(usage=error.usage) from None
            raise
        await self._report(call, None)

    async def _acquire(self, call: ModelCall) -> None:
        tokens = max(estimate_tokens(*call.texts), call.max_output_tokens)
        has_share, wait = False, 0.0
        for _ in range(PERMIT_TRIES):
            permit = await self._limiter.acquire(tokens, has_share=has_share)
            self._on_circuit(permit.circuit)
            if permit.reason is Reason.NONE:
                if not call.may_spend():
                    raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS)
                return
            wait = permit.wait
            if wait > IN_PLACE_SECONDS:
                break
            has_share = has_share or permit.reason is Reason.PACE
            await asyncio.sleep(wait)
        raise ProviderBusy(retry_after=wait, is_counted=False)

    async def _report(self, call: ModelCall, error: ProviderError | None) -> bool:
        """Report the outcome, and return whether that opened the breaker. The completion is paid for, so it is kept even if the
        limiter is unreachable. That is logged once and not for each call."""
        try:
            change = await self._report_outcome(call, error)
            self._is_limiter_unreachable = False
        except StoreUnavailable:
            if not self._is_limiter_unreachable:
                log.warning("provider.limiter_unreachable", model=self._model)
            self._is_limiter_unreachable = True
            return False
        self._publish_change(change, error)
        return change == OPENED

    async def _report_outcome(self, call: ModelCall, error: ProviderError | None) -> int:
        match error:
            case ProviderBusy():
                wait = BUSY_SECONDS if error.retry_after is None else error.retry_after
                return await self._limiter.report(CallOutcome.BUSY, retry_after=min(wait, MAX_BUSY_SECONDS))
            case ProviderRejected():
                return await self._limiter.reject(
                    status=error.status, sender=_sender(call, error.status), open_seconds=ACCOUNT_SECONDS
                )
            case ProviderError(blames=Blame.ACCOUNT):
                return await self._limiter.report(CallOutcome.FAULT, open_seconds=ACCOUNT_SECONDS)
            case ProviderError(blames=Blame.SERVER):
                return await self._limiter.report(CallOutcome.FAULT, sender=call.user or call.job_id)
            case _:
                return await self._limiter.report(CallOutcome.OK)

    def _publish_change(self, change: int, error: ProviderError | None) -> None:
        if change == OPENED:
            self._on_circuit(Circuit.OPEN)
            code = ProviderMisconfigured.code if isinstance(error, ProviderRejected) else error and error.code
            log.error("provider.breaker_opened", model=self._model, code=code)
        elif change == CLOSED:
            self._on_circuit(Circuit.CLOSED)
            log.info("provider.breaker_closed", model=self._model)


def _sender(call: ModelCall, status: int) -> str:
    """Return the sender that a rejected request counts for. A status like 404 does not depend on the text, so different jobs are
    enough, or chats of different learners; what a learner wrote may cause any other status, so it takes different learners."""
    sender = call.job_id if status in STATUSES_OF_CONFIGURATION else call.user
    return sender or call.user or CHAT


def estimate_tokens(*texts: str) -> int:
    """Estimate the tokens that the provider's own rate limiter counts for a request."""
    return sum(len(text) for text in texts) // CHARACTERS_PER_TOKEN + 1
