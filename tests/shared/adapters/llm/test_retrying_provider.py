"""Short faults are waited out in place, within a number of calls that is exact."""

from collections.abc import AsyncIterator

import pytest
from tests.factories import CARDS_PROMPT
from tests.simulators.faults import Fault, FaultKind, out_of_credit, rate_limited, server_error
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.retrying_provider import LONGEST_WAIT_SECONDS, RetryingProvider, is_short
from shared.domain.errors import (
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderUnavailable,
)
from shared.domain.llm.provider import Provider
from shared.domain.study.material import CardDrafts
from shared.domain.usage import Usage


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


@pytest.fixture
async def model(simulator: ProviderSimulator) -> AsyncIterator[Provider]:
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    yield provider
    await provider.close()


def patient(model: Provider, calls: int) -> RetryingProvider:
    return RetryingProvider(model, calls_per_attempt=calls, jitter=lambda: 0.0)


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_n_calls_allowed_are_n_calls(calls: int, model: Provider, simulator: ProviderSimulator):
    simulator.faults.add(server_error(times=9))

    with pytest.raises(ProviderUnavailable):
        await patient(model, calls).complete(CARDS_PROMPT, CardDrafts)

    assert len(simulator.journal.calls) == calls


async def test_a_short_fault_is_waited_out(model: Provider, simulator: ProviderSimulator):
    simulator.faults.add(rate_limited("0"))

    completion = await patient(model, 2).complete(CARDS_PROMPT, CardDrafts)

    assert completion.value.cards
    assert len(simulator.journal.calls) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (rate_limited("54"), ProviderBusy),
        (out_of_credit(), ProviderOutOfCredit),
        (Fault(kind=FaultKind.REFUSAL), ProviderRefused),
    ],
)
async def test_a_long_wait_or_a_lasting_fault_is_left_to_the_job(
    fault: Fault, error: type[ProviderError], model: Provider, simulator: ProviderSimulator
):
    simulator.faults.add(fault)

    with pytest.raises(error):
        await patient(model, 3).complete(CARDS_PROMPT, CardDrafts)

    assert len(simulator.journal.calls) == 1


async def test_what_failed_calls_cost_is_part_of_the_usage(model: Provider, simulator: ProviderSimulator):
    simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA), server_error())

    completion = await patient(model, 2).complete(CARDS_PROMPT, CardDrafts)

    calls = simulator.journal.calls
    assert len(calls) == 3
    assert completion.usage == sum(
        (Usage(call.prompt_tokens, call.completion_tokens) for call in calls), Usage()
    )


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (ProviderBusy(), True),
        (ProviderBusy(retry_after=LONGEST_WAIT_SECONDS), True),
        (ProviderBusy(retry_after=LONGEST_WAIT_SECONDS + 0.1), False),
        (ProviderUnavailable(), True),
        (ProviderGarbled(), False),
        (ProviderOutOfCredit(), False),
        (ValueError(), False),
    ],
)
def test_only_a_temporary_fault_with_a_short_wait_is_worth_waiting_for(error: Exception, short: bool):
    assert is_short(error) is short
