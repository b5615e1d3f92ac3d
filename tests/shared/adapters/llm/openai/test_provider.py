"""The provider against a server that speaks OpenAI's API, over real HTTP, at its best and at its worst."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest
from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.simulators.faults import Fault, FaultKind, out_of_credit, overloaded, rate_limited, server_error
from tests.simulators.journal import Call, CallState
from tests.simulators.no_live_calls import LiveCall
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.domain.llm.provider import ChatRequest, Completion, Delta, Message, Prompt, Task
from shared.domain.provider_errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderMisconfigured,
    ProviderOutOfCredit,
    ProviderRefused,
    ProviderRejected,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.study.material import CardDraft, CardDrafts, ItemCounts, SummaryDraft
from shared.domain.text.numbering import NumberedText
from shared.domain.usage import Usage

SECRET_WORDS = "Zyzomys argurus"
"""Of a learner: they must not come out in an error."""
SOURCE = (
    f"The {SECRET_WORDS} is a small rodent of northern Australia. It gathers seeds among the rocks at night. "
    "Its thick tail stores fat for the dry season."
)
PROMPT = Prompt(
    task=Task.CARDS,
    instructions="You write flashcards.",
    source=SOURCE,
    request="Write up to 2 cards.",
    language="en",
    counts=ItemCounts(cards=2),
    max_output_tokens=900,
    cache_key="source-1",
    safety_id="user-hash",
    call_id="job-1/cards/0",
)
QUESTION = [Message("user", "Where does the rodent store fat?")]
AT_ONCE = 0.5
"""Seconds: a deadline that the simulator's answers keep easily, and a hanging call does not."""


@pytest.fixture
async def simulator() -> AsyncIterator[ProviderSimulator]:
    async with ProviderSimulator() as simulator:
        yield simulator


@pytest.fixture
async def provider(simulator: ProviderSimulator) -> AsyncIterator[OpenAIProvider]:
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
    yield provider
    await provider.close()


def paid(calls: list[Call]) -> Usage:
    return sum((Usage(call.prompt_tokens, call.completion_tokens) for call in calls), Usage())


def ask(provider: OpenAIProvider) -> AsyncGenerator[Delta]:
    return provider.stream(
        ChatRequest(messages=QUESTION, sources=[SOURCE], language="en", max_output_tokens=300)
    )


async def deltas_of(provider: OpenAIProvider, received: list[Delta] | None = None) -> list[Delta]:
    """All of an answer; `received` has what came before an error."""
    received = [] if received is None else received
    async with aclosing(ask(provider)) as stream:
        async for delta in stream:
            received.append(delta)
    return received


# -- a good answer ------------------------------------------------------------------------------------------------


def _names_a_sentence(card: CardDraft) -> bool:
    return NumberedText(SOURCE).find(card.numbers or []) is not None


async def test_an_answer_is_decoded_and_says_what_it_cost(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    completion = await provider.complete(PROMPT, CardDrafts)

    assert [_names_a_sentence(card) for card in completion.value.cards] == [True, True]
    assert completion == Completion(
        value=completion.value, usage=paid(simulator.journal.calls), model="model-1", generated_by="openai"
    )
    assert completion.usage.prompt_tokens > 0


async def test_the_request_says_all_that_the_prompt_says(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    await provider.complete(PROMPT, CardDrafts)

    (call,) = simulator.journal.calls
    request = call.request
    assert request is not None
    assert call.call_id == "job-1/cards/0"
    assert [turn.role for turn in request.messages] == ["system", "user"]
    assert request.messages[0].content == PROMPT.instructions
    assert SOURCE in request.messages[1].content
    assert (request.model, request.max_completion_tokens) == ("model-1", 900)
    assert (request.prompt_cache_key, request.safety_identifier, request.store) == (
        "source-1",
        "user-hash",
        False,
    )
    assert request.response_format is not None
    assert request.response_format.json_schema.strict


async def test_a_compatible_server_is_sent_nothing_that_only_openai_knows(simulator: ProviderSimulator):
    learned = LearnedAbilities(COMPATIBLE, model="m")
    provider = OpenAIProvider(connect("key", base_url=simulator.url), model="m", learned=learned)
    await provider.complete(PROMPT, CardDrafts)
    await provider.close()

    request = simulator.journal.calls[0].request
    assert request is not None
    assert (request.prompt_cache_key, request.safety_identifier, request.store) == ("", "", None)


async def test_half_a_character_in_the_source_is_no_obstacle(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    await provider.complete(replace(PROMPT, source=SOURCE + "\ud83d"), CardDrafts)

    request = simulator.journal.calls[0].request
    assert request is not None
    assert "\ufffd" in request.messages[1].content


async def test_usage_that_the_server_does_not_say_is_counted_here(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.NO_USAGE))

    completion = await provider.complete(PROMPT, CardDrafts)

    (call,) = simulator.journal.calls
    assert completion.usage.completion_tokens == call.completion_tokens
    assert 0 < completion.usage.prompt_tokens <= call.prompt_tokens


@pytest.mark.slow
async def test_many_calls_at_once_are_each_answered(provider: OpenAIProvider, simulator: ProviderSimulator):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(provider.complete(PROMPT, CardDrafts)) for _ in range(200)]

    assert {_names_a_sentence(task.result().value.cards[0]) for task in tasks} == {True}
    assert len(simulator.journal.calls) == 200


# -- an answer that does not fit ----------------------------------------------------------------------------------

UNFIT = [FaultKind.INVALID_JSON, FaultKind.WRONG_SCHEMA, FaultKind.TRUNCATED]


@pytest.mark.parametrize("kind", UNFIT)
async def test_an_answer_that_does_not_fit_is_asked_for_once_more(
    kind: FaultKind, provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=kind))

    completion = await provider.complete(PROMPT, CardDrafts)

    assert len(completion.value.cards) == 2
    assert len(simulator.journal.calls) == 2
    assert completion.usage == paid(simulator.journal.calls)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.WRONG_SCHEMA, "missing required field `cards`"),
        (FaultKind.TRUNCATED, "cut off at the length limit"),
    ],
)
async def test_the_second_request_holds_the_first_answer_and_what_was_wrong_with_it(
    kind: FaultKind, reason: str, provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=kind))
    await provider.complete(PROMPT, CardDrafts)

    request = simulator.journal.calls[1].request
    assert request is not None
    assert [turn.role for turn in request.messages] == ["system", "user", "assistant", "user"]
    assert reason in request.messages[3].content


@pytest.mark.parametrize("kind", UNFIT)
async def test_two_answers_that_do_not_fit_are_garbled_and_both_are_paid_for(
    kind: FaultKind, provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=kind, times=5))

    with pytest.raises(ProviderGarbled) as raised:
        await provider.complete(PROMPT, CardDrafts)

    assert len(simulator.journal.calls) == 2
    assert raised.value.usage == paid(simulator.journal.calls) != Usage()


async def test_a_re_ask_that_fails_still_costs_the_first_answer(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA), server_error())

    with pytest.raises(ProviderUnavailable) as raised:
        await provider.complete(PROMPT, CardDrafts)

    assert raised.value.usage == paid(simulator.journal.calls[:1]) != Usage()


# -- no answer ----------------------------------------------------------------------------------------------------


def status(number: int, code: str | None = None, **headers: str) -> Fault:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(kind=FaultKind.ERROR, status=number, code=code, type="some_error", headers=sent)


ERRORS: list[tuple[Fault, type[ProviderError], float | None]] = [
    (rate_limited("54"), ProviderBusy, 54.0),
    (rate_limited(), ProviderBusy, None),
    (status(429, "slow_down", retry_after_ms="1500"), ProviderBusy, 1.5),
    (status(429, "some_new_code", retry_after="2"), ProviderBusy, 2.0),
    (status(429), ProviderBusy, None),
    (out_of_credit("credit_balance_exhausted"), ProviderOutOfCredit, None),
    (out_of_credit("organization_spend_limit_exceeded"), ProviderOutOfCredit, None),
    (out_of_credit("project_spend_limit_exceeded"), ProviderOutOfCredit, None),
    (status(429, "team_spend_limit_exceeded"), ProviderOutOfCredit, None),
    (out_of_credit("organization_usage_limit_exceeded"), ProviderOutOfCredit, None),
    (out_of_credit("insufficient_quota"), ProviderOutOfCredit, None),
    (Fault(kind=FaultKind.ERROR, status=429, type="insufficient_quota"), ProviderOutOfCredit, None),
    (
        Fault(kind=FaultKind.ERROR, status=429, code="rate_limit_exceeded", type="insufficient_quota"),
        ProviderBusy,
        None,
    ),
    (status(402), ProviderOutOfCredit, None),
    (overloaded("20"), ProviderBusy, 20.0),
    (status(503), ProviderBusy, None),
    (server_error(), ProviderUnavailable, None),
    (status(500, retry_after="3"), ProviderUnavailable, 3.0),
    (status(502), ProviderUnavailable, None),
    (status(504), ProviderTimedOut, None),
    (status(408), ProviderTimedOut, None),
    (status(400, "context_length_exceeded"), ContextTooLong, None),
    (status(413), ContextTooLong, None),
    (status(400, "content_filter"), ProviderRefused, None),
    (status(400, "content_policy_violation"), ProviderRefused, None),
    (status(401, "invalid_api_key"), ProviderMisconfigured, None),
    (status(403), ProviderRejected, None),
    (status(404, "model_not_found"), ProviderRejected, None),
    (status(404), ProviderRejected, None),
    (status(400), ProviderRejected, None),
    (status(422), ProviderRejected, None),
    (Fault(kind=FaultKind.RESET), ProviderUnavailable, None),
    (Fault(kind=FaultKind.CUT), ProviderUnavailable, None),
    (Fault(kind=FaultKind.HTML), ProviderUnavailable, None),
    (Fault(kind=FaultKind.NO_CHOICES), ProviderUnavailable, None),
    (Fault(kind=FaultKind.ERROR_IN_SUCCESS), ProviderUnavailable, None),
    (Fault(kind=FaultKind.ERROR_IN_SUCCESS, code="rate_limit_exceeded"), ProviderBusy, None),
]


@pytest.mark.parametrize(
    ("fault", "error", "retry_after"),
    ERRORS,
    ids=[f"{f.kind}-{f.status}-{f.code}-{e.__name__}" for f, e, _ in ERRORS],
)
async def test_each_fault_is_one_call_and_one_error_that_says_what_to_do(
    fault: Fault,
    error: type[ProviderError],
    retry_after: float | None,
    provider: OpenAIProvider,
    simulator: ProviderSimulator,
):
    simulator.faults.add(replace(fault, times=9))

    with pytest.raises(ProviderError) as raised:
        await provider.complete(PROMPT, CardDrafts)

    assert type(raised.value) is error
    assert raised.value.retry_after == retry_after
    assert len(simulator.journal.calls) == 1, "nobody retries here"


@pytest.mark.parametrize(
    "fault", [server_error(), status(400, "invalid_prompt"), Fault(kind=FaultKind.ERROR_IN_SUCCESS)]
)
async def test_no_error_repeats_what_the_provider_said(
    fault: Fault, provider: OpenAIProvider, simulator: ProviderSimulator
):
    """The simulator's messages quote the prompt, as a vendor's may."""
    simulator.faults.add(fault)

    with pytest.raises(ProviderError) as raised:
        await provider.complete(PROMPT, CardDrafts)

    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value.problem)
    assert SECRET_WORDS not in told


@pytest.mark.parametrize("kind", [FaultKind.REFUSAL, FaultKind.CONTENT_FILTER])
async def test_a_refusal_is_not_asked_again_and_is_paid_for(
    kind: FaultKind, provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=kind, times=5))

    with pytest.raises(ProviderRefused) as raised:
        await provider.complete(PROMPT, SummaryDraft)

    assert len(simulator.journal.calls) == 1
    assert raised.value.usage == paid(simulator.journal.calls)


async def test_a_call_that_takes_too_long_is_given_up_and_hung_up(simulator: ProviderSimulator):
    provider = OpenAIProvider(
        connect("key", base_url=simulator.url), model="model-1", timeout_seconds=AT_ONCE
    )
    simulator.faults.add(Fault(kind=FaultKind.HANG))

    with pytest.raises(ProviderTimedOut):
        await provider.complete(PROMPT, CardDrafts)

    await simulator.journal.until_ended()
    assert simulator.journal.calls[0].state is CallState.HUNG_UP
    await provider.close()


async def test_an_answer_that_drips_in_is_under_the_same_deadline(simulator: ProviderSimulator):
    provider = OpenAIProvider(
        connect("key", base_url=simulator.url), model="model-1", timeout_seconds=AT_ONCE
    )
    simulator.faults.add(Fault(kind=FaultKind.DRIP, seconds=10 * DEADLINE_SECONDS))

    with pytest.raises(ProviderTimedOut):
        await provider.complete(PROMPT, CardDrafts)

    await provider.close()


async def test_cancelling_a_call_hangs_up(provider: OpenAIProvider, simulator: ProviderSimulator):
    simulator.faults.add(Fault(kind=FaultKind.HANG))
    call = asyncio.create_task(provider.complete(PROMPT, CardDrafts))
    await simulator.journal.until(lambda calls: len(calls) == 1)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    await simulator.journal.until_ended()
    assert simulator.journal.calls[0].state is CallState.HUNG_UP


async def test_a_server_that_is_not_there_is_unavailable(simulator: ProviderSimulator):
    async with ProviderSimulator() as gone:
        url = gone.url
    provider = OpenAIProvider(connect("key", base_url=url), model="model-1")

    with pytest.raises(ProviderUnavailable):
        await provider.complete(PROMPT, CardDrafts)
    with pytest.raises(ProviderUnavailable):
        await deltas_of(provider)

    await provider.close()


# -- streams ------------------------------------------------------------------------------------------------------


async def test_a_stream_comes_in_pieces_and_ends_with_what_it_cost(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    *pieces, last = await deltas_of(provider)

    assert "".join(piece.text for piece in pieces) == "“Its thick tail stores fat for the dry season.”"
    assert len(pieces) > 3
    assert last == Delta(usage=paid(simulator.journal.calls), model="model-1", generated_by="openai")


async def test_the_passages_stand_fenced_before_the_question(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    await deltas_of(provider)

    request = simulator.journal.calls[0].request
    assert request is not None
    assert [turn.role for turn in request.messages] == ["system", "user"]
    assert request.messages[1].content.endswith(QUESTION[0].content)
    assert SOURCE in request.messages[1].content
    assert request.store is False


async def test_cancelling_who_waits_for_a_stream_hangs_up(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.DRIP, seconds=10 * DEADLINE_SECONDS))
    waiting = asyncio.create_task(deltas_of(provider))
    await simulator.journal.until(lambda calls: len(calls) == 1)

    waiting.cancel()
    await asyncio.wait([waiting])

    await simulator.journal.until_ended()
    assert simulator.journal.calls[0].state is CallState.HUNG_UP


async def test_a_consumer_that_has_enough_hangs_up(provider: OpenAIProvider, simulator: ProviderSimulator):
    simulator.piece_seconds = 0.001

    async with aclosing(ask(provider)) as stream:
        assert (await anext(stream)).text

    await simulator.journal.until_ended()
    assert simulator.journal.calls[0].state is CallState.HUNG_UP


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind=FaultKind.CUT, pieces=4), ProviderUnavailable),
        (Fault(kind=FaultKind.ERROR_IN_SUCCESS, pieces=4), ProviderUnavailable),
        (
            Fault(kind=FaultKind.ERROR_IN_SUCCESS, pieces=4, code="rate_limit_exceeded"),
            ProviderBusy,
        ),
    ],
)
async def test_a_stream_that_breaks_costs_what_was_received(
    fault: Fault, error: type[ProviderError], provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(fault)
    received: list[Delta] = []

    with pytest.raises(error) as raised:
        await deltas_of(provider, received)

    assert "".join(delta.text for delta in received) == "“Its thick tail "
    assert raised.value.usage.prompt_tokens > 0
    assert 0 < raised.value.usage.completion_tokens < simulator.journal.calls[0].completion_tokens


async def test_a_line_that_cannot_be_read_costs_the_stream_no_more_than_its_words(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.BROKEN_EVENT, pieces=4))
    received: list[Delta] = []

    await deltas_of(provider, received)

    assert "".join(delta.text for delta in received).startswith("“Its thick tail ")
    assert received[-1].usage


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (rate_limited("7"), ProviderBusy),
        (out_of_credit(), ProviderOutOfCredit),
        (server_error(), ProviderUnavailable),
        (Fault(kind=FaultKind.RESET), ProviderUnavailable),
        (Fault(kind=FaultKind.HTML), ProviderUnavailable),
        (Fault(kind=FaultKind.CONTENT_FILTER), ProviderRefused),
        (Fault(kind=FaultKind.REFUSAL), ProviderRefused),
    ],
)
async def test_a_stream_that_never_begins_raises_the_same_errors(
    fault: Fault, error: type[ProviderError], provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(fault)

    with pytest.raises(error):
        await deltas_of(provider)

    assert len(simulator.journal.calls) == 1


@pytest.mark.parametrize(
    "fault", [Fault(kind=FaultKind.HANG), Fault(kind=FaultKind.DRIP, seconds=10 * DEADLINE_SECONDS)]
)
async def test_a_stream_that_stalls_is_given_up_and_hung_up(fault: Fault, simulator: ProviderSimulator):
    provider = OpenAIProvider(
        connect("key", base_url=simulator.url), model="model-1", timeout_seconds=AT_ONCE
    )
    simulator.faults.add(fault)

    with pytest.raises(ProviderTimedOut):
        await deltas_of(provider)

    await simulator.journal.until_ended()
    assert simulator.journal.calls[0].state is CallState.HUNG_UP
    await provider.close()


async def test_usage_that_a_stream_does_not_say_is_counted_here(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.NO_USAGE))

    *_, last = await deltas_of(provider)

    (call,) = simulator.journal.calls
    assert last.usage == Usage(call.prompt_tokens, call.completion_tokens)


# -- safety -------------------------------------------------------------------------------------------------------


async def test_no_test_can_call_the_real_api():
    provider = OpenAIProvider(connect("key", base_url="https://api.openai.com/v1"), model="model-1")

    with pytest.raises(LiveCall):
        await provider.complete(PROMPT, CardDrafts)

    await provider.close()


async def test_the_client_does_not_retry():
    client = connect("key", base_url="http://127.0.0.1:9/v1")
    assert client.max_retries == 0
    await client.close()


async def test_a_model_s_name_that_repeats_the_prompt_is_not_shown(
    provider: OpenAIProvider, simulator: ProviderSimulator
):
    simulator.faults.add(Fault(kind=FaultKind.INDISCREET, times=2))
    completion = await provider.complete(PROMPT, CardDrafts)
    *_, last = await deltas_of(provider)
    assert (completion.model, last.model) == ("model-1", "model-1")
