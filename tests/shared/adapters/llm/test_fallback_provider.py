"""When one model cannot answer now, the next is asked, and never because of the input."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest
from tests.simulators.faults import Fault, FaultKind, out_of_credit, overloaded, rate_limited, server_error
from tests.simulators.journal import CallState
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.fallback_provider import FallbackProvider
from shared.adapters.llm.openai.client import ModelServerClient, connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.llm.provider import ChatRequest, Delta, Message, Prompt, Task
from shared.domain.provider_errors import (
    ProviderBusy,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
)
from shared.domain.study.material import CardDrafts
from shared.domain.usage import Usage

SOURCE = (
    "Photosynthesis is the process by which plants turn light into sugar. It takes place in the chloroplasts."
)
PROMPT = Prompt(
    task=Task.CARDS,
    instructions="Write cards.",
    source=SOURCE,
    request="Write up to 2 cards.",
    language="en",
    max_output_tokens=500,
)

QUESTION = ChatRequest(
    messages=[Message("user", "Where does it take place?")],
    sources=[SOURCE],
    language="en",
    max_output_tokens=100,
)


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


@pytest.fixture
async def client(simulator: ProviderSimulator) -> AsyncIterator[ModelServerClient]:
    client = connect("key", base_url=simulator.url)
    yield client
    await client.close()


@pytest.fixture
def chain(client: ModelServerClient) -> FallbackProvider:
    return FallbackProvider([OpenAIProvider(client, model=name) for name in ("large", "small")])


async def ask(provider: FallbackProvider) -> Sequence[Delta]:
    async with aclosing(provider.stream(QUESTION)) as stream:
        return [delta async for delta in stream]


def models(simulator: ProviderSimulator) -> list[str]:
    return [call.model for call in simulator.journal.calls]


async def test_only_the_first_model_is_called_if_it_succeeds(
    chain: FallbackProvider, simulator: ProviderSimulator
):
    completion = await chain.complete(PROMPT, CardDrafts)

    assert (completion.model, completion.fallback_used) == ("large", False)
    assert models(simulator) == ["large"]


@pytest.mark.parametrize(
    "fault", [rate_limited("54"), overloaded(), server_error(), out_of_credit(), Fault(kind=FaultKind.RESET)]
)
async def test_the_next_model_is_called_if_the_first_is_busy_or_unavailable(
    fault: Fault, chain: FallbackProvider, simulator: ProviderSimulator
):
    simulator.faults.add(fault)

    completion = await chain.complete(PROMPT, CardDrafts)

    assert (completion.model, completion.fallback_used) == ("small", True)
    assert models(simulator) == ["large", "small"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind=FaultKind.REFUSAL), ProviderRefused),
        (Fault(kind=FaultKind.ERROR, status=400), ProviderRejected),
        (Fault(kind=FaultKind.ERROR, status=401), ProviderMisconfigured),
    ],
)
async def test_an_error_of_the_input_or_the_key_does_not_fall_back(
    fault: Fault, error: type[ProviderError], chain: FallbackProvider, simulator: ProviderSimulator
):
    simulator.faults.add(fault)

    with pytest.raises(error):
        await chain.complete(PROMPT, CardDrafts)

    assert models(simulator) == ["large"]


async def test_the_usage_includes_failed_models(chain: FallbackProvider, simulator: ProviderSimulator):
    simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA), server_error())

    completion = await chain.complete(PROMPT, CardDrafts)

    calls = simulator.journal.calls
    paid = sum((Usage(call.prompt_tokens, call.completion_tokens) for call in calls), Usage())
    assert models(simulator) == ["large", "large", "small"]
    assert completion.usage == paid


async def test_if_all_fail_the_most_hopeful_error_is_raised(
    chain: FallbackProvider, simulator: ProviderSimulator
):
    simulator.faults.add(out_of_credit(), rate_limited("9"))

    with pytest.raises(ProviderBusy) as raised:
        await chain.complete(PROMPT, CardDrafts)

    assert raised.value.retry_after == 9


async def test_the_offline_generator_is_the_last_fallback_and_marked_as_such(
    client: ModelServerClient, simulator: ProviderSimulator
):
    simulator.faults.add(out_of_credit())
    chain = FallbackProvider([OpenAIProvider(client, model="large"), OfflineProvider()])

    completion = await chain.complete(PROMPT, CardDrafts)

    assert (completion.generated_by, completion.fallback_used) == ("offline", True)


async def test_a_stream_falls_back_before_its_first_words(
    chain: FallbackProvider, simulator: ProviderSimulator
):
    simulator.faults.add(server_error())

    *_, last = await ask(chain)

    assert last.model == "small"
    assert models(simulator) == ["large", "small"]


async def test_a_stream_that_has_begun_does_not_fall_back(
    chain: FallbackProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.CUT, pieces=4))

    with pytest.raises(ProviderUnavailable):
        await ask(chain)

    assert models(simulator) == ["large"]


async def test_closing_a_stream_closes_its_connection(chain: FallbackProvider, simulator: ProviderSimulator):
    simulator.piece_seconds = 0.001

    async with aclosing(chain.stream(QUESTION)) as stream:
        await anext(stream)

    await simulator.journal.until_ended()
    assert simulator.journal.calls[0].state is CallState.HUNG_UP
