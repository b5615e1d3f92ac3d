"""A collection from the drafts of a simulated model over HTTP."""

import pytest
from tests.fakes import FakeAttemptContext
from tests.paths import read_text
from tests.simulators.faults import Fault, FaultKind
from tests.simulators.provider import ProviderSimulator

from collection_worker.handlers import HANDLERS
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.llm.token_counter import count_tokens
from shared.domain.generation.hold import hold_for
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done
from shared.domain.jobs.payload import CollectionInput
from shared.domain.study.material import Collection


async def make(simulator: ProviderSimulator, text: str, *, garbled: tuple[str, ...] = ()) -> Done:
    """`garbled` names the steps whose first completion does not fit the schema."""
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    context = FakeAttemptContext(provider)
    for step in garbled:
        simulator.faults.add(Fault(kind=FaultKind.TRUNCATED, call_id=f"{context.job.id}/{step}"))
    outcome = await HANDLERS[Kind.COLLECTION](CollectionInput(text=text), context)
    await provider.close()
    assert isinstance(outcome, Done)
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", ["photosynthese.fr", "water_cycle.en"])
async def test_a_text_of_600_words_becomes_cards_and_questions_with_exact_quotes(name: str):
    text = read_text(f"{name}.txt")
    async with ProviderSimulator() as simulator:
        outcome = await make(simulator, text)

    collection = outcome.result
    assert isinstance(collection, Collection)
    assert (outcome.model, outcome.generated_by) == ("model-1", "openai")
    assert len(collection.flashcards) >= 10
    assert len(collection.quiz) >= 5
    for item in (*collection.flashcards, *collection.quiz):
        assert text[item.source.start : item.source.end] == item.source.quote


@pytest.mark.parametrize("name", ["photosynthese.fr", "water_cycle.en"])
async def test_a_job_whose_answers_are_all_asked_for_twice_is_no_dearer_than_the_limit(name: str):
    text = read_text(f"{name}.txt")
    async with ProviderSimulator() as simulator:
        await make(simulator, text, garbled=("cards/0", "questions/0"))

    assert len(simulator.journal.calls) == 4
    spent = sum(call.prompt_tokens + call.completion_tokens for call in simulator.journal.calls)
    assert spent <= 3 * hold_for(Kind.COLLECTION, CollectionInput(text=text), count_tokens)
