"""No text of a learner leaves a worker in the log of an exception, a provider error or a refused row."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.etude.command_runner import etude
from tests.job_harness import JobHarness
from tests.log_lines import kept_log, lines_of
from tests.simulators.faults import Fault, FaultKind
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis import keys
from shared.domain.generation.handler import AttemptContext, Handler
from shared.domain.jobs.job import JobState
from shared.domain.jobs.outcome import Done, Outcome
from shared.domain.jobs.payload import AiInput, JobInput, encode_input
from shared.domain.llm.provider import Prompt, Task
from shared.domain.study.material import Summary, SummaryDraft

WORD = "Xylophonium"
PROMPT = Prompt(
    task=Task.SUMMARY,
    instructions="Summarise.",
    source=f"The {WORD} is a small rodent of northern Australia.",
    language="en",
    max_output_tokens=100,
)


async def ask(job_input: JobInput, context: AttemptContext) -> Outcome:
    await context.complete("summary/0", PROMPT, SummaryDraft)
    raise AssertionError


async def crash(job_input: JobInput, context: AttemptContext) -> Outcome:
    raise ValueError(f"cannot read {WORD}") from KeyError(WORD)


async def crash_in_parallel(job_input: JobInput, context: AttemptContext) -> Outcome:
    async def fail() -> None:
        raise ValueError(WORD)

    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
        group.create_task(fail())
    raise AssertionError


async def forget_a_task(job_input: JobInput, context: AttemptContext) -> Outcome:
    async def fail() -> None:
        raise ValueError(WORD)

    forgotten = asyncio.create_task(fail())
    await asyncio.wait([forgotten])
    raise TypeError(WORD)


async def make_what_no_row_can_hold(job_input: JobInput, context: AttemptContext) -> Outcome:
    return Done(Summary(language="en", summary=WORD, key_points=[]), f"{WORD}\ud800", "openai")


@pytest.fixture
async def bad_provider() -> AsyncIterator[OpenAIProvider]:
    """A provider whose errors repeat the prompt."""
    async with ProviderSimulator() as simulator:
        simulator.faults.add(Fault(kind=FaultKind.ERROR, status=500, times=9))
        provider = OpenAIProvider(connect("key", base_url=simulator.url), model="model-1")
        yield provider
        await provider.close()


@pytest.mark.parametrize("handler", [ask, crash, crash_in_parallel, forget_a_task, make_what_no_row_can_hold])
async def test_logs_of_failures_hold_no_text_of_the_learner(
    real_harness: JobHarness, result_store: ResultStore, bad_provider: OpenAIProvider, handler: Handler
) -> None:
    payload = encode_input(AiInput(text=WORD))
    job = await real_harness.submit(payload=payload, title=WORD)
    with kept_log() as log:
        await real_harness.consumer(handler, results=result_store, provider=bad_provider).drain()

    record = await real_harness.record(job.id)
    events = str(await real_harness.command("XRANGE", keys.job_events(0, job.id), "-", "+"))
    letters = [
        await etude("dead", *words, "--redis-url", real_harness.place.url)
        for words in (("list",), ("show", job.id))
    ]
    assert record.state is JobState.FAILED
    assert {line.job_id for line in lines_of(log.getvalue())} >= {job.id}
    for said in (log.getvalue(), str(record.problem), events, *(f"{one.out}{one.err}" for one in letters)):
        assert WORD not in said
