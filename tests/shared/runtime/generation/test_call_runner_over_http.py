"""The handlers of both workers against a model over real HTTP: what is asked, what it costs, what is never bought twice."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from tests.fakes import FakeAttemptContext
from tests.paths import read_text
from tests.shared.domain.generation.plan_inputs import make_input
from tests.simulators.faults import Fault, FaultKind, rate_limited
from tests.simulators.provider import ProviderSimulator

from ai_worker.handlers import HANDLERS as AI_HANDLERS
from collection_worker.handlers import HANDLERS as COLLECTION_HANDLERS
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.token_counter import count_tokens
from shared.domain.generation.hold import hold_for
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done, Outcome
from shared.domain.provider_errors import ProviderBusy
from shared.domain.study.material import Collection

HANDLERS = {**AI_HANDLERS, **COLLECTION_HANDLERS}
FRENCH = read_text("photosynthese.fr.txt")
ENGLISH = read_text("solar_system.en.txt")
LONG = ENGLISH * 8


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


@pytest.fixture
async def context(simulator: ProviderSimulator) -> AsyncIterator[FakeAttemptContext]:
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    yield FakeAttemptContext(provider)
    await provider.close()


async def handle(kind: Kind, text: str, context: FakeAttemptContext) -> Outcome:
    return await HANDLERS[kind](make_input(kind, text), context)


async def collect(text: str, context: FakeAttemptContext) -> Collection:
    outcome = await handle(Kind.COLLECTION, text, context)
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Collection)
    return outcome.result


def spent(simulator: ProviderSimulator) -> int:
    return sum(call.prompt_tokens + call.completion_tokens for call in simulator.journal.calls)


@pytest.mark.parametrize("text", [FRENCH, ENGLISH], ids=["fr", "en"])
async def test_600_words_become_a_collection_for_two_calls(
    text: str, context: FakeAttemptContext, simulator: ProviderSimulator
):
    collection = await collect(text, context)

    assert len(collection.flashcards) >= 10
    assert len(collection.quiz) >= 5
    assert all(text[i.source.start : i.source.end] == i.source.quote for i in collection.flashcards)
    assert sorted(call.call_id for call in simulator.journal.calls) == [
        f"{context.job.id}/cards/0",
        f"{context.job.id}/questions/0",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("text", [FRENCH, LONG], ids=["short", "long"])
@pytest.mark.parametrize("kind", list(Kind))
async def test_every_kind_is_made_within_its_hold_and_even_when_every_answer_is_asked_for_twice(
    kind: Kind, text: str, context: FakeAttemptContext, simulator: ProviderSimulator
):
    await handle(kind, text, context)
    calls, hold = len(simulator.journal.calls), hold_for(kind, make_input(kind, text), count_tokens)
    assert 0 < spent(simulator) <= hold <= 1.6 * spent(simulator)
    context.steps.clear()
    simulator.journal.clear()
    for step in context.asked.copy():
        simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA, call_id=f"{context.job.id}/{step}"))

    outcome = await handle(kind, text, context)

    assert isinstance(outcome, Done)
    assert len(simulator.journal.calls) == 2 * calls
    assert 0 < spent(simulator) <= 3 * hold


async def test_after_a_busy_spell_only_the_missing_call_is_bought(
    context: FakeAttemptContext, simulator: ProviderSimulator
):
    simulator.faults.add(replace(rate_limited(), call_id=f"{context.job.id}/items/1"))
    with pytest.raises(ProviderBusy):
        await collect(LONG, context)
    paid = {call.call_id for call in simulator.journal.calls if call.status == 200}
    simulator.journal.clear()

    collection = await collect(LONG, context)

    again = {call.call_id for call in simulator.journal.calls}
    assert paid
    assert paid.isdisjoint(again)
    assert f"{context.job.id}/items/1" in again
    assert collection.quality.sections_failed == 0


async def test_a_refused_part_leaves_the_rest_and_says_so(
    context: FakeAttemptContext, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.REFUSAL, call_id=f"{context.job.id}/items/0"))

    collection = await collect(LONG, context)

    assert collection.quality.sections_failed == 1
    assert collection.flashcards
