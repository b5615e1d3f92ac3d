"""Calls are made side by side, paid for once, and sorted by what can still be done about them."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import pytest
from msgspec import Struct
from tests.fakes import FakeAttemptContext, FakeProvider

from shared.domain.errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderTimedOut,
    ProviderUnavailable,
    StoreUnavailable,
    StudyError,
)
from shared.domain.generation.call_plan import PlannedStep, plan_steps
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import AiInput
from shared.domain.llm.provider import Completion, Prompt
from shared.domain.study.material import Summary, TextDraft
from shared.domain.usage import Usage
from shared.runtime.generation.call_runner import PARALLEL_CALLS, done, make_calls

T = TypeVar("T")

SENTENCE = "The river carries its water slowly through the wide valley to the northern sea. "


def make_steps(parts: int = 4) -> list[PlannedStep]:
    text = "\n\n".join(SENTENCE * 87 + f"The stone number {part} marks the border." for part in range(parts))
    steps = plan_steps(Kind.FLASHCARDS, AiInput(text=text))
    assert len(steps) >= parts
    return steps


def fault_on(steps: list[PlannedStep], faults: Mapping[int, StudyError]) -> FakeProvider:
    by_source = {steps[index].prompt.source: error for index, error in faults.items()}
    return FakeProvider(faults=lambda prompt: by_source.get(prompt.source))


async def test_every_step_is_asked_once_and_answers_keep_the_order_of_the_plan():
    steps = make_steps()
    context = FakeAttemptContext(FakeProvider())

    answers = await make_calls(steps, context)

    assert list(answers.completions) == context.asked == [step.name for step in steps]
    assert context.progressed == [(count + 1, len(steps)) for count in range(len(steps))]


async def test_completions_are_handed_on_in_the_order_of_the_plan_however_late_the_first_one_is():
    steps = make_steps(5)
    is_last_asked = asyncio.Event()
    received: list[str] = []

    class SlowToStart(FakeAttemptContext):
        async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
            if step == steps[-1].name:
                is_last_asked.set()
            if step == steps[0].name:
                await is_last_asked.wait()
            return await super().complete(step, prompt, schema)

    async def receive(step: PlannedStep, completion: Completion[Struct]) -> None:
        received.append(step.name)

    context = SlowToStart(FakeProvider())
    await make_calls(steps, context, receive)

    assert context.asked[0] != steps[0].name
    assert received == [step.name for step in steps]


async def test_calls_are_side_by_side_but_not_without_bound():
    steps = make_steps(30)
    provider = FakeProvider()

    await make_calls(steps, FakeAttemptContext(provider))

    assert provider.most_at_once == PARALLEL_CALLS


async def test_every_call_is_told_from_all_others_and_its_user_is_not_named():
    steps = make_steps()
    context = FakeAttemptContext(provider := FakeProvider())

    await make_calls(steps, context)

    assert [prompt.call_id for prompt in provider.prompts] == [
        f"{context.job.id}/{step.name}" for step in steps
    ]
    (safety_id,) = {prompt.safety_id for prompt in provider.prompts}
    assert safety_id
    assert context.job.user not in safety_id


async def test_steps_that_are_kept_are_not_asked_again():
    steps = make_steps()
    context = FakeAttemptContext(FakeProvider())
    await make_calls(steps, context)
    context.asked.clear()

    answers = await make_calls(steps, context)

    assert context.asked == []
    assert len(answers.completions) == len(steps)


@pytest.mark.parametrize("error", [ProviderRefused(), ContextTooLong(), ProviderGarbled()])
async def test_a_call_that_fails_for_good_leaves_the_others_alone(error: ProviderError):
    steps = make_steps()

    answers = await make_calls(steps, FakeAttemptContext(fault_on(steps, {1: error})))

    assert answers.failed == {steps[1].name: error}
    assert len(answers.completions) == len(steps) - 1


@pytest.mark.parametrize("error", [ProviderBusy(), ProviderUnavailable(), ProviderTimedOut()])
async def test_a_call_to_be_tried_later_is_raised_as_it_is(error: ProviderError):
    steps = make_steps()

    with pytest.raises(type(error)):
        await make_calls(steps, FakeAttemptContext(fault_on(steps, {1: error})))


@pytest.mark.parametrize("error", [ProviderBusy(), StoreUnavailable()])
async def test_before_a_retry_calls_under_way_are_kept_and_no_new_one_is_begun(error: StudyError):
    steps = make_steps(30)
    context = FakeAttemptContext(fault_on(steps, {0: error}))

    with pytest.raises(type(error)):
        await make_calls(steps, context)

    assert len(context.asked) == PARALLEL_CALLS
    assert len(context.steps) == PARALLEL_CALLS - 1
    assert context.progressed == [(count + 1, len(steps)) for count in range(PARALLEL_CALLS - 1)]


async def test_the_longest_wait_asked_for_is_the_one_raised():
    steps = make_steps()
    faults: dict[int, ProviderError] = {
        0: ProviderUnavailable(),
        1: ProviderBusy(retry_after=54),
        2: ProviderBusy(),
    }

    with pytest.raises(ProviderError) as raised:
        await make_calls(steps, FakeAttemptContext(fault_on(steps, faults)))

    assert raised.value.retry_after == 54


async def test_a_call_that_was_made_counts_although_others_were_kept_back():
    steps = make_steps()
    faults: dict[int, ProviderError] = {
        0: ProviderBusy(retry_after=90, is_counted=False),
        1: ProviderUnavailable(),
    }

    with pytest.raises(ProviderUnavailable) as raised:
        await make_calls(steps, FakeAttemptContext(fault_on(steps, faults)))

    assert (raised.value.is_counted, raised.value.retry_after) == (True, 90)


@pytest.mark.parametrize("error", [ProviderOutOfCredit(), ProviderMisconfigured()])
async def test_when_an_operator_must_act_the_rest_is_not_even_asked(error: ProviderError):
    steps = make_steps(30)
    context = FakeAttemptContext(fault_on(steps, {0: error}))

    answers = await make_calls(steps, context)

    assert len(context.asked) == PARALLEL_CALLS
    assert len(answers.completions) == PARALLEL_CALLS - 1
    assert len(answers.failed) == len(steps) - PARALLEL_CALLS + 1


async def test_an_error_that_is_not_the_providers_ends_all_calls():
    def fault(prompt: Prompt) -> Exception:
        return ZeroDivisionError()

    with pytest.raises(ExceptionGroup):
        await make_calls(make_steps(), FakeAttemptContext(FakeProvider(faults=fault)))


def test_the_outcome_credits_everyone_who_answered():
    def answer(model: str, generated_by: str, *, fallback: bool) -> Completion[Struct]:
        return Completion(
            value=TextDraft(""), usage=Usage(), model=model, generated_by=generated_by, fallback_used=fallback
        )

    ours = answer("model-1", "openai", fallback=False)
    result = Summary(language="en", summary="", key_points=[])

    alone = done(result, [ours, ours])
    mixed = done(result, [ours, answer("etude-offline-1", "offline", fallback=True)])

    assert (alone.model, alone.generated_by, alone.fallback_used) == ("model-1", "openai", False)
    assert (mixed.model, mixed.generated_by) == ("model-1+etude-offline-1", "openai+offline")
    assert mixed.fallback_used
