"""Calls as background responses, against a server that has them, over real HTTP."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.fakes import FakeProvider, FakeResponseKeeper
from tests.simulators.faults import overloaded
from tests.simulators.journal import CallState
from tests.simulators.provider import ProviderSimulator
from tests.simulators.scripted_server import EVENTS, Response, ScriptedServer

from shared.adapters.llm.fallback_provider import FallbackProvider
from shared.adapters.llm.model import Model, ModelCall
from shared.adapters.llm.openai.background.background_responses import BackgroundResponses, ResponseUse
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE, OPENAI, Abilities
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.domain.errors import LeaseLost
from shared.domain.llm.provider import Completion, KeptResponse, Prompt, Task
from shared.domain.provider_errors import ProviderBusy, ProviderGarbled, ProviderTimedOut, ProviderUnavailable
from shared.domain.study.material import CardDrafts, ItemCounts
from shared.domain.usage import Usage

SOURCE = (
    "The common mouse gathers seeds among the rocks at night. Its thick tail stores fat for the dry season."
)
PROMPT = Prompt(
    task=Task.CARDS,
    instructions="You write flashcards.",
    source=SOURCE,
    language="en",
    request="Write up to 2 cards.",
    counts=ItemCounts(cards=2),
    max_output_tokens=900,
    call_id="job-1/cards/0",
)
FOREVER = 3_600.0
"""Seconds that no test waits for."""


class Setup:
    """Providers of one fleet, and how they used responses."""

    def __init__(self, simulator: ProviderSimulator) -> None:
        self.simulator = simulator
        self.keeper = FakeResponseKeeper()
        self.uses = Counter[ResponseUse]()
        self.client = connect("key", base_url=simulator.url)

    def provider(
        self, *, timeout_seconds: float = DEADLINE_SECONDS, learned: LearnedAbilities | None = None
    ) -> OpenAIProvider:
        return OpenAIProvider(
            self.client,
            model="model-1",
            timeout_seconds=timeout_seconds,
            learned=learned,
            background=BackgroundResponses(model="model-1", on_use=lambda use: self.uses.update([use])),
        )

    async def complete(self, *, timeout_seconds: float = DEADLINE_SECONDS) -> Completion[CardDrafts]:
        provider = self.provider(timeout_seconds=timeout_seconds)
        return await provider.complete(replace(PROMPT, keeper=self.keeper), CardDrafts)

    async def crash(self) -> None:
        """Make the call and abandon it once its response is kept."""
        self.keeper.changed.clear()
        call = asyncio.create_task(self.complete())
        await self.keeper.changed.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    @property
    def states(self) -> list[CallState]:
        return [call.state for call in self.simulator.journal.calls]

    @property
    def paid(self) -> Usage:
        calls = self.simulator.journal.calls
        return sum((Usage(call.prompt_tokens, call.completion_tokens) for call in calls), Usage())


@asynccontextmanager
async def no_permit(_: ModelCall) -> AsyncGenerator[None]:
    """A limiter that lets no call through."""
    raise ProviderBusy(is_counted=False)
    yield


@pytest.fixture
async def setup() -> AsyncIterator[Setup]:
    async with ProviderSimulator() as simulator:
        setup = Setup(simulator)
        yield setup
        await setup.client.close()


# -- one call -----------------------------------------------------------------------------------------------------


async def test_a_call_is_one_response_that_is_followed_and_never_fetched(setup: Setup) -> None:
    completion = await setup.complete()

    assert len(completion.value.cards) == 2
    assert completion.usage == setup.paid
    assert setup.keeper.kept == {"model-1:first": KeptResponse("resp_00000001")}
    assert setup.simulator.background.fetches == 0
    assert setup.uses == {ResponseUse.CREATED: 1}


async def test_a_prompt_without_a_keeper_is_a_chat_completion(setup: Setup) -> None:
    await setup.provider().complete(PROMPT, CardDrafts)

    assert setup.states == [CallState.ANSWERED]
    assert not setup.simulator.background.responses


async def test_a_response_is_waited_for_by_the_next_attempt(setup: Setup) -> None:
    setup.simulator.latency_seconds = 0.3
    await setup.crash()

    completion = await setup.complete()

    assert setup.states == [CallState.ANSWERED]
    assert completion.usage == setup.paid
    assert setup.uses == {ResponseUse.CREATED: 1, ResponseUse.RESUMED: 1}


async def test_a_response_that_ended_meanwhile_is_fetched(setup: Setup) -> None:
    await setup.crash()
    await setup.simulator.journal.until_ended()

    await setup.complete()

    assert setup.states == [CallState.ANSWERED]
    assert setup.simulator.background.fetches == 1


async def test_a_response_without_a_stream_is_fetched_again_later(setup: Setup) -> None:
    setup.simulator.background.can_stream = False
    setup.simulator.latency_seconds = 0.3
    await setup.crash()

    await setup.complete()

    assert setup.states == [CallState.ANSWERED]
    assert setup.simulator.background.fetches == 3  # fetched, refused a stream, fetched


async def test_a_stream_that_ends_early_is_followed_from_where_it_ended(setup: Setup) -> None:
    setup.simulator.background.streams_to_cut = 1
    setup.simulator.latency_seconds = 0.3

    await setup.complete()

    assert setup.states == [CallState.ANSWERED]
    assert setup.simulator.background.fetches == 2  # fetched once, then followed


async def test_a_timeout_leaves_the_response_to_the_next_attempt(setup: Setup) -> None:
    setup.simulator.latency_seconds = 0.6
    with pytest.raises(ProviderTimedOut) as raised:
        await setup.complete(timeout_seconds=0.2)
    assert raised.value.usage == Usage()

    await setup.complete()

    assert setup.states == [CallState.ANSWERED]


# -- what must not be bought twice, and what must be ---------------------------------------------------------------


async def test_a_crash_before_the_id_is_kept_pays_once_where_keys_are_known(setup: Setup) -> None:
    setup.keeper.has_lost_lease = True
    with pytest.raises(LeaseLost):
        await setup.complete()
    setup.keeper.has_lost_lease = False

    await setup.complete()

    assert setup.states == [CallState.ANSWERED]


async def test_a_crash_before_the_id_is_kept_pays_twice_elsewhere(setup: Setup) -> None:
    setup.simulator.background.knows_idempotency_keys = False
    setup.keeper.has_lost_lease = True
    with pytest.raises(LeaseLost):
        await setup.complete()
    setup.keeper.has_lost_lease = False

    await setup.complete()
    await setup.simulator.journal.until_ended(2)

    assert setup.states == [CallState.ANSWERED, CallState.ANSWERED]


def fail(simulator: ProviderSimulator) -> None:
    simulator.background.fail_all()


def expire(simulator: ProviderSimulator) -> None:
    simulator.background.forget_all()


@pytest.mark.parametrize("lose", [fail, expire])
async def test_a_lost_response_is_made_anew_and_counted(
    setup: Setup, lose: Callable[[ProviderSimulator], None]
) -> None:
    setup.simulator.latency_seconds = FOREVER
    await setup.crash()
    lose(setup.simulator)
    setup.simulator.latency_seconds = 0.0

    completion = await setup.complete()

    assert len(completion.value.cards) == 2
    assert setup.uses == {ResponseUse.CREATED: 2, ResponseUse.LOST: 1}
    assert setup.keeper.kept == {"model-1:first": KeptResponse("resp_00000002")}


async def test_a_response_that_fails_while_it_is_followed_fails_the_call(setup: Setup) -> None:
    setup.simulator.latency_seconds = FOREVER
    call = asyncio.create_task(setup.complete())
    await setup.keeper.changed.wait()
    setup.simulator.background.fail_all()

    with pytest.raises(ProviderUnavailable):
        await call


async def test_an_event_that_cannot_be_read_is_passed_over() -> None:
    told = {"id": "resp_1", "background": True, "status": "in_progress"}
    text = '{"cards": [{"front": "Who eats?", "back": "the mouse", "quote": "The common mouse"}]}'
    message = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    events = [
        "{broken",
        json.dumps({"type": "response.created", "sequence_number": 0, "response": told}),
        '{"type": "response.output_te',
        json.dumps({"response": told | {"status": "completed", "output": [message]}}),
    ]
    body = "".join(f"data: {event}\n\n" for event in events).encode()
    async with ScriptedServer(lambda _: Response(body=body, content_type=EVENTS)) as server:
        provider = OpenAIProvider(
            connect("key", base_url=server.url), model="m", background=BackgroundResponses(model="m")
        )
        completion = await provider.complete(replace(PROMPT, keeper=FakeResponseKeeper()), CardDrafts)
        await provider.close()

    assert completion.value.cards[0].back == "the mouse"
    assert len(server.requests) == 1


async def test_a_refused_creation_is_the_servers_error(setup: Setup) -> None:
    setup.simulator.faults.add(overloaded("1"))

    with pytest.raises(ProviderBusy):
        await setup.complete()
    await setup.complete()

    assert setup.uses == {ResponseUse.CREATED: 1}


async def test_both_responses_of_a_call_that_asks_again_are_waited_for(setup: Setup) -> None:
    setup.simulator.background.write = lambda text: text if len(setup.states) > 1 else "no JSON at all"
    await setup.complete()
    kept, paid = setup.keeper.kept, setup.paid

    completion = await setup.complete()

    assert list(kept) == ["model-1:first", "model-1:second"]
    assert completion.usage == paid == setup.paid
    assert setup.uses == {ResponseUse.CREATED: 2, ResponseUse.RESUMED: 2}


async def test_responses_that_were_charged_with_an_error_are_made_anew(setup: Setup) -> None:
    setup.simulator.background.write = lambda text: "no JSON at all"
    with pytest.raises(ProviderGarbled) as raised:
        await setup.complete()
    assert raised.value.usage == setup.paid
    assert all(kept.is_spent for kept in setup.keeper.kept.values())
    setup.simulator.background.write = lambda text: text

    completion = await setup.complete()

    assert completion.usage + raised.value.usage == setup.paid
    assert setup.uses == {ResponseUse.CREATED: 3}


# -- the end of a job ----------------------------------------------------------------------------------------------


async def test_a_cancelled_job_cancels_its_response(setup: Setup) -> None:
    setup.simulator.latency_seconds = FOREVER
    setup.keeper.is_job_cancelled = True
    await setup.crash()

    assert setup.states == [CallState.CANCELLED]


async def test_a_response_in_whose_place_another_model_answered_is_cancelled(setup: Setup) -> None:
    setup.simulator.latency_seconds = FOREVER
    model = setup.provider(timeout_seconds=0.3)
    chain = FallbackProvider([model, FakeProvider()])

    completion = await chain.complete(replace(PROMPT, keeper=setup.keeper), CardDrafts)

    assert completion.fallback_used
    await setup.simulator.journal.until_ended()
    assert setup.states == [CallState.CANCELLED]


async def test_a_response_of_an_earlier_attempt_is_cancelled_when_its_model_is_not_asked_again(
    setup: Setup,
) -> None:
    setup.simulator.latency_seconds = FOREVER
    await setup.crash()
    busy = Model(setup.provider(), name="model-1", provider_name="openai", hooks=[no_permit])
    chain = FallbackProvider([busy, FakeProvider()])

    await chain.complete(replace(PROMPT, keeper=setup.keeper), CardDrafts)

    await setup.simulator.journal.until_ended()
    assert setup.states == [CallState.CANCELLED]


async def test_a_server_that_cancels_nothing_does_not_spoil_what_another_answered(setup: Setup) -> None:
    setup.keeper.kept["model-1:first"] = KeptResponse("resp_unknown")
    busy = Model(setup.provider(), name="model-1", provider_name="openai", hooks=[no_permit])
    chain = FallbackProvider([busy, FakeProvider()])

    completion = await chain.complete(replace(PROMPT, keeper=setup.keeper), CardDrafts)

    assert completion.fallback_used


async def test_a_response_that_every_model_failed_is_left_to_the_next_attempt(setup: Setup) -> None:
    setup.simulator.latency_seconds = FOREVER
    chain = FallbackProvider(
        [setup.provider(timeout_seconds=0.3), FakeProvider(faults=lambda _: ProviderBusy())]
    )

    with pytest.raises(ProviderTimedOut):
        await chain.complete(replace(PROMPT, keeper=setup.keeper), CardDrafts)

    assert setup.states == [CallState.RUNNING]


async def test_an_interrupted_attempt_leaves_its_response_to_the_next(setup: Setup) -> None:
    setup.simulator.latency_seconds = FOREVER
    await setup.crash()

    assert setup.states == [CallState.RUNNING]


async def test_a_job_cancelled_before_the_id_is_kept_cancels_its_response(setup: Setup) -> None:
    setup.simulator.latency_seconds = FOREVER
    setup.keeper.is_job_cancelled = setup.keeper.has_lost_lease = True

    with pytest.raises(LeaseLost):
        await setup.complete()

    assert setup.states == [CallState.CANCELLED]


# -- servers without it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [OPENAI, COMPATIBLE], ids=["openai", "compatible"])
async def test_a_server_without_responses_is_asked_for_them_once(setup: Setup, base: Abilities) -> None:
    setup.simulator.background.is_known = False
    learned = LearnedAbilities(base, model="model-1")
    provider = setup.provider(learned=learned)

    for _ in range(2):
        completion = await provider.complete(replace(PROMPT, keeper=setup.keeper), CardDrafts)
        assert len(completion.value.cards) == 2

    assert setup.states == [CallState.ANSWERED, CallState.ANSWERED]
    assert not learned.current.background
    assert learned.current.structured_output is base.structured_output
    assert setup.simulator.background.requests == 1
    assert not setup.keeper.kept


async def test_a_server_that_ignores_the_field_is_sent_chat_completions_from_then_on(setup: Setup) -> None:
    setup.simulator.background.knows_background = False
    learned = LearnedAbilities(OPENAI, model="model-1")
    provider = setup.provider(learned=learned)

    for _ in range(2):
        await provider.complete(replace(PROMPT, keeper=setup.keeper), CardDrafts)
        setup.keeper.kept.clear()

    assert not learned.current.background
    assert setup.simulator.background.requests == 1
    assert setup.states == [CallState.ANSWERED, CallState.ANSWERED]
