"""The call runner: concurrent calls, kept completions, and errors that are final or retryable."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import pytest
from msgspec import Struct
from tests.fakes import FakeAttemptContext, FakeProvider

from shared.domain.errors import StoreUnavailable, StudyError
from shared.domain.generation.call_plan import PlannedStep, plan_steps
from shared.domain.generation.sizing import PARALLEL_CALLS
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import AiInput
from shared.domain.llm.provider import Completion, Prompt
from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.study.material import Summary, TextDraft
from shared.domain.usage import Usage
from shared.runtime.generation.call_runner import make_outcome, run_calls

T = TypeVar("T")

SENTENCE = "The river carries its water slowly through the wide valley to the northern sea. "


def make_steps(parts: int = 4) -> list[PlannedStep]:
    text = "\n\n".join(SENTENCE * 125 + f"The stone number {part} marks the border." for part in range(parts))
    steps = plan_steps(Kind.FLASHCARDS, AiInput(text=text))
    assert len(steps) >= parts
    return steps


def fault_on(steps: list[PlannedStep], faults: Mapping[int, StudyError]) -> FakeProvider:
    by_source = {steps[index].prompt.source: error for index, error in faults.items()}
    return FakeProvider(faults=lambda prompt: by_source.get(prompt.source))


async def test_every_step_is_called_once_and_completions_keep_the_order_of_the_plan():
    steps = make_steps()
    context = FakeAttemptContext(FakeProvider())

    results = await run_calls(steps, context)

    assert list(results.completions) == context.asked == [step.name for step in steps]
    assert context.progressed == [(count + 1, len(steps)) for count in range(len(steps))]


async def test_completions_are_delivered_in_plan_order_even_if_the_first_is_late():
    steps = make_steps(5)
    is_last_asked = asyncio.Event()
    received: list[str] = []

    class SlowFirstCallContext(FakeAttemptContext):
        async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
            if step == steps[-1].name:
                is_last_asked.set()
            if step == steps[0].name:
                await is_last_asked.wait()
            return await super().complete(step, prompt, schema)

    async def on_completion(step: PlannedStep, completion: Completion[Struct]) -> None:
        received.append(step.name)

    context = SlowFirstCallContext(FakeProvider())
    await run_calls(steps, context, on_completion)

    assert context.asked[0] != steps[0].name
    assert received == [step.name for step in steps]


async def test_concurrent_calls_are_limited():
    steps = make_steps(30)
    provider = FakeProvider()

    await run_calls(steps, FakeAttemptContext(provider))

    assert provider.most_at_once == PARALLEL_CALLS


async def test_every_call_has_its_own_id_and_a_hash_of_its_user():
    steps = make_steps()
    context = FakeAttemptContext(provider := FakeProvider())

    await run_calls(steps, context)

    assert [prompt.call_id for prompt in provider.prompts] == [
        f"{context.job.id}/{step.name}" for step in steps
    ]
    (safety_id,) = {prompt.safety_id for prompt in provider.prompts}
    assert safety_id
    assert context.job.user not in safety_id


def too_long_beyond(characters: int) -> FakeProvider:
    """A model whose window holds sources of so many characters."""
    return FakeProvider(faults=lambda prompt: ContextTooLong() if len(prompt.source) > characters else None)


async def test_a_part_that_is_too_long_is_split_until_it_fits():
    steps = make_steps(2)
    received: list[PlannedStep] = []

    async def on_completion(step: PlannedStep, completion: Completion[Struct]) -> None:
        received.append(step)

    context = FakeAttemptContext(too_long_beyond(2_000))
    results = await run_calls(steps, context, on_completion)

    assert not results.failed
    assert list(results.completions) == [step.name for step in received]
    assert [step.name for step in received[:2]] == ["cards/0.0.0.0", "cards/0.0.0.1"]
    assert sum(step.quota.total for step in received) == sum(step.quota.total for step in steps)
    places = [(step.span.start, step.span.end) for step in received]
    assert places == sorted(places)
    assert (places[0][0], places[-1][1]) == (steps[0].span.start, steps[-1].span.end)
    assert context.progressed[-1] == (len(steps), len(steps))


async def test_a_part_that_cannot_be_split_fails_alone():
    steps = make_steps(2)
    results = await run_calls(steps, FakeAttemptContext(too_long_beyond(10)))
    assert not results.completions
    assert {type(error) for error in results.failed.values()} == {ContextTooLong}
    assert len(results.failed_spans) == len(results.failed)


async def test_kept_steps_are_not_called_again():
    steps = make_steps()
    context = FakeAttemptContext(FakeProvider())
    await run_calls(steps, context)
    context.asked.clear()

    results = await run_calls(steps, context)

    assert context.asked == []
    assert len(results.completions) == len(steps)


@pytest.mark.parametrize("error", [ProviderRefused(), ProviderGarbled()])
async def test_a_final_error_of_one_call_does_not_affect_the_others(error: ProviderError):
    steps = make_steps()

    results = await run_calls(steps, FakeAttemptContext(fault_on(steps, {1: error})))

    assert results.failed == {steps[1].name: error}
    assert len(results.completions) == len(steps) - 1


@pytest.mark.parametrize("error", [ProviderBusy(), ProviderUnavailable(), ProviderTimedOut()])
async def test_a_retryable_error_is_raised_unchanged(error: ProviderError):
    steps = make_steps()

    with pytest.raises(type(error)):
        await run_calls(steps, FakeAttemptContext(fault_on(steps, {1: error})))


@pytest.mark.parametrize("error", [ProviderBusy(), StoreUnavailable()])
async def test_after_a_retryable_error_calls_under_way_are_kept_and_no_new_one_begins(error: StudyError):
    steps = make_steps(30)
    context = FakeAttemptContext(fault_on(steps, {0: error}))

    with pytest.raises(type(error)):
        await run_calls(steps, context)

    assert len(context.asked) == PARALLEL_CALLS
    assert len(context.steps) == PARALLEL_CALLS - 1
    assert context.progressed == [(count + 1, len(steps)) for count in range(PARALLEL_CALLS - 1)]


async def test_the_raised_error_has_the_longest_wait_of_all():
    steps = make_steps()
    faults: dict[int, ProviderError] = {
        0: ProviderUnavailable(),
        1: ProviderBusy(retry_after=54),
        2: ProviderBusy(),
    }

    with pytest.raises(ProviderError) as raised:
        await run_calls(steps, FakeAttemptContext(fault_on(steps, faults)))

    assert raised.value.retry_after == 54


async def test_an_error_of_a_call_that_was_made_counts_as_an_attempt():
    steps = make_steps()
    faults: dict[int, ProviderError] = {
        0: ProviderBusy(retry_after=90, is_counted=False),
        1: ProviderUnavailable(),
    }

    with pytest.raises(ProviderUnavailable) as raised:
        await run_calls(steps, FakeAttemptContext(fault_on(steps, faults)))

    assert (raised.value.is_counted, raised.value.retry_after) == (True, 90)


@pytest.mark.parametrize("error", [ProviderOutOfCredit(), ProviderMisconfigured()])
async def test_an_error_that_needs_an_operator_stops_further_calls(error: ProviderError):
    steps = make_steps(30)
    context = FakeAttemptContext(fault_on(steps, {0: error}))

    results = await run_calls(steps, context)

    assert len(context.asked) == PARALLEL_CALLS
    assert len(results.completions) == PARALLEL_CALLS - 1
    assert len(results.failed) == len(steps) - PARALLEL_CALLS + 1


async def test_an_unexpected_exception_ends_all_calls():
    def fault(prompt: Prompt) -> Exception:
        return ZeroDivisionError()

    with pytest.raises(ExceptionGroup):
        await run_calls(make_steps(), FakeAttemptContext(FakeProvider(faults=fault)))


def test_the_outcome_names_every_model_that_contributed():
    def completion(model: str, generated_by: str, *, fallback: bool) -> Completion[Struct]:
        return Completion(
            value=TextDraft(""), usage=Usage(), model=model, generated_by=generated_by, fallback_used=fallback
        )

    ours = completion("model-1", "openai", fallback=False)
    result = Summary(language="en", summary="", key_points=[])

    alone = make_outcome(result, [ours, ours])
    mixed = make_outcome(result, [ours, completion("etude-offline-1", "offline", fallback=True)])

    assert (alone.model, alone.generated_by, alone.fallback_used) == ("model-1", "openai", False)
    assert (mixed.model, mixed.generated_by) == ("model-1+etude-offline-1", "openai+offline")
    assert mixed.fallback_used
