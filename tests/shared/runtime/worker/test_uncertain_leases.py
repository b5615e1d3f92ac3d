"""An attempt whose lease may be over makes no paid call (decision 22)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.factories import SUMMARY_PROMPT
from tests.job_harness import JobHarness, succeed
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.model import Model
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.rate_limit_hook import RateLimitHook
from shared.adapters.redis.models.provider_limiter import LimiterPolicy, ProviderLimiter
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobState
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.study.material import SummaryDraft


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as running:
        yield running


@pytest.mark.parametrize("is_renewed", [True, False])
async def test_a_call_is_made_only_under_a_lease_that_is_certain(
    real_harness: JobHarness, simulator: ProviderSimulator, *, is_renewed: bool
) -> None:
    model = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    limiter = ProviderLimiter(real_harness.redis, "model-1", LimiterPolicy())
    hook = RateLimitHook(limiter, model="model-1")
    provider = Model(model, name="model-1", provider_name="openai", hooks=[hook])
    now = 1_000.0
    lease_renewer = real_harness.lease_renewer(monotonic=lambda: now)

    async def wait_and_call(job_input: JobInput, context: AttemptContext) -> Outcome:
        nonlocal now
        now += 2 * real_harness.policy.lease_seconds
        if is_renewed:
            await asyncio.to_thread(lease_renewer.renew)
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        return await succeed(job_input, context)

    job = await real_harness.submit()
    await real_harness.consumer(wait_and_call, lease_renewer=lease_renewer, provider=provider).drain()
    assert len(simulator.journal.calls) == is_renewed
    state = (await real_harness.record(job.id)).state
    assert state is (JobState.SUCCEEDED if is_renewed else JobState.QUEUED)
    await provider.close()
