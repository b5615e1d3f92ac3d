"""A model repeats calls in place within an exact number, and runs its hooks around each of them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from tests.factories import CARDS_PROMPT
from tests.simulators.faults import Fault, FaultKind, out_of_credit, rate_limited, server_error
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.model import LONGEST_WAIT_SECONDS, CallHook, Model, ModelCall, is_worth_waiting_for
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.domain.llm.provider import ChatRequest, Message, Provider
from shared.domain.provider_errors import (
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderUnavailable,
)
from shared.domain.study.material import CardDrafts
from shared.domain.usage import Usage


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


@pytest.fixture
async def provider(simulator: ProviderSimulator) -> AsyncIterator[Provider]:
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    yield provider
    await provider.close()


def repeating(provider: Provider, calls: int) -> Model:
    return Model(
        provider, name="model-1", provider_name="openai", calls_per_attempt=calls, jitter=lambda: 0.0
    )


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_calls_per_attempt_includes_the_first_call(
    calls: int, provider: Provider, simulator: ProviderSimulator
):
    simulator.faults.add(server_error(times=9))

    with pytest.raises(ProviderUnavailable):
        await repeating(provider, calls).complete(CARDS_PROMPT, CardDrafts)

    assert len(simulator.journal.calls) == calls


async def test_a_short_outage_is_waited_out(provider: Provider, simulator: ProviderSimulator):
    simulator.faults.add(rate_limited("0"))

    completion = await repeating(provider, 2).complete(CARDS_PROMPT, CardDrafts)

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
async def test_a_long_wait_or_a_permanent_error_is_raised_at_once(
    fault: Fault, error: type[ProviderError], provider: Provider, simulator: ProviderSimulator
):
    simulator.faults.add(fault)

    with pytest.raises(error):
        await repeating(provider, 3).complete(CARDS_PROMPT, CardDrafts)

    assert len(simulator.journal.calls) == 1


async def test_the_usage_includes_failed_calls(provider: Provider, simulator: ProviderSimulator):
    simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA), server_error())

    completion = await repeating(provider, 2).complete(CARDS_PROMPT, CardDrafts)

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
    ],
)
def test_only_a_temporary_fault_with_a_short_wait_is_worth_waiting_for(error: ProviderError, short: bool):
    assert is_worth_waiting_for(error) is short


def recording(name: str, seen: list[str], calls: list[ModelCall]) -> CallHook:
    """A hook that notes when it is entered and left."""

    @asynccontextmanager
    async def note(call: ModelCall) -> AsyncGenerator[None]:
        seen.append(f"{name} before")
        calls.append(call)
        try:
            yield
        finally:
            seen.append(f"{name} after")

    return note


async def test_hooks_run_around_each_call_the_first_outermost(
    provider: Provider, simulator: ProviderSimulator
):
    seen, calls = list[str](), list[ModelCall]()
    hooks = [recording(name, seen, calls) for name in ("outer", "inner")]
    model = Model(provider, name="model-1", provider_name="openai", hooks=hooks)

    completion = await model.complete(CARDS_PROMPT, CardDrafts)

    assert seen == ["outer before", "inner before", "inner after", "outer after"]
    assert {id(call) for call in calls} == {id(calls[0])}
    assert (calls[0].usage, calls[0].answered_by) == (completion.usage, completion.model)


async def test_a_hook_sees_the_usage_of_a_failed_call(provider: Provider, simulator: ProviderSimulator):
    calls = list[ModelCall]()
    hook = recording("hook", [], calls)
    simulator.faults.add(Fault(kind=FaultKind.REFUSAL))

    with pytest.raises(ProviderRefused) as raised:
        await Model(provider, name="model-1", provider_name="openai", hooks=[hook]).complete(
            CARDS_PROMPT, CardDrafts
        )

    assert calls[0].usage == raised.value.usage != Usage()


async def test_closing_a_stream_exits_its_hooks(provider: Provider, simulator: ProviderSimulator):
    seen, calls = list[str](), list[ModelCall]()
    hook = recording("hook", seen, calls)
    model = Model(provider, name="model-1", provider_name="openai", hooks=[hook])
    request = ChatRequest(messages=[Message("user", "Why?")], language="en", max_output_tokens=100)
    simulator.piece_seconds = 0.001

    async with aclosing(model.stream(request)) as deltas:
        await anext(deltas)
        assert seen == ["hook before"]

    assert seen == ["hook before", "hook after"]
    assert calls[0].usage is None
    assert calls[0].first_delta_at is not None
