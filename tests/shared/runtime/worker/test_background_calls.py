"""A call in the background, while the attempts of its job come and go: it is paid for once, and charged once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.factories import ADA, SUMMARY_PROMPT
from tests.job_harness import POLICY, JobHarness, settled
from tests.servers import RedisPlace
from tests.simulators.journal import CallState
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.openai.background.background_responses import BackgroundResponses
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.errors import LeaseLost
from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.retry_policy import RetryPolicy
from shared.domain.study.material import SummaryDraft
from shared.domain.usage import Usage
from shared.runtime.worker.attempts.attempt_context import FencedAttemptContext

LOST_LEASES = 10
MANY_CRASHES = replace(POLICY, retry=RetryPolicy(max_crashes=2 * LOST_LEASES))
FOREVER = 3_600.0
"""Seconds that no test waits for."""


@pytest.fixture
async def harness(redis_place: RedisPlace, redis: RedisClient) -> AsyncIterator[JobHarness]:
    harness = JobHarness(redis_place, redis, policy=MANY_CRASHES)
    yield harness
    await harness.close()


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator(latency_seconds=FOREVER) as running:
        yield running


@pytest.fixture
async def provider(simulator: ProviderSimulator) -> AsyncIterator[OpenAIProvider]:
    background = BackgroundResponses(model="model-1")
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1", background=background)
    yield provider
    await provider.close()


class ObservedStore(AttemptStore):
    """Tells when a response has been kept."""

    def __init__(self, redis: RedisClient) -> None:
        super().__init__(redis)
        self.kept = asyncio.Event()

    async def keep_response(self, job: LeasedJob, name: str, response: bytes) -> None:
        await super().keep_response(job, name, response)
        self.kept.set()


class Attempt:
    """One attempt that makes the job's only call."""

    def __init__(self, harness: JobHarness, job: LeasedJob, provider: OpenAIProvider) -> None:
        self.store = ObservedStore(harness.redis)
        context = FencedAttemptContext(
            job,
            self.store,
            provider,
            policy=harness.policy,
            bought=harness.results,
            metrics=harness.metrics,
            may_spend=lambda: True,
        )
        prompt = replace(SUMMARY_PROMPT, call_id=f"{job.id}/summary")
        self.call = asyncio.create_task(context.complete("summary", prompt, SummaryDraft))

    async def crash(self) -> None:
        self.call.cancel()
        await asyncio.wait([self.call])


async def claim(harness: JobHarness, lost: LeasedJob, *, owner: str, claimer: JobStream) -> LeasedJob:
    await harness.age(lost, owner=owner)
    await harness.swept_just_now()
    (job,) = await claimer.claim(0, 10)
    return job


async def test_ten_lost_leases_pay_for_one_call(
    harness: JobHarness, simulator: ProviderSimulator, provider: OpenAIProvider
) -> None:
    submission = await harness.submit()
    stream = harness.stream("w0")
    job = await harness.lease_one(stream)
    for number in range(1, LOST_LEASES + 1):
        asked = simulator.background.requests
        attempt = Attempt(harness, job, provider)
        await simulator.background.until_requested(asked + 1)
        await attempt.crash()
        stream = harness.stream(f"w{number}")
        job = await claim(harness, job, owner=f"w{number - 1}", claimer=stream)
    simulator.background.finish_all()
    completion = await Attempt(harness, job, provider).call

    (call,) = simulator.journal.calls
    assert completion.usage == Usage(call.prompt_tokens, call.completion_tokens)
    assert job.attempt == LOST_LEASES + 1
    await stream.settle([settled(job, usage=completion.usage)], now=0.0)
    assert await harness.budget() == [(completion.usage.total, 0)] * 2
    assert (await harness.record(submission.id)).usage == completion.usage


async def test_a_late_attempt_keeps_no_response(
    harness: JobHarness, simulator: ProviderSimulator, provider: OpenAIProvider
) -> None:
    await harness.submit()
    first = await harness.lease_one(harness.stream("w0"))
    await claim(harness, first, owner="w0", claimer=harness.stream("w1"))

    with pytest.raises(LeaseLost):
        await Attempt(harness, first, provider).call

    assert [call.state for call in simulator.journal.calls] == [CallState.RUNNING]


async def test_a_cancelled_job_cancels_its_response(
    harness: JobHarness, simulator: ProviderSimulator, provider: OpenAIProvider
) -> None:
    submission = await harness.submit()
    attempt = Attempt(harness, await harness.lease_one(harness.stream("w0")), provider)
    await attempt.store.kept.wait()
    await harness.store.cancel(ADA, submission.id)

    await attempt.crash()  # as the worker does when a renewal tells it that the lease is lost

    assert [call.state for call in simulator.journal.calls] == [CallState.CANCELLED]
    assert not [key for key in await harness.key_names() if key.endswith(":steps")]
