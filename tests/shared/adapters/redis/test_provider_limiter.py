"""The fleet's gate: one `Retry-After` closes it for all, an outage opens the breaker, one probe tests it, and the pace is kept."""

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
from shared.adapters.redis import provider_limiter as gate
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import call
from shared.adapters.redis.provider_limiter import CallOutcome, LimiterPolicy, ProviderLimiter, Reason
from shared.domain.errors import (
    ProviderBusy,
    ProviderError,
    ProviderOutOfCredit,
    ProviderUnavailable,
    StoreUnavailable,
)
from shared.domain.study.material import SummaryDraft

T = TypeVar("T")


def make_gate(redis: RedisClient, **policy: float) -> ProviderLimiter:
    return ProviderLimiter(redis, "model-1", msgspec.convert(policy, LimiterPolicy))


async def pass_time(redis: RedisClient, field: str) -> None:
    """As if what a field waits for had come."""
    await call(redis, "HSET", keys.gate("model-1"), field, 1)


async def test_a_retry_after_closes_the_gate_for_every_worker(
    redis_place: RedisPlace, redis: RedisClient
) -> None:
    other = redis_place.connect()
    mine, theirs = make_gate(redis), make_gate(other)
    assert (await theirs.enter(100)).reason is Reason.NONE
    await mine.leave(CallOutcome.BUSY, retry_after=20)

    leave = await theirs.enter(100)
    assert leave.reason is Reason.ASKED_TO_WAIT
    assert leave.wait == pytest.approx(20, abs=1)
    await pass_time(redis, "closed_until")
    assert (await theirs.enter(100)).reason is Reason.NONE
    await other.aclose()


async def test_a_shorter_wait_does_not_shorten_a_longer_one(redis: RedisClient) -> None:
    gate = make_gate(redis)
    await gate.leave(CallOutcome.BUSY, retry_after=20)
    await gate.leave(CallOutcome.BUSY, retry_after=1)
    assert (await gate.enter(1)).wait > 10


async def test_faults_in_a_row_open_the_breaker_and_one_good_answer_forgets_them(redis: RedisClient) -> None:
    gate = make_gate(redis, faults_that_open=3)
    for _ in range(2):
        assert await gate.leave(CallOutcome.FAULT) == 0
    await gate.leave(CallOutcome.OK)
    for expected in (0, 0, 2):
        assert await gate.leave(CallOutcome.FAULT) == expected
    assert (await gate.enter(1)).reason is Reason.BREAKER


async def test_an_open_breaker_lets_one_probe_through(redis: RedisClient) -> None:
    gate = make_gate(redis, faults_that_open=1)
    await gate.leave(CallOutcome.FAULT)
    await pass_time(redis, "open_until")
    leaves = [await gate.enter(1) for _ in range(3)]
    assert [leave.reason for leave in leaves] == [Reason.NONE, Reason.BREAKER, Reason.BREAKER]

    assert await gate.leave(CallOutcome.OK) == 1
    assert (await gate.enter(1)).reason is Reason.NONE


async def test_a_probe_that_fails_opens_the_breaker_again(redis: RedisClient) -> None:
    gate = make_gate(redis, faults_that_open=1, open_seconds=30)
    await gate.leave(CallOutcome.FAULT)
    await pass_time(redis, "open_until")
    assert (await gate.enter(1)).reason is Reason.NONE
    await gate.leave(CallOutcome.FAULT)
    assert (await gate.enter(1)).wait > 20


@pytest.mark.parametrize(
    ("policy", "tokens"), [({"requests_per_minute": 60}, 1), ({"tokens_per_minute": 6_000}, 100)]
)
async def test_the_pace_lets_a_minutes_worth_through_and_then_one_a_second(
    redis: RedisClient, policy: dict[str, float], tokens: int
) -> None:
    gate = make_gate(redis, **policy)
    leaves = [await gate.enter(tokens) for _ in range(66)]
    assert [leave.reason for leave in leaves[:60]] == [Reason.NONE] * 60
    waits = [leave.wait for leave in leaves[60:]]
    assert waits[:3] == pytest.approx([1, 2, 3], abs=0.5)
    assert leaves[-1].reason is Reason.PACE_TOO_LONG
    assert waits[-1] == pytest.approx(waits[-2], abs=0.5)


async def test_a_call_longer_than_a_minutes_worth_still_gets_its_turn(redis: RedisClient) -> None:
    gate = make_gate(redis, tokens_per_minute=1_000)
    assert (await gate.enter(5_000)).reason is Reason.NONE


async def test_a_share_once_taken_is_not_taken_again(redis: RedisClient) -> None:
    gate = make_gate(redis, requests_per_minute=1)
    await gate.enter(1)
    assert (await gate.enter(1, has_share=True)).reason is Reason.NONE


# -- with a provider over HTTP ----------------------------------------------------------------------------------


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


def make_provider(simulator: ProviderSimulator, redis: RedisClient, **policy: float) -> Model:
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    hook = RateLimitHook(make_gate(redis, **policy), model="model-1")
    return Model(provider, name="model-1", provider_name="openai", hooks=[hook])


async def ask_all(providers: Sequence[Model], times: int) -> list[ProviderError | None]:
    async def ask(provider: Model) -> ProviderError | None:
        try:
            await provider.complete(SUMMARY_PROMPT, SummaryDraft)
        except ProviderError as error:
            return error
        return None

    return [await ask(providers[i % len(providers)]) for i in range(times)]


async def test_while_the_gate_is_closed_no_call_is_made_and_no_attempt_is_spent(
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


async def test_an_outage_is_met_by_as_many_calls_as_open_the_breaker(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    simulator.faults.add(server_error(times=1_000))
    fleet = [make_provider(simulator, real_redis, faults_that_open=4) for _ in range(3)]
    errors = await ask_all(fleet, 50)
    assert len(simulator.journal.calls) == 4
    assert [type(error) for error in errors[:5]] == [ProviderUnavailable] * 4 + [ProviderBusy]
    for provider in fleet:
        await provider.close()


async def test_an_empty_account_is_asked_once(simulator: ProviderSimulator, real_redis: RedisClient) -> None:
    simulator.faults.add(out_of_credit(times=1_000))
    provider = make_provider(simulator, real_redis)
    errors = await ask_all([provider], 20)
    assert len(simulator.journal.calls) == 1
    assert isinstance(errors[0], ProviderOutOfCredit)
    await provider.close()


@pytest.mark.parametrize("fault", [None, server_error()])
async def test_what_was_called_comes_back_though_redis_went_away_meanwhile(
    simulator: ProviderSimulator, redis_server: RealRedis, real_redis: RedisClient, fault: Fault | None
) -> None:
    """The answer is paid for, and the error counts: neither is lost because the gate cannot be told."""
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


async def test_that_the_gate_cannot_be_told_is_said_once_for_all_calls(
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


async def test_a_call_that_waited_long_for_its_leave_is_not_made(
    redis_server: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose connections carried nothing for half a minute made its calls when they did again, for jobs that
    others had: each call waited in line for a connection, and no command alone took too long."""
    monkeypatch.setattr(gate, "ENTER_SECONDS", 0.2)
    redis = redis_server.connect()
    connection_kwargs = cast(Any, redis).connection_pool.connection_kwargs
    connection_kwargs["socket_timeout"] = 10 * DEADLINE_SECONDS  # a single command may take long
    redis_server.server.process.pause()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            with pytest.raises(StoreUnavailable):
                await make_gate(redis).enter(1)
    finally:
        redis_server.server.process.resume()
        await redis.aclose()


async def test_a_short_closure_is_waited_out_in_place(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    provider = make_provider(simulator, real_redis)
    started = time.monotonic()
    await make_gate(real_redis).leave(CallOutcome.BUSY, retry_after=0.2)
    assert await ask_all([provider], 1) == [None]
    assert time.monotonic() - started >= 0.2
    await provider.close()


async def test_a_fleet_at_its_limits_uses_them_without_being_refused(
    simulator: ProviderSimulator, real_redis: RedisClient
) -> None:
    """600 a minute is a burst of 600 and then 10 a second; workers join while it runs."""
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
