"""The fleet's limiter: a `Retry-After` closes it for all workers, an outage opens the breaker, one probe tests it, and rate
limits are kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar, cast

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.deadline import DEADLINE_SECONDS
from tests.factories import SUMMARY_PROMPT
from tests.servers import RealRedis, RedisPlace
from tests.simulators.faults import Fault, out_of_credit, rate_limited, server_error
from tests.simulators.pace import Pace
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.model import Model
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.rate_limit_hook import RateLimitHook
from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.models import provider_limiter
from shared.adapters.redis.models.provider_limiter import CallOutcome, LimiterPolicy, ProviderLimiter, Reason
from shared.domain.errors import StoreUnavailable
from shared.domain.provider_errors import (
    ProviderBusy,
    ProviderError,
    ProviderOutOfCredit,
    ProviderUnavailable,
)
from shared.domain.study.material import SummaryDraft

T = TypeVar("T")


def make_limiter(redis: RedisClient, **policy: float) -> ProviderLimiter:
    return ProviderLimiter(redis, "model-1", msgspec.convert(policy, LimiterPolicy))


async def pass_time(redis: RedisClient, field: str) -> None:
    """Put the time in `field` into the past, as if it had been waited for."""
    await call(redis, "HSET", keys.gate("model-1"), field, 1)


async def test_a_retry_after_closes_the_limiter_for_every_worker(
    redis_place: RedisPlace, redis: RedisClient
) -> None:
    other = redis_place.connect()
    mine, theirs = make_limiter(redis), make_limiter(other)
    assert (await theirs.acquire(100)).reason is Reason.NONE
    await mine.report(CallOutcome.BUSY, retry_after=20)

    permit = await theirs.acquire(100)
    assert permit.reason is Reason.ASKED_TO_WAIT
    assert permit.wait == pytest.approx(20, abs=1)
    await pass_time(redis, "closed_until")
    assert (await theirs.acquire(100)).reason is Reason.NONE
    await other.aclose()


async def test_a_shorter_wait_does_not_shorten_a_longer_one(redis: RedisClient) -> None:
    limiter = make_limiter(redis)
    await limiter.report(CallOutcome.BUSY, retry_after=20)
    await limiter.report(CallOutcome.BUSY, retry_after=1)
    assert (await limiter.acquire(1)).wait > 10


async def test_faults_in_a_row_open_the_breaker_and_a_success_resets_their_count(redis: RedisClient) -> None:
    limiter = make_limiter(redis, faults_that_open=3)
    for _ in range(2):
        assert await limiter.report(CallOutcome.FAULT) == 0
    await limiter.report(CallOutcome.OK)
    for expected in (0, 0, 2):
        assert await limiter.report(CallOutcome.FAULT) == expected
    assert (await limiter.acquire(1)).reason is Reason.BREAKER


async def test_an_open_breaker_lets_one_probe_through(redis: RedisClient) -> None:
    limiter = make_limiter(redis, faults_that_open=1)
    await limiter.report(CallOutcome.FAULT)
    await pass_time(redis, "open_until")
    permits = [await limiter.acquire(1) for _ in range(3)]
    assert [permit.reason for permit in permits] == [Reason.NONE, Reason.BREAKER, Reason.BREAKER]

    assert await limiter.report(CallOutcome.OK) == 1
    assert (await limiter.acquire(1)).reason is Reason.NONE


async def test_a_probe_that_fails_opens_the_breaker_again(redis: RedisClient) -> None:
    limiter = make_limiter(redis, faults_that_open=1, open_seconds=30)
    await limiter.report(CallOutcome.FAULT)
    await pass_time(redis, "open_until")
    assert (await limiter.acquire(1)).reason is Reason.NONE
    await limiter.report(CallOutcome.FAULT)
    assert (await limiter.acquire(1)).wait > 20


@pytest.mark.parametrize(
    ("policy", "tokens"), [({"requests_per_minute": 60}, 1), ({"tokens_per_minute": 6_000}, 100)]
)
async def test_a_rate_limit_admits_one_minutes_calls_and_then_one_per_second(
    redis: RedisClient, policy: dict[str, float], tokens: int
) -> None:
    limiter = make_limiter(redis, **policy)
    permits = [await limiter.acquire(tokens) for _ in range(66)]
    assert [permit.reason for permit in permits[:60]] == [Reason.NONE] * 60
    waits = [permit.wait for permit in permits[60:]]
    assert waits[:3] == pytest.approx([1, 2, 3], abs=0.5)
    assert permits[-1].reason is Reason.PACE_TOO_LONG
    assert waits[-1] == pytest.approx(waits[-2], abs=0.5)


async def test_a_call_above_the_token_limit_of_a_minute_is_still_admitted(redis: RedisClient) -> None:
    limiter = make_limiter(redis, tokens_per_minute=1_000)
    assert (await limiter.acquire(5_000)).reason is Reason.NONE


async def test_a_call_takes_its_share_only_once(redis: RedisClient) -> None:
    limiter = make_limiter(redis, requests_per_minute=1)
    await limiter.acquire(1)
    assert (await limiter.acquire(1, has_share=True)).reason is Reason.NONE


# -- with a provider over HTTP ----------------------------------------------------------------------------------


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


def make_provider(simulator: ProviderSimulator, redis: RedisClient, **policy: float) -> Model:
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    hook = RateLimitHook(make_limiter(redis, **policy), model="model-1")
    return Model(provider, name="model-1", provider_name="openai", hooks=[hook])


async def ask_all(providers: Sequence[Model], times: int) -> list[ProviderError | None]:
    async def ask(provider: Model) -> ProviderError | None:
        try:
            await provider.complete(SUMMARY_PROMPT, SummaryDraft)
        except ProviderError as error:
            return error
        return None

    return [await ask(providers[i % len(providers)]) for i in range(times)]


async def test_while_the_limiter_is_closed_no_call_is_made_and_no_attempt_is_spent(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    simulator.faults.add(rate_limited("20"))
    fleet = [make_provider(simulator, real_redis) for _ in range(3)]
    first, *others = await ask_all(fleet, 50)

    assert isinstance(first, ProviderBusy)
    assert first.is_counted
    assert len(simulator.journal.calls) == 1
    assert all(isinstance(other, ProviderBusy) and not other.is_counted for other in others)
    assert all(other and (other.retry_after or 0) > 15 for other in others)
    for provider in fleet:
        await provider.close()


async def test_in_an_outage_only_the_calls_that_open_the_breaker_are_made(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    simulator.faults.add(server_error(times=1_000))
    fleet = [make_provider(simulator, real_redis, faults_that_open=4) for _ in range(3)]
    errors = await ask_all(fleet, 50)
    assert len(simulator.journal.calls) == 4
    assert [type(error) for error in errors[:5]] == [ProviderUnavailable] * 4 + [ProviderBusy]
    for provider in fleet:
        await provider.close()


async def test_an_empty_account_is_called_once(simulator: ProviderSimulator, real_redis: RedisClient) -> None:
    simulator.faults.add(out_of_credit(times=1_000))
    provider = make_provider(simulator, real_redis)
    errors = await ask_all([provider], 20)
    assert len(simulator.journal.calls) == 1
    assert isinstance(errors[0], ProviderOutOfCredit)
    await provider.close()


@pytest.mark.parametrize("fault", [None, server_error()])
async def test_the_result_of_a_call_is_kept_if_redis_fails_meanwhile(
    simulator: ProviderSimulator, redis_server: RealRedis, real_redis: RedisClient, fault: Fault | None
) -> None:
    """The completion is paid for and the error counts, so neither is lost because the limiter is unreachable."""
    if fault:
        simulator.faults.add(fault)
    simulator.latency_seconds = 0.2
    provider = make_provider(simulator, real_redis)
    asking = asyncio.create_task(ask_all([provider], 1))
    await simulator.journal.until(lambda calls: len(calls) == 1)
    redis_server.server.process.kill()
    (error,) = await asking
    assert isinstance(error, ProviderUnavailable) if fault else error is None
    await provider.close()


async def test_an_unreachable_limiter_is_logged_once_for_all_calls(
    simulator: ProviderSimulator, redis_server: RealRedis, real_redis: RedisClient
) -> None:
    simulator.latency_seconds = 0.2
    provider = make_provider(simulator, real_redis)
    asking = asyncio.create_task(ask_all([provider], 5))
    await simulator.journal.until(lambda calls: len(calls) == 5)
    redis_server.server.process.kill()
    with capture_logs() as logs:
        assert await asking == [None] * 5
    assert [line["event"] for line in logs] == ["provider.limiter_unreachable"]
    await provider.close()


async def test_a_call_that_waited_too_long_for_its_permit_is_not_made(
    redis_server: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls wait in line for a connection, so the timeout of one command does not bound the wait. A worker whose connections
    were stuck for half a minute once made its calls afterwards, for jobs that other workers owned by then."""
    monkeypatch.setattr(provider_limiter, "ACQUIRE_SECONDS", 0.2)
    redis = redis_server.connect()
    connection_kwargs = cast(Any, redis).connection_pool.connection_kwargs
    connection_kwargs["socket_timeout"] = 10 * DEADLINE_SECONDS  # a single command may take long
    redis_server.server.process.pause()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            with pytest.raises(StoreUnavailable):
                await make_limiter(redis).acquire(1)
    finally:
        redis_server.server.process.resume()
        await redis.aclose()


async def test_a_call_waits_in_place_for_a_short_closure(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    provider = make_provider(simulator, real_redis)
    started = time.monotonic()
    await make_limiter(real_redis).report(CallOutcome.BUSY, retry_after=0.2)
    assert await ask_all([provider], 1) == [None]
    assert time.monotonic() - started >= 0.2
    await provider.close()


async def test_a_fleet_uses_its_rate_limit_fully_and_is_hardly_refused(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    """600 requests per minute are a burst of 600 and then 10 per second. All workers of the fleet call at once."""
    simulator.pace = Pace(requests_per_minute=600)
    fleet = [make_provider(simulator, real_redis, requests_per_minute=600) for _ in range(4)]

    async def work(provider: Model) -> None:
        for _ in range(170):
            await ask_all([provider], 1)

    async with asyncio.TaskGroup() as group:
        for provider in fleet:
            group.create_task(work(provider))
    calls = simulator.journal.calls
    seconds = calls[-1].started_at - calls[0].started_at
    refused = [one for one in calls if one.status == 429]
    allowed = min(680, 600 + 10 * seconds)
    assert len(refused) <= len(calls) / 100
    assert len(calls) >= 0.95 * allowed
    for provider in fleet:
        await provider.close()
